"""What check looks at beside the connectors: the file itself, the record, and how serve would listen."""

import importlib
import ssl
import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from playbook.cli._check_results import fails, works
from playbook.config import Config
from playbook.errors import ConfigError
from playbook.model.check import CheckResult


def own_checks(
    config: Config, file: Path | None, listens: Callable[[], str], now: datetime
) -> tuple[tuple[str, CheckResult], ...]:
    """The name of each table and what was tried there; ``listens`` raises ConfigError where serve may not listen."""
    found = [("configuration", _file(file))] if file is not None else []
    if config.state.url:
        # Loaded by name: only a record needs the libraries of its database (extra `engine`).
        state = importlib.import_module("playbook.cli._state_check")
        found += [("state", one) for one in state.state_checks(config, now)]
    if config.serve.tls_certificate or config.serve.tls_key or config.serve.public_url:
        found += [("serve", one) for one in _serve(config, listens)]
    return tuple(found)


def _file(file: Path) -> CheckResult:
    """Nobody else may write the configuration: whoever can, decides what is never blocked."""
    mode = file.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return fails("permissions", f"{file} may be written by others (mode {mode & 0o777:o}): chmod go-w {file}")
    return works("permissions", f"{file} is written by its owner alone")


def _serve(config: Config, listens: Callable[[], str]) -> Iterator[CheckResult]:
    try:
        yield works("address", f"people come by {listens()}")
    except ConfigError as fault:
        yield CheckResult.failed("address", fault)
    certificate, key = config.serve.tls_certificate, config.serve.tls_key
    if certificate is None or key is None:
        return
    place = config.folder / key
    try:
        mode = place.stat().st_mode
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            config.folder / certificate, place, password=_no_password
        )
    except (OSError, ValueError) as fault:
        yield fails("tls", f"{config.folder / certificate} and {place} are no pair that can be read: {fault}")
        return
    if mode & 0o077:
        yield fails("tls", f"{place} is open to others (mode {mode & 0o777:o}): chmod 600 {place}")
    yield works("tls", "the certificate and its key belong together")


def _no_password() -> str:
    raise ValueError("the key takes a password, and nobody is there to type it")
