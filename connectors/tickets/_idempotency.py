"""What ticket systems share: one ticket a key, one comment a key, whatever is lost on the way, and inert text.

None of these products has a create that can be repeated safely. So: look for the key, create, and after an unclear
answer look again before anything else; never create twice in one call. Two callers that create at the same moment
both look afterwards, agree on the oldest ticket, and retire the other.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import PurePath
from typing import Any, NamedTuple, TypeVar

from connectors.http import Reply, printable
from playbook.errors import BadAnswer, ConnectorError, Unreachable

_OURS = "botnet-playbook"
_PLAIN = re.compile(r"(?!sha256:)[A-Za-z0-9][A-Za-z0-9:._-]{0,150}", re.ASCII)
_UNSAFE_NAME = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
MOST_TEXT = 30_000
# Seconds to wait before each further look after an unclear answer.
LOOKS = (0.0, 1.0, 3.0)

Sleep = Callable[[float], None]
T = TypeVar("T")


class TicketRefused(BadAnswer):
    """The product said no to a write: nothing was done, and there is nothing to look for."""


class ExistingTicket(NamedTuple):
    """A ticket that carries our key: ``order`` sorts the oldest first, ``reference`` is what people call it."""

    order: tuple[int | str, ...]
    reference: str


def remote_key(key: str) -> str:
    """``key`` as the ticket system stores it: no character that any query language, label or field could mistake."""
    plain = key if _PLAIN.fullmatch(key) else "sha256:" + hashlib.sha256(key.encode()).hexdigest()
    return f"{_OURS}:{plain}"


def marker(key: str) -> str:
    """What a comment ends with, so that it is recognised again."""
    return f"[{remote_key(key)}]"


def one_line(title: str, most: int) -> str:
    """``title`` as one line without control characters, at most ``most`` characters."""
    line = " ".join(printable(title).split())
    return line if len(line) <= most else line[: most - 3] + "..."


def plain(text: str, most: int = MOST_TEXT) -> str:
    """``text`` without control characters but line ends, at most ``most`` characters."""
    body = "\n".join(printable(line).rstrip() for line in text.splitlines())
    return body if len(body) <= most else body[: most - 16] + "\n[... shortened]"


def stamped(name: str, content: bytes) -> str:
    """A file name that holds a digest of its content: the same file is recognised, a newer one stands beside it."""
    path = PurePath(_UNSAFE_NAME.sub("-", name).lstrip(".-") or "attachment")
    return f"{path.stem[:60]}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix[:8]}"


def accepted(reply: Reply, *statuses: int) -> Reply:
    """``reply`` when its status is one of ``statuses``; Refused when it says no, else BadAnswer."""
    try:
        return reply.expect(*statuses)
    except BadAnswer as fault:
        # 408 is a proxy that lost patience, 409 may mean that another was first
        if 400 <= reply.status < 500 and reply.status not in (408, 409):
            raise TicketRefused(str(fault)) from None
        raise


def objects(value: object) -> list[dict[str, Any]]:
    """The JSON objects of a list; nothing for whatever else it is."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def opened(
    find: Callable[[], Iterable[ExistingTicket]],
    create: Callable[[], ExistingTicket],
    retire: Callable[[ExistingTicket, ExistingTicket], None],
    sleep: Sleep,
    looks: tuple[float, ...] = LOOKS,
    heal: bool = False,
) -> str:
    """The reference of the one ticket, created when ``find`` sees none.

    ``retire(twin, kept)`` is asked for every younger ticket that the same moment brought forth; what it cannot do is
    left to people, since the oldest is the one that everybody finds. ``heal``: a search of this product lags, so that
    twins may show only at a later call, and are retired then. Raises what ``create`` raised when its effect stays
    unknown: the next call looks first.
    """
    if known := set(find()):
        return _oldest(known, retire if heal else None)
    try:
        made = create()
    except TicketRefused:
        raise
    except (Unreachable, BadAnswer):
        created_after_all = set(_looked_again(find, sleep, looks))
        if not created_after_all:
            raise
        return _oldest(created_after_all, retire)
    return _oldest(_with_rivals(find, made), retire)


def ensure_once(
    seen: Callable[[], bool], do: Callable[[], object], sleep: Sleep, looks: tuple[float, ...] = LOOKS
) -> None:
    """``do`` unless ``seen``; after an unclear answer it is done when ``seen`` says so, else the error is raised."""
    if seen():
        return
    try:
        do()
    except TicketRefused:
        raise
    except (Unreachable, BadAnswer):
        if not _looked_again(lambda: [True] if seen() else [], sleep, looks):
            raise


def _oldest(found: set[ExistingTicket], retire: Callable[[ExistingTicket, ExistingTicket], None] | None) -> str:
    kept, *twins = sorted(found)
    if retire is not None:
        for twin in twins:
            with suppress(ConnectorError):
                retire(twin, kept)
    return kept.reference


def _looked_again(find: Callable[[], Iterable[T]], sleep: Sleep, looks: tuple[float, ...]) -> list[T]:
    for wait_s in looks:
        if wait_s:
            sleep(wait_s)
        if found := list(find()):
            return found
    return []


def _with_rivals(find: Callable[[], Iterable[ExistingTicket]], made: ExistingTicket) -> set[ExistingTicket]:
    try:
        return {made, *find()}
    except ConnectorError:
        return {made}  # the ticket is there; who came first can be seen at the next look
