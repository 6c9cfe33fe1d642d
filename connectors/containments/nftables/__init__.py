"""nftables on this machine: pairs and addresses as elements of named sets, each with the kernel's own timeout."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from connectors.containments._receipts import Action, ReceiptFactory
from connectors.containments._targets import address_of, may_be_blocked, may_be_source, pair_of, plain_key
from connectors.containments.nftables import listing, rules
from connectors.containments.nftables.listing import Element, Held, Listing
from connectors.containments.nftables.program import Absent, Exists, NftProgram
from connectors.http import Clocks
from playbook.errors import BadAnswer, ConnectorError
from playbook.model import Value
from playbook.model.check import CheckResult
from playbook.model.response import Receipt, Step, StepKind
from playbook.model.site import Networks, Site

# What the administrator loads once (nft -f FILE). The chain stands before the usual filter chains (priority 0), so
# that a session which they already accepted ends too; both directions are dropped, so that nothing more is received.
SNIPPET = """table inet {table} {{
  set addresses4 {{ type ipv4_addr; flags timeout; counter; }};
  set addresses6 {{ type ipv6_addr; flags timeout; counter; }};
  set pairs4 {{ type ipv4_addr . ipv4_addr . inet_service; flags timeout; counter; }};
  set pairs6 {{ type ipv6_addr . ipv6_addr . inet_service; flags timeout; counter; }};
  chain forward {{
    type filter hook forward priority -10; policy accept;
    ip daddr @addresses4 counter drop;
    ip saddr @addresses4 counter drop;
    ip6 daddr @addresses6 counter drop;
    ip6 saddr @addresses6 counter drop;
    meta l4proto {{ tcp, udp }} ip saddr . ip daddr . th dport @pairs4 counter drop;
    meta l4proto {{ tcp, udp }} ip daddr . ip saddr . th sport @pairs4 counter drop;
    meta l4proto {{ tcp, udp }} ip6 saddr . ip6 daddr . th dport @pairs6 counter drop;
    meta l4proto {{ tcp, udp }} ip6 daddr . ip6 saddr . th sport @pairs6 counter drop;
  }};
}}
"""
SETS = ("addresses4", "addresses6", "pairs4", "pairs6")
_Argument = Annotated[str, Field(pattern=r"^[^\x00-\x1f]+$")]


class Settings(Value):
    """How nft is called, and the table that holds our sets.

    ``command`` is the program with its first arguments, never a shell: ["/usr/sbin/nft"],
    ["/usr/bin/sudo", "-n", "/usr/sbin/nft"], or with "/usr/sbin/ip", "netns", "exec", NAME in front.
    """

    command: tuple[_Argument, ...] = Field(default=("/usr/sbin/nft",), min_length=1)
    table: str = Field(default="botnet_playbook", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,30}$")
    deadline_s: float = Field(default=10.0, ge=1, le=60)

    @field_validator("command")
    @classmethod
    def _absolute(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if not command[0].startswith("/"):
            raise ValueError("expected the whole path of the program first, such as /usr/sbin/nft")
        return command


@dataclass(frozen=True)
class _Spot:
    """Where a step goes: the set, the element as nft is told, and the same as nft's JSON tells it."""

    set_name: str
    element: str
    value: Element


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "Nftables":  # noqa: B008
    """The firewall called ``name``. ``folder`` is unused: this connector reads no file."""
    return Nftables(settings, site.networks, ReceiptFactory(name, clocks))


