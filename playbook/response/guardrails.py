"""The one gate in front of every containment: by target kind, never-block first, and what is unknown does not pass."""

from dataclasses import dataclass

from playbook.model.address import Address, parse, why_not_global, within
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import FeedEntry, ListEntry, Operator, OwnedDestination
from playbook.model.response import StepKind

# A machine in one of these roles is never isolated: too much depends on it, or its address is many machines'.
NEVER_ISOLATED = frozenset(
    {
        "domain_controller",
        "resolver",
        "dhcp",
        "mail",
        "proxy",
        "nat",
        "vpn",
        "gateway",
        "load_balancer",
        "hypervisor",
        "backup_server",
        "security_tool",
        "ot",
    }
)
# How inventories write these roles as well; a role that holds any of these words is that role.
_SPELLINGS = {role: role for role in NEVER_ISOLATED} | {
    "dc": "domain_controller",
    "domaincontroller": "domain_controller",
    "active_directory": "domain_controller",
    "dns": "resolver",
    "nameserver": "resolver",
    "exchange": "mail",
    "smtp": "mail",
    "firewall": "gateway",
    "router": "gateway",
    "loadbalancer": "load_balancer",
    "lb": "load_balancer",
    "esxi": "hypervisor",
    "hyper_v": "hypervisor",
    "vcenter": "hypervisor",
    "backup": "backup_server",
    "siem": "security_tool",
    "edr": "security_tool",
    "ics": "ot",
    "plc": "ot",
    "scada": "ot",
}
_SHARED = {"cdn": "a CDN", "cloud": "a cloud", "shared": "shared hosting", "resolver": "public resolvers"}


@dataclass(frozen=True)
class NeverBlockPolicy:
    """What the site adds to never-block.

    ``own_places``: addresses and names of every product that our own configuration names, ``unlocated`` those names
    whose addresses nobody could tell: while there is one, no address is known not to be its. ``pair_on_shared``
    allows a pair (one source, one destination, one port) on a shared address; an address block there never passes.
    ``feed_days``: a feed's entry that is older than this names no address.
    """

    own_places: frozenset[str] = frozenset()
    unlocated: tuple[str, ...] = ()
    pair_on_shared: bool = False
    feed_days: int = 30


@dataclass(frozen=True)
class Allowed:
    """The gate's word that a target may be proposed: the target's text, its scope, and how many people must agree."""

    kind: StepKind
    target: str
    scope: str
    people: int


@dataclass(frozen=True)
class Denied:
    """Why a target does not pass."""

    kind: StepKind
    reason: str


def evaluate_step(kind: StepKind, enriched: EnrichedDetection, barriers: NeverBlockPolicy) -> Allowed | Denied:
    """Whether this kind of step may be taken for this detection."""
    if kind == "isolate_host":
        return _host(enriched)
    detection = enriched.detection
    if detection.destination_count > 1:
        # One of them would not stop it, and what else lies there is not what the evidence is about.
        addresses = f"{detection.destination_count} addresses"
        return Denied(kind, f"{detection.dst_name} stands for {addresses}: no single one of them is what was found")
    why = why_not_blockable(enriched, barriers)
    if kind == "block_pair" and barriers.pair_on_shared:
        why = why_never_blocked(enriched, barriers)
    if why is not None:
        return Denied(kind, why)
    if detection.blocked:
        return Denied(kind, "the firewall already denies it")
    people = _people(enriched)
    if kind == "block_address":
        claimed = _only_claimed(enriched, barriers.feed_days)
        if claimed is not None:
            return Denied(kind, claimed)
        return Allowed(kind, str(enriched.destination), "every source of ours", people)
    return Allowed(kind, pair_of(enriched), f"only {enriched.host}, only port {detection.dst_port}", people)


def pair_of(enriched: EnrichedDetection) -> str:
    """How a step names the pair of a detection: its addresses in their usual form, without zones."""
    detection = enriched.detection
    source, destination = (parse(text) or text for text in (detection.src_ip, detection.dst_ip))
    return f"{source}>{destination}:{detection.dst_port}"


def why_not_blockable(enriched: EnrichedDetection, barriers: NeverBlockPolicy) -> str | None:
    """Why the destination may not be blocked by its address, or None when it may."""
    never = why_never_blocked(enriched, barriers)
    if never is not None:
        return never
    for entry, _ in enriched.answers(ListEntry, "destination"):
        if entry.category in _SHARED:
            return f"the address belongs to {_SHARED[entry.category]} ({entry.name}) and serves others too"
    for operator, _ in enriched.answers(Operator, "destination"):
        return f"AS{operator.asn} ({operator.name}) is never blocked address by address"
    return None


