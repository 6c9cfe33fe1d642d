"""The beaconing detection as data, and the reference scorer that every engine's rows go through."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Any, Literal, NamedTuple

import rfc8785

from playbook.model.address import Network, parse, unwrap, why_not_global
from playbook.model.detection import RULE, Detection, Threshold, host_text

NAME = RULE
TITLE = "Connections of one host to one address and port: at least 20 in 3 hours, and a score of 1 or more"
Profile = Literal["default", "seed"]
PROFILES: tuple[Profile, ...] = ("default", "seed")

MIN_CONNECTIONS = 20
MIN_HOURS = 3
FAST_PER_HOUR = Decimal(10)
SMALL_BYTES = 500
MANY_CONNECTIONS = 200
MANY_HOURS = 6
SOME_CONNECTIONS = 100
IRC_PORTS = frozenset((*range(6660, 6670), 6697, 1080, 4444))
THRESHOLDS = (
    Threshold(name="connections", value=MIN_CONNECTIONS, origin="the seed's rule"),
    Threshold(name="distinct UTC hours", value=MIN_HOURS, origin="the seed's rule"),
)
ICMP_NAMES = frozenset(("icmp", "icmp6", "icmpv6", "ipv6-icmp"))
NTP_PORT, NTP_SMALLEST, NTP_LARGEST = 123, 76, 116  # bytes of IP of one packet

# What the seed takes for "not external", and nothing else.
SEED_INTERNAL: tuple[IPv4Network, ...] = tuple(
    IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16")
)

_IN_ORDER = (
    "hostname src_ip dst_ip dst_port connections hourly_buckets avg_per_hour avg_bytes_per_conn irc_port "
    "beaconing_score total_bytes_sent total_bytes_rcvd processes first_seen last_seen"
)
COLUMNS = tuple(_IN_ORDER.split())


class Event(NamedTuple):
    """One row of a log in canonical form (kind conn of sources/logs/schema.py); null is "the log does not say"."""

    start: float
    src_ip: str
    dst_ip: str
    dst_port: int
    hostname: str = ""
    src_port: int | None = None
    proto: str = "tcp"
    conns: int = 1
    bytes_sent: int | None = None
    bytes_rcvd: int | None = None
    bytes_total: int | None = None
    orig_bytes: int | None = None
    sent_packets: int | None = None
    rcvd_packets: int | None = None
    process_name: str = ""
    service: str = ""
    denied: bool = False
    continues: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What an engine counted for one (hostname, src_ip, dst_ip, dst_port); sums are null when a part is unknown.

    ``first_seen``, ``last_seen``: epoch seconds over counted connections, or over denied attempts when none counted.
    """

    hostname: str
    src_ip: str
    dst_ip: str
    dst_port: int
    connections: int
    hourly_buckets: int
    bytes_sent: int | None
    bytes_rcvd: int | None
    bytes_total: int | None
    first_seen: float
    last_seen: float
    denied: int = 0
    denied_hours: int = 0
    processes: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()
    ntp_sized: bool | None = None


@dataclass(frozen=True)
class Scope:
    """Which profile scores, for which source, and which networks are special: ``networks.lab``, ``networks.nat64``."""

    source: str
    profile: Profile = "default"
    lab: tuple[Network, ...] = ()
    nat64: tuple[IPv6Network, ...] = ()


def rounded(numerator: int, denominator: int, digits: int) -> Decimal:
    """The quotient rounded half away from zero to ``digits`` decimals; exact, never through a float."""
    step = Decimal(1).scaleb(-digits)
    scaled, rest = divmod(numerator * 10**digits, denominator)
    return (Decimal(scaled) + (1 if 2 * rest >= denominator else 0)) * step


def external(text: str, scope: Scope) -> bool:
    """Whether the profile scores connections to this address; text that is no address is never external."""
    return _external(text, scope.profile, scope.lab, scope.nat64)