class Nftables:
    """A ``Containment`` over ``nft -j``. The comment of an element is the key that set it; others are left alone."""

    kinds: tuple[StepKind, ...] = ("block_pair", "block_address")

    def __init__(self, settings: Settings, networks: Networks, desk: ReceiptFactory) -> None:
        self.name = desk.name
        self._settings = settings
        self._networks = networks
        self._desk = desk
        self._program = NftProgram(desk.name, settings.command, settings.deadline_s)

    def contain(self, step: Step, key: str) -> Receipt:
        """Set the element with its timeout; one that this key set before is re-armed in one transaction."""
        spot, key = self._spot(step, to_block=True), plain_key(key)
        read = self._listing()
        if gaps := rules.gaps(read, spot.set_name):
            raise BadAnswer(f"{self.name}: no rule drops {', '.join(gaps)}, so nothing was set; see check")
        before = _at(read, spot)
        if before is None:
            try:
                self._write(f"create element {self._place(spot, step.ttl_s, key)}")
            except Exists:
                before = _at(self._listing(), spot)
        if before is not None:
            if before.comment != key:
                return self._refused(spot, before)
            self._rearm(spot, step.ttl_s, key)
        after = _at(self._listing(), spot)
        ok = after is not None and after.comment == key
        past = f"; before: {before.said}" if before else ""
        return self._receipt("contain", spot, after, ok=ok, changed=before is None, more=past)

    def verify(self, step: Step, key: str) -> Receipt:
        """Whether this key's element is there and rules drop both directions; the counters are the evidence."""
        spot, read = self._spot(step), self._listing()
        held, gaps = _at(read, spot), rules.gaps(read, spot.set_name)
        ok = held is not None and held.comment == plain_key(key) and not gaps
        return self._receipt("verify", spot, held, ok=ok, more=f"; no rule drops {', '.join(gaps)}" if gaps else "")

    def release(self, step: Step, key: str) -> Receipt:
        """Delete this key's element; one that is gone, or is another's, needs nothing."""
        spot, held = self._look(step)
        if held is None or held.comment != plain_key(key):
            more = "; set by another, left alone" if held else ""
            return self._receipt("release", spot, held, ok=True, more=more)
        try:
            self._write(f"delete element {self._place(spot)}")
        except Absent:
            return self._receipt("release", spot, None, ok=True, more="; it ended by itself meanwhile")
        return self._receipt("release", spot, None, ok=True, changed=True, more=f"; last seen: {held.said}")

    def verify_released(self, step: Step, key: str) -> Receipt:
        """Whether no element of this key is there; one that another set is told, and is not ours."""
        spot, held = self._look(step)
        ok = held is None or held.comment != plain_key(key)
        return self._receipt("verify_released", spot, held, ok=ok, more="; set by another" if ok and held else "")

    def check(self) -> tuple[CheckResult, ...]:
        """Whether nft may be used, the sets are there, and rules drop by them; changes nothing."""
        table = self._settings.table
        load = f"save this and load it with nft -f FILE: {' '.join(SNIPPET.format(table=table).split())}"
        try:
            read = self._listing()
        except Absent:
            return (CheckResult(subject="table", ok=False, message=f"table inet {table} is not there; {load}"),)
        except ConnectorError as fault:
            return (CheckResult.failed("nft", fault),)
        lacking = [name for name in SETS if not listing.usable(read, name)]
        faults = [f"set {name} is missing, or lacks timeout or counter" for name in lacking]
        faults += [
            f"no rule of a chain with a hook drops {', '.join(gaps)}"
            for name in SETS
            if name not in lacking and (gaps := rules.gaps(read, name))
        ]
        message = "; ".join([*faults, load]) if faults else f"{len(SETS)} sets, both directions of each are dropped"
        return (CheckResult(subject="table", ok=not faults, message=message),)

    def _spot(self, step: Step, to_block: bool = False) -> _Spot:
        if step.kind == "block_pair":
            pair = pair_of(step, self.kinds, self.name)
            if to_block:
                may_be_source(pair.source)
                may_be_blocked(pair.destination, self._networks)
            element = f"{pair.source} . {pair.destination} . {pair.port}"
            return _Spot(f"pairs{pair.source.version}", element, (pair.source, pair.destination, pair.port))
        address = address_of(step, self.kinds, self.name)
        if to_block:
            may_be_blocked(address, self._networks)
        return _Spot(f"addresses{address.version}", str(address), (address,))

    def _look(self, step: Step) -> tuple[_Spot, Held | None]:
        """What is there now; without our table nothing of ours is in force."""
        spot = self._spot(step)
        try:
            return spot, _at(self._listing(), spot)
        except Absent:
            return spot, None

    def _place(self, spot: _Spot, ttl_s: int = 0, key: str = "") -> str:
        armed = f' timeout {ttl_s}s comment "{key}"' if key else ""
        return f"inet {self._settings.table} {spot.set_name} {{ {spot.element}{armed} }}\n"

    def _rearm(self, spot: _Spot, ttl_s: int, key: str) -> None:
        # Kernels differ in whether adding again moves the timeout. The first add is there because the element may
        # have ended since it was read, and then the delete would fail; all three are one transaction.
        place = self._place(spot)
        self._write(f"add element {place}delete element {place}add element {self._place(spot, ttl_s, key)}")

    def _listing(self) -> Listing:
        return listing.parsed(self._program.read("list", "table", "inet", self._settings.table))

    def _write(self, script: str) -> None:
        self._program.write(script)

    def _refused(self, spot: _Spot, held: Held) -> Receipt:
        more = f"; set by another ({held.comment or 'no comment'}), left alone: its end is not ours to promise"
        return self._receipt("contain", spot, held, ok=False, more=more)

    def _receipt(
        self, action: Action, spot: _Spot, held: Held | None, *, ok: bool, changed: bool = False, more: str = ""
    ) -> Receipt:
        place = f"inet {self._settings.table} {spot.set_name} {{ {spot.element} }}"
        return self._desk.receipt(
            action,
            ok=ok,
            changed=changed,
            said=(held.said if held else f"{place}: no element") + more,
            reference=place,
            seconds_left=held.left_s if held and action in ("contain", "verify") else None,
        )


def _at(read: Listing, spot: _Spot) -> Held | None:
    return listing.held(read, spot.set_name, spot.value)
