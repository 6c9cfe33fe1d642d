"""Refuses every socket that would leave the machine, UDP and name look-ups included, and remembers who tried.

pytest-socket blocks the making of sockets; this guard holds for tests that may make them (marker ``loopback``,
recording). It is an interpreter audit hook: no library can patch it away, and it sees ``sendto`` and ``getaddrinfo``.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

# Position of the address or host name in the arguments of each audit event.
_WATCHED = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}


class NetworkBlocked(RuntimeError):
    """A test tried to leave the machine."""


class _Guard:
    on = False
    installed = False
    allowed: Callable[[], frozenset[str]] = frozenset
    attempts: list[str] = []


def _local(target: Any) -> bool:
    if isinstance(target, (str, bytes)) and target in (b"", ""):
        return True
    host = target[0] if isinstance(target, tuple) else target
    if host is None or host in ("localhost", b"localhost"):
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if _Guard.allowed() & {text, "*"}:
        return True
    try:
        return ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _Guard.on or event not in _WATCHED:
        return
    target = arguments[_WATCHED[event]]
    unix = event not in ("socket.getaddrinfo", "socket.gethostbyname") and not isinstance(target, tuple)
    if unix or target is None or _local(target):
        return
    _Guard.attempts.append(f"{event} {target!r}")
    raise NetworkBlocked(f"{event} {target!r}")


@contextmanager
def guarded(allowed: Callable[[], frozenset[str]] = frozenset) -> Iterator[list[str]]:
    """Hold the guard; yields the attempts, which are noted even when the code under test swallowed the error.

    ``allowed`` gives hosts that may be reached ("*": any; a real tenant that is being recorded).
    """
    if not _Guard.installed:
        sys.addaudithook(_hook)
        _Guard.installed = True
    before = (_Guard.on, _Guard.allowed, _Guard.attempts)
    _Guard.on, _Guard.allowed, _Guard.attempts = True, allowed, []
    try:
        yield _Guard.attempts
    finally:
        _Guard.on, _Guard.allowed, _Guard.attempts = before