@lru_cache(maxsize=65536)
def _external(text: str, profile: Profile, lab: tuple[Network, ...], nat64: tuple[IPv6Network, ...]) -> bool:
    address = parse(text)
    if address is None:
        return False
    if profile == "seed":
        return not (isinstance(address, IPv4Address) and any(address in network for network in SEED_INTERNAL))
    return why_not_global(unwrap(address, nat64), lab, nat64) is None


def beaconing_score(connections: int, hours: int, bytes_total: int | None, irc: bool) -> int:
    """The seed's score, 0 to 3; unknown bytes never make a connection small."""
    small = bytes_total is not None and rounded(bytes_total, connections, 0) < SMALL_BYTES
    if irc:
        return 3
    if small and rounded(connections, hours, 1) > FAST_PER_HOUR:
        return 2
    if connections > MANY_CONNECTIONS and hours >= MANY_HOURS:
        return 2
    return 1 if connections > SOME_CONNECTIONS else 0


def detection_id(source: str, host: str, src_ip: str, destination: str, dst_port: int | None, rule: str = RULE) -> str:
    """SHA-256 hex of the RFC 8785 JSON of [rule, source, host, src_ip, destination (an address or name), dst_port]."""
    return hashlib.sha256(rfc8785.dumps([rule, source, host, src_ip, destination, dst_port])).hexdigest()


def score(aggregate: Aggregate, scope: Scope) -> Detection | None:
    """The detection this aggregate makes, or None.

    Twenty denied attempts in three hours make one too, whose hours and rate are those of the attempts; it is
    ``blocked`` when nothing got through.
    """
    if not external(aggregate.dst_ip, scope):
        return None
    irc = aggregate.dst_port in IRC_PORTS
    attempts, hours, total = aggregate.connections, aggregate.hourly_buckets, aggregate.bytes_total
    fires = attempts >= MIN_CONNECTIONS and hours >= MIN_HOURS and beaconing_score(attempts, hours, total, irc) >= 1
    if not fires:
        attempts, hours, total = aggregate.denied, aggregate.denied_hours, None
        if attempts < MIN_CONNECTIONS or hours < MIN_HOURS:
            return None
    known = total is not None
    host = host_text(aggregate.hostname, aggregate.src_ip)
    return Detection(
        detection_id=detection_id(scope.source, host, aggregate.src_ip, aggregate.dst_ip, aggregate.dst_port),
        source=scope.source,
        hostname=aggregate.hostname,
        src_ip=aggregate.src_ip,
        dst_ip=aggregate.dst_ip,
        dst_port=aggregate.dst_port,
        connections=aggregate.connections,
        hourly_buckets=hours,
        avg_per_hour=float(rounded(attempts, hours, 1)),
        avg_bytes_per_conn=None if total is None else int(rounded(total, attempts, 0)),
        irc_port=int(irc),
        beaconing_score=beaconing_score(attempts, hours, total, irc),
        total_bytes_sent=aggregate.bytes_sent if known else None,
        total_bytes_rcvd=aggregate.bytes_rcvd if known else None,
        processes=tuple(sorted({name for name in aggregate.processes if name})),
        first_seen=moment(aggregate.first_seen),
        last_seen=moment(aggregate.last_seen),
        bytes_known=known,
        denied=aggregate.denied,
        blocked=not fires and aggregate.connections == 0,
        services=tuple(sorted({part for name in aggregate.services for part in name.split(",") if part})),
        transports=tuple(sorted({name for name in aggregate.transports if name})),
        ntp_sized=aggregate.ntp_sized if aggregate.dst_port == NTP_PORT else None,
    )


def sort_key(detection: Detection) -> tuple[int, int, str, str, str, int]:
    """Score and connections descending, then hostname, src_ip, dst_ip, dst_port: a total order."""
    return (
        -detection.beaconing_score,
        -detection.connections,
        detection.hostname,
        detection.src_ip,
        detection.dst_ip,
        detection.dst_port,
    )


