"""Our own block list, for any firewall or resolver that reads one by itself: no device to log in to."""

from datetime import datetime
from pathlib import Path

from pydantic import Field

from connectors.containments._receipts import Action, ReceiptFactory
from connectors.containments._targets import address_of, may_be_blocked, plain_key
from connectors.containments.blocklist.render import BlocklistFeed, edl, ordered, rpz, tagged
from connectors.containments.blocklist.table import BlocklistTable, Entry
from connectors.http import Clocks
from playbook.errors import ConfigError, ConnectorError
from playbook.model import Value
from playbook.model.address import Address
from playbook.model.check import CheckResult
from playbook.model.response import Receipt, Step, StepKind
from playbook.model.site import Networks, Site

__all__ = ("Blocklist", "Entry", "Feed", "Settings", "connect")


class Settings(Value):
    """Where the list is kept, and what its readers can take.

    ``state_url`` is the database of the cases ([state] url unless given). ``max_entries`` is the most addresses a
    reader takes (small PAN-OS devices: 50,000); ``refresh_s`` is how often a resolver is told to ask for the zone.
    """

    state_url: str = Field(default="", repr=False)
    max_entries: int = Field(default=10_000, ge=1, le=150_000)
    refresh_s: int = Field(default=60, ge=5, le=3600)


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "Blocklist":  # noqa: B008
    """The block list called ``name``. Nothing is opened before it is needed."""
    if not settings.state_url:
        raise ConfigError(f"{name}: a block list needs [state] url: what is blocked must survive a restart")
    return Blocklist(
        settings, site.networks, BlocklistTable(settings.state_url, folder, name), ReceiptFactory(name, clocks)
    )


class Blocklist:
    """A ``Containment`` whose effect is a line in a feed; several keys may hold one address, and the last lets go."""

    kinds: tuple[StepKind, ...] = ("block_address",)

    def __init__(self, settings: Settings, networks: Networks, table: BlocklistTable, desk: ReceiptFactory) -> None:
        self.name = desk.name
        self._settings = settings
        self._networks = networks
        self._table = table
        self._desk = desk

    def prepare(self) -> None:
        """Create the table unless it is there; who serves the feed calls this once at the start."""
        self._table.prepare()

    def close(self) -> None:
        """Give the database connections back."""
        self._table.close()

    def contain(self, step: Step, key: str) -> Receipt:
        """List the address until the TTL ends, counted from now; a repeat sets the same row again."""
        address, key = may_be_blocked(self._address(step), self._networks), plain_key(key)
        now = self._now()
        self._table.prepare()
        before = self._table.put(Entry(key, address, now, now + step.ttl_s), self._settings.max_entries)
        changed = before is None or not before.active(now)
        said = f"{address} is listed" if changed else f"{address} was listed already; its time runs anew"
        return self._receipt("contain", address, key, ok=True, changed=changed, said=said, left=step.ttl_s)

    def verify(self, step: Step, key: str) -> Receipt:
        """Whether the feed, as a reader would get it now, names the address for this key."""
        address, now = self._address(step), self._now()
        held = [e for e in self._table.active(now) if e.address == address]
        mine = next((e for e in held if e.key == plain_key(key)), None)
        listed = f"{address}\n" in self.feed(self._desk.now()).text.splitlines(keepends=True)
        said = f"{address} is {'' if listed else 'not '}in the feed, held by {_keys(held)}"
        left = mine.until_at - now if mine else None
        return self._receipt("verify", address, key, ok=mine is not None and listed, said=said, left=left)

    def release(self, step: Step, key: str) -> Receipt:
        """End the entry of this key; entries of other keys stay."""
        address = self._address(step)
        changed = self._table.end(plain_key(key), address, self._now())
        said = f"{address}: the entry of {key} " + ("was ended" if changed else "had ended already")
        return self._receipt("release", address, key, ok=True, changed=changed, said=said)

    def verify_released(self, step: Step, key: str) -> Receipt:
        """Whether nothing in the feed is held by this key; another key may hold the same address."""
        address = self._address(step)
        held = [e for e in self._table.active(self._now()) if e.address == address]
        said = f"{address} is still listed by {_keys(held)}" if held else f"{address} is not in the feed"
        ok = all(entry.key != plain_key(key) for entry in held)
        return self._receipt("verify_released", address, key, ok=ok, said=said)

    def check(self) -> tuple[CheckResult, ...]:
        """Whether the list can be read, and how full it is."""
        try:
            feed = self.feed(self._desk.now())
        except ConnectorError as fault:
            return (CheckResult(subject="block list", ok=False, message=f"{fault}; `serve` makes the table"),)
        message = f"{feed.count} of at most {self._settings.max_entries} addresses"
        return (CheckResult(subject="block list", ok=True, message=message),)

    def entries(self, now: datetime) -> tuple[Entry, ...]:
        """Every entry in force at ``now``. ConnectorError when the whole list cannot be read."""
        return self._table.active(int(now.timestamp()))

    def feed(self, now: datetime) -> BlocklistFeed:
        """The plain list at ``now``; ConnectorError (a reader gets 503) rather than a list that lacks something."""
        found = ordered(entry.address for entry in self.entries(now))
        return tagged(edl(found, self._settings.max_entries), len(found))

    def zone(self, now: datetime) -> BlocklistFeed:
        """The response policy zone at ``now``; ConnectorError as for ``feed``."""
        # The serial first: text newer than its serial is mended by the next, the reverse would never be.
        serial = self._table.changed_at(int(now.timestamp()))
        found = ordered(entry.address for entry in self.entries(now))
        return tagged(rpz(found, serial, self._settings.refresh_s, self._settings.max_entries), len(found))

    def _address(self, step: Step) -> Address:
        return address_of(step, self.kinds, self.name)

    def _now(self) -> int:
        return int(self._desk.now().timestamp())

    def _receipt(
        self,
        action: Action,
        address: Address,
        key: str,
        *,
        ok: bool,
        said: str,
        changed: bool = False,
        left: int | None = None,
    ) -> Receipt:
        return self._desk.receipt(
            action, ok=ok, changed=changed, said=said, reference=f"{key} {address}", seconds_left=left
        )


def _keys(entries: list[Entry]) -> str:
    return ", ".join(sorted(e.key for e in entries)[:5]) or "nobody"
