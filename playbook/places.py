"""Which hosts a configuration names, and their addresses: what the playbook works with is never to be blocked."""

import socket
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from playbook.deadline import all_at_once
from playbook.model.address import parse, unwrap

# Settings that hold a bare host instead of a URL.
_PLACES = frozenset({"host", "server"})
_DEADLINE_S = 3.0

LookUp = Callable[[str], Iterable[str]]


class Located(NamedTuple):
    """Names and addresses, those of the names among them; ``unlocated`` are the names whose addresses nobody told."""

    places: frozenset[str]
    unlocated: tuple[str, ...] = ()


def addresses_of(name: str) -> tuple[str, ...]:
    """The addresses that this machine's resolver gives for a name. Raises OSError when it gives none."""
    return tuple({str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})


def located(places: Iterable[str], look_up: LookUp, deadline_s: float = _DEADLINE_S) -> Located:
    """The places with the addresses of the names among them, all looked up at once and waited for this long."""
    known = frozenset(places)
    asked = {name: partial(_found, look_up, name) for name in known if parse(name) is None}
    found = {name: told.value or frozenset() for name, told in all_at_once(asked, deadline_s).items()}
    return Located(known.union(*found.values()), tuple(sorted(name for name in asked if not found[name])))


def _found(look_up: LookUp, name: str) -> frozenset[str]:
    return frozenset(str(unwrap(one)) for text in look_up(name) if (one := parse(text)))


def hosts_named(value: Any, key: str = "") -> Iterator[str]:
    """Hosts in a table and all that it holds: of every URL, also one kept as a secret, and of ``host = "..."``."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if isinstance(text, dict):
        for name, inner in text.items():
            yield from hosts_named(inner, name)
    elif isinstance(text, list | tuple):
        for inner in text:
            yield from hosts_named(inner, key)
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
