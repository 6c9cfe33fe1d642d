"""What the commands share: the --config option, the clock, times from the command line, and one JSON on stdout."""

import gc
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from playbook.config import Config, read
from playbook.errors import ConfigError

DEFAULT_FILE = Path("playbook.toml")


def config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--config FILE``, by default playbook.toml in the working directory, then the built-in defaults."""
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        default=None,
        help="Configuration (default: playbook.toml here, then built-in defaults).",
    )(function)


def configuration(file: Path | None) -> tuple[Config, str]:
    """The configuration and the name to call it by in errors."""
    if file is not None and not file.is_file():
        raise ConfigError(f"{file}: no such file")
    chosen = file or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)
    return read(chosen), str(chosen or "built-in defaults")


def now() -> datetime:
    """The clock, read at the edge and passed on."""
    return datetime.now(UTC)


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for reference cycles while a source's values grow: they are trees, and it would look at each again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def emit(document: dict[str, Any]) -> None:
    """Exactly one JSON document on stdout: indented for a person, on one line for a program."""
    click.echo(json.dumps(document, ensure_ascii=True, indent=2 if sys.stdout.isatty() else None, allow_nan=False))


_SPAN = re.compile(r"(\d{1,5})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def span(text: str) -> timedelta:
    """``24h``, ``90m``, ``7d`` as a length of time; UsageError otherwise."""
    match = _SPAN.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise click.BadParameter(f"{text!r}: expected a number with s, m, h or d, such as 24h")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def instant(text: str) -> datetime:
    """ISO 8601 as an aware time; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r}: expected ISO 8601, such as 2026-03-02T00:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