def why_never_blocked(enriched: EnrichedDetection, barriers: NeverBlockPolicy) -> str | None:
    """Why no block may ever name this destination; a list that could not be asked counts as naming it."""
    address, networks = enriched.destination, enriched.site.networks
    if address is None:
        return f"{enriched.detection.dst_ip!r} is not an address"
    outside = why_not_global(address, networks.lab, networks.nat64)
    if outside is not None:
        return f"not globally routable: {outside}"
    for topic in ("lists", "operator"):
        if not _asked(enriched, topic):
            return f"no address lists were asked ({topic}), so nobody knows whether others share it"
        if enriched.failed(topic):
            return f"the address lists could not be read: {enriched.failed(topic)[0].unavailable}"
    place = _own(enriched, address, barriers)
    if place is not None:
        return place
    sinkhole = next((e for e, _ in enriched.answers(ListEntry, "destination") if e.category == "sinkhole"), None)
    if sinkhole is not None:
        return f"a sinkhole ({sinkhole.name}): blocking it would hide the infection"
    if barriers.unlocated:
        return f"it may be {barriers.unlocated[0]}, which our own configuration names and which does not resolve now"
    return None


def _asked(enriched: EnrichedDetection, topic: str) -> bool:
    """Whether this topic was asked about this very address; an answer about a name says nothing of it."""
    return any(
        e.topic == topic
        and e.observable.kind == "address"
        and e.observable.role == "destination"
        and parse(e.observable.value) in (enriched.destination, parse(enriched.detection.dst_ip))
        for e in enriched.enrichments
    )


def _own(enriched: EnrichedDetection, address: Address, barriers: NeverBlockPolicy) -> str | None:
    as_written = parse(enriched.detection.dst_ip) or address
    networks = enriched.site.networks
    name = networks.naming(address) or networks.naming(as_written)
    if name is not None:
        return f"networks.{name} names it"
    named = barriers.own_places & {str(address), enriched.detection.dst_ip, *enriched.names}
    if named:
        return f"our own configuration names {sorted(named)[0]}"
    owned = enriched.answers(OwnedDestination, "destination")
    return f"it is ours or declared: {owned[0][0].name}" if owned else None


def _only_claimed(enriched: EnrichedDetection, feed_days: int) -> str | None:
    """A listed name that no resolver of ours gave for this address: whoever claims it can frame any address.

    Also one that a feed listed long ago, or for another port: its owner of today is framed by what another one did.
    """
    entries, today = enriched.answers(FeedEntry, "destination"), enriched.site.now.date()
    if any(
        entry.kind == "address"
        and entry.why_not_fresh(today, feed_days) is None
        and entry.port in (None, enriched.detection.dst_port)
        for entry, _ in entries
    ):
        return None
    claimed = sorted({by.observable.value for _, by in entries} - {*enriched.backed_names, enriched.detection.dst_ip})
    return f"only the host's own word ties {claimed[0]} to this address" if claimed else None


def _answered(enriched: EnrichedDetection) -> bool:
    """Whether the other side is known to have answered: an address that only sent may have been forged by another."""
    traffic = enriched.traffic
    if traffic is not None and traffic.attempts and traffic.unanswered is not None:
        return traffic.unanswered < traffic.attempts
    return bool(enriched.detection.total_bytes_rcvd)


def _host(enriched: EnrichedDetection) -> Allowed | Denied:
    kind: StepKind = "isolate_host"
    source, networks, holder = enriched.source, enriched.site.networks, enriched.holder
    if source is None or within(source, networks.shared_sources):
        return Denied(kind, f"{enriched.detection.src_ip} is a shared source: many machines stand behind it")
    if holder is None or not holder.host_id:
        return Denied(
            kind, "no inventory proves which host held the address the whole time; an address alone is never isolated"
        )
    barred = _barred(enriched.roles)
    if barred is not None:
        return Denied(kind, f"{holder.hostname} is a {barred}, which is never isolated")
    if not _answered(enriched):
        return Denied(kind, "no attempt is known to have been answered, so another machine may have forged the sender")
    return Allowed(kind, holder.host_id, f"{holder.hostname}, the whole machine", _people(enriched))


def _barred(roles: frozenset[str]) -> str | None:
    """The first role that is never isolated, also in the plural or with words around it ("dhcp_server_2")."""
    found = (
        _SPELLINGS[known]
        for role in roles
        for known in _SPELLINGS
        if f"_{known}_" in f"_{role}_" or f"_{known}s_" in f"_{role}_"
    )
    return min(found, default=None)


def _people(enriched: EnrichedDetection) -> int:
    """Two for a protected source or a host whose role nobody knows, else one."""
    protected = enriched.source is not None and within(enriched.source, enriched.site.networks.protected)
    return 2 if protected or not enriched.roles else 1
