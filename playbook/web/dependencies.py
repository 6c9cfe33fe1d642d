"""What the web face is built over: the record, the configuration, the clock, and how work is set going."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from playbook.actions import Outside
from playbook.cases.approvals import Enqueue
from playbook.cases.store import Store
from playbook.config import Config
from playbook.response.preflight import kill_switch_reason


class FeedText(Protocol):
    """What a reader of a feed gets: the whole text, its strong entity tag (quotes included), and its entries."""

    text: str
    etag: str
    count: int


class FeedSource(Protocol):
    """A block list that can be read whole, or not at all (ConnectorError)."""

    name: str

    def feed(self, now: datetime) -> FeedText:
        """One address a line."""

    def zone(self, now: datetime) -> FeedText:
        """A response policy zone."""


def nothing_wrong() -> tuple[str, ...]:
    """No trouble to tell of."""
    return ()


def not_restored() -> str:
    """The record is the one that was anchored."""
    return ""


def nothing_to_do() -> None:
    """Nobody waits to be woken: whoever judges alerts looks by itself."""


@dataclass(frozen=True)
class Dependencies:
    """Everything a request may reach.

    ``off`` is why containment is off, "" when it is on. ``secure``: people come over HTTPS, so cookies are Secure.
    ``hosts`` are the names we answer to, empty for any. ``troubles`` tells what is wrong with the work behind.
    ``base`` is the address that people reach the pages by, without a final slash. ``arrived`` wakes who judges alerts.
    ``restored`` is why the record is taken for a restored one that nobody confirmed, "" when it is not.
    """

    store: Store
    config: Config
    now: Callable[[], datetime]
    outside: Callable[[], Outside]
    enqueue: Enqueue
    secret: bytes = field(repr=False)
    feeds: tuple[FeedSource, ...] = ()
    off: str = ""
    secure: bool = False
    hosts: tuple[str, ...] = ()
    troubles: Callable[[], tuple[str, ...]] = nothing_wrong
    base: str = ""
    arrived: Callable[[], None] = nothing_to_do
    restored: Callable[[], str] = not_restored

    @property
    def kill_switch(self) -> str:
        """Why the kill switch stops all applying now, "" when it does not; read each time."""
        return kill_switch_reason(self.config.kill_switch) or ""

    @property
    def stopped(self) -> str:
        """Why no approval can be carried out now: containment is off, or the kill switch is on; "" when it can."""
        if self.off:
            return f"containment is off, {self.off}"
        return f"kill switch: {self.kill_switch}" if self.kill_switch else self.restored()