@lru_cache(maxsize=4096)  # the hours of a log come again with each of its tuples
def moment(epoch: float) -> datetime:
    """Epoch seconds as a UTC time."""
    return datetime.fromtimestamp(epoch, UTC)


def row(detection: Detection) -> dict[str, Any]:
    """The columns of a detection in their order: times as ``yyyy-MM-dd HH:mm:ss`` in UTC, processes a sorted list."""
    values = {name: getattr(detection, name) for name in COLUMNS}
    values["processes"] = sorted(detection.processes)
    for name in ("first_seen", "last_seen"):
        values[name] = values[name].astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return values


def score_events(events: Iterable[Event], scope: Scope) -> tuple[Detection, ...]:
    """The whole detection in plain Python over the events of one window: what every engine is compared with."""
    groups: dict[tuple[str, str, str, int], list[Event]] = defaultdict(list)
    for event in counted_once(events, scope.profile):
        groups[event.hostname, event.src_ip, event.dst_ip, event.dst_port].append(event)
    found = (score(aggregate(rows, scope.profile), scope) for rows in groups.values())
    return tuple(sorted((detection for detection in found if detection is not None), key=sort_key))


def counted_once(events: Iterable[Event], profile: Profile) -> list[Event]:
    """The events that the profile counts: all in the seed's.

    In the default profile without ICMP, and without the further rows of a session whose 5-tuple was seen before.
    """
    if profile == "seed":
        return list(events)
    kept, seen = [], set()
    for event in sorted(events, key=lambda event: (event.start, event.continues)):
        flow = (event.src_ip, event.src_port, event.dst_ip, event.dst_port, event.proto)
        if event.proto not in ICMP_NAMES and not (event.continues and flow in seen):
            kept.append(event)
        seen.add(flow)
    return kept


def aggregate(rows: list[Event], profile: Profile) -> Aggregate:
    """The counts of the events of one group, which are not none."""
    counted = rows if profile == "seed" else [event for event in rows if not event.denied]
    denied = [event for event in rows if event.denied] if profile == "default" else []
    first = rows[0]
    sent, received, total = (
        _sums_of_seed(counted)
        if profile == "seed"
        else tuple(
            _sum([getattr(event, name) for event in counted]) for name in ("bytes_sent", "bytes_rcvd", "bytes_total")
        )
    )
    return Aggregate(
        hostname=first.hostname,
        src_ip=first.src_ip,
        dst_ip=first.dst_ip,
        dst_port=first.dst_port,
        connections=sum(event.conns for event in counted),
        hourly_buckets=len({event.start // 3600 for event in counted}),
        bytes_sent=sent,
        bytes_rcvd=received,
        bytes_total=total,
        first_seen=min(event.start for event in counted or denied),
        last_seen=max(event.start for event in counted or denied),
        denied=sum(event.conns for event in denied),
        denied_hours=len({event.start // 3600 for event in denied}),
        processes=tuple({event.process_name for event in rows}),
        services=tuple({event.service for event in rows}),
        transports=tuple({event.proto for event in rows}),
        ntp_sized=_ntp_sized(counted),
    )


def _sum(values: list[int | None]) -> int | None:
    return sum(value for value in values if value is not None) if values and None not in values else None


def _sums_of_seed(rows: list[Event]) -> tuple[int, int, int]:
    sent = sum(event.bytes_sent or 0 for event in rows)
    received = sum(event.bytes_rcvd or 0 for event in rows)
    total = sum(
        (event.bytes_sent or 0) + (event.bytes_rcvd or 0) if event.bytes_total is None else event.bytes_total
        for event in rows
    )
    return sent, received, total


def _ntp_sized(rows: list[Event]) -> bool | None:
    sized = []
    for event in rows:
        for size, packets in ((event.orig_bytes, event.sent_packets), (event.bytes_rcvd, event.rcvd_packets)):
            if size is None or packets is None:
                return None
            sized.append(NTP_SMALLEST * packets <= size <= NTP_LARGEST * packets)
    return all(sized) if sized else None
