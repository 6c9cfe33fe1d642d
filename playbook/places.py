"""Which hosts a configuration names: the machines that the playbook itself works with, never to be blocked."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

# Settings that hold a bare host instead of a URL.
_PLACES = frozenset({"host", "server"})


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
