"""long_connection: one TCP connection that stays open for hours, which no count of connections sees."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from playbook.detections.beaconing import IRC_PORTS, Scope, detection_id, external, moment, rounded, sort_key
from playbook.model.detection import Detection, Threshold, host_text

NAME = "long_connection"
TITLE = "One TCP connection of 8 hours or more, or of 4 hours on a port that is not in the list of usual ones"
LONG_S = 8 * 3600
UNUSUAL_S = 4 * 3600
# By the IANA registry and the vendors' own documentation of the services that keep connections open: file transfer,
# shells and mail (20-25, 110, 143, 465, 587, 993, 995), web (80, 443, 8080, 8443), VPNs (1194, 1723, 4500), streaming
# (1935 RTMP, 4070 Spotify), remote desktops (3389, 5900), telephony (5060-5061), push services (5222-5223 XMPP and
# Apple, 5228-5230 Google), message queues (8883 MQTT).
_USUAL = (
    "20 21 22 23 25 80 110 143 443 465 587 993 995 1194 1723 1935 3389 4070 4500 5060 5061 5222 5223 5228 5229 5230 "
    "5900 8080 8443 8883"
)
USUAL_PORTS = frozenset(map(int, _USUAL.split()))
THRESHOLDS = (
    Threshold(name="length on a usual port", value=LONG_S, unit="s", origin="a working day; set by the design"),
    Threshold(name="length on any other port", value=UNUSUAL_S, unit="s", origin="half of that; set by the design"),
)


class Session(NamedTuple):
    """One TCP connection that was answered and not denied: epoch seconds; bytes null when a part is unknown."""

    hostname: str
    src_ip: str
    dst_ip: str
    dst_port: int
    start: float
    end: float
    bytes_sent: int | None = None
    bytes_rcvd: int | None = None


@dataclass(frozen=True, slots=True)
class LongAggregate:
    """The long connections of one (hostname, src_ip, dst_ip, dst_port): first start, last end (epoch seconds)."""

    hostname: str
    src_ip: str
    dst_ip: str
    dst_port: int
    connections: int
    bytes_sent: int | None
    bytes_rcvd: int | None
    first_start: float
    last_end: float
    longest_s: float


def least_length(dst_port: int) -> int:
    """From how many seconds on a connection to this port is long."""
    return LONG_S if dst_port in USUAL_PORTS else UNUSUAL_S


def score(aggregate: LongAggregate, scope: Scope) -> Detection | None:
    """The detection this aggregate makes, or None; its ``beaconing_score`` is 0, as it says nothing of a rhythm."""
    if aggregate.longest_s < least_length(aggregate.dst_port) or not external(aggregate.dst_ip, scope):
        return None
    host = host_text(aggregate.hostname, aggregate.src_ip)
    hours = int(aggregate.last_end // 3600 - aggregate.first_start // 3600) + 1
    sent, received = aggregate.bytes_sent, aggregate.bytes_rcvd
    total = None if sent is None or received is None else sent + received
    return Detection(
        detection_id=detection_id(scope.source, host, aggregate.src_ip, aggregate.dst_ip, aggregate.dst_port, NAME),
        rule=NAME,
        source=scope.source,
        hostname=aggregate.hostname,
        src_ip=aggregate.src_ip,
        dst_ip=aggregate.dst_ip,
        dst_port=aggregate.dst_port,
        connections=aggregate.connections,
        hourly_buckets=hours,
        avg_per_hour=float(rounded(aggregate.connections, hours, 1)),
        avg_bytes_per_conn=None if total is None else int(rounded(total, aggregate.connections, 0)),
        irc_port=int(aggregate.dst_port in IRC_PORTS),
        beaconing_score=0,
        total_bytes_sent=None if total is None else sent,
        total_bytes_rcvd=None if total is None else received,
        first_seen=moment(aggregate.first_start),
        last_seen=moment(aggregate.last_end),
        bytes_known=total is not None,
        transports=("tcp",),
        longest_s=round(aggregate.longest_s, 3),
    )


def score_sessions(sessions: Iterable[Session], scope: Scope) -> tuple[Detection, ...]:
    """The detections of the sessions of one window, in their order; what is not long is left out."""
    groups: dict[tuple[str, str, str, int], list[Session]] = defaultdict(list)
    for one in sessions:
        if one.end - one.start >= least_length(one.dst_port) and _both_spoke(one):
            groups[one.hostname, one.src_ip, one.dst_ip, one.dst_port].append(one)
    found = (score(_aggregate(own), scope) for own in groups.values())
    return tuple(sorted((one for one in found if one is not None), key=sort_key))


def _both_spoke(session: Session) -> bool:
    """Whether no side is known to have been silent: a packet that nobody answers keeps no connection open."""
    return 0 not in (session.bytes_sent, session.bytes_rcvd)


def _aggregate(own: Sequence[Session]) -> LongAggregate:
    return LongAggregate(
        *own[0][:4],
        connections=len(own),
        bytes_sent=_sum([one.bytes_sent for one in own]),
        bytes_rcvd=_sum([one.bytes_rcvd for one in own]),
        first_start=min(one.start for one in own),
        last_end=max(one.end for one in own),
        longest_s=max(one.end - one.start for one in own),
    )


def _sum(values: Sequence[int | None]) -> int | None:
    return None if None in values else sum(value for value in values if value is not None)
