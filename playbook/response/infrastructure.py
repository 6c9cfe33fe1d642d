"""Which hosts a configuration names, and their addresses: what the playbook works with is never to be blocked."""

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr, ValidationError

from playbook.concurrency import run_concurrently
from playbook.config import Config, Table, resolve_secrets
from playbook.errors import ConfigError
from playbook.model.address import parse, unwrap
from playbook.ports import DeclaresEndpoints

# Settings that hold a bare host instead of a URL.
_PLACES = frozenset({"host", "server"})
_DEADLINE_S = 3.0
# Keys of a connector's table that the frame reads, not the connector.
RESERVED_KEYS = ("kind", "hosts_in")
# As long as any secret must be, so that the rest of its table can be read without it.
_UNSET = "-" * 64

LookUp = Callable[[str], Iterable[str]]
SettingsModel = Callable[[str, object], type | None]


class ResolvedEndpoints(NamedTuple):
    """Names and addresses, those of the names among them; ``unlocated`` are the names whose addresses nobody told."""

    places: frozenset[str]
    unlocated: tuple[str, ...] = ()


def addresses_of(name: str) -> tuple[str, ...]:
    """The addresses that this machine's resolver gives for a name. Raises OSError when it gives none."""
    return tuple({str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})


def resolve_endpoints(places: Iterable[str], look_up: LookUp, deadline_s: float = _DEADLINE_S) -> ResolvedEndpoints:
    """The places with the addresses of the names among them, all looked up at once and waited for this long."""
    known = frozenset(places)
    asked = {name: partial(_found, look_up, name) for name in known if parse(name) is None}
    found = {name: told.value or frozenset() for name, told in run_concurrently(asked, deadline_s).items()}
    return ResolvedEndpoints(known.union(*found.values()), tuple(sorted(name for name in asked if not found[name])))


def _found(look_up: LookUp, name: str) -> frozenset[str]:
    return frozenset(str(unwrap(one)) for text in look_up(name) if (one := parse(text)))


def hosts_in_settings(value: Any, key: str = "") -> Iterator[str]:
    """Hosts in a table and all that it holds: of every URL, also one kept as a secret, and of ``host = "..."``."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if isinstance(text, dict):
        for name, inner in text.items():
            yield from hosts_in_settings(inner, name)
    elif isinstance(text, list | tuple):
        for inner in text:
            yield from hosts_in_settings(inner, key)
    elif isinstance(text, str) and ("://" in text or key in _PLACES):
        host = _host(text)
        if host:
            yield host


def _host(text: str) -> str:
    """The host of a URL, or ``text`` itself, as names and addresses are compared; "" for what is no URL."""
    try:
        host = urlsplit(text).hostname or "" if "://" in text else text
    except ValueError:
        return ""
    return host.strip().lower().rstrip(".")


def places_of(config: Config, tables: Mapping[str, Sequence[Table]], model_of: SettingsModel) -> frozenset[str]:
    """Every host that the frame or a connector's table (``tables``, by role) names.

    A product is named by a URL (also one that an environment variable holds, as web hooks are) or by its host; where
    it is not, as a vendor's deployment, ``places`` of its connector's Settings says which hosts it talks to.
    """
    resolved = [(role, _with_secrets(table)) for role, section in tables.items() for table in section]
    frame = [config.state.url, config.serve.public_url, _with_secrets(config.serve.oidc)]
    declared = [_declared(model_of(role, table.get("kind")), table, config.folder) for role, table in resolved]
    return frozenset(hosts_in_settings([*frame, *(table for _, table in resolved), *declared]))


def _declared(model: Any, table: Table, folder: Path) -> list[Table]:
    """What the connector of a table adds to the hosts that stand in it; a table with a fault adds nothing."""
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        return []
    try:
        own = {key: value for key, value in table.items() if key not in RESERVED_KEYS}
        settings = model.model_validate(own)
        if not isinstance(settings, DeclaresEndpoints):
            return []
        return [{"host": place} for place in settings.places(folder)]
    except (ValidationError, ConfigError):
        return []


def _with_secrets(table: Table) -> Table:
    """The table with what its variables hold; a variable that is not set holds a place keeper, which is no host."""
    values: Table = {}
    for key, value in table.items():
        try:
            values |= resolve_secrets({key: value}, "", "")
        except ConfigError:
            values[key.removesuffix("_env")] = SecretStr(_UNSET)
    return values
