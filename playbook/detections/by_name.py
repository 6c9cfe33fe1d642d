"""by_name: a beacon to one name behind changing addresses, none of which is called often enough by itself."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from playbook.detections import beaconing
from playbook.detections.beaconing import MIN_CONNECTIONS, MIN_HOURS, Aggregate, Event, Scope
from playbook.model.detection import Detection, Threshold

NAME = "by_name"
TITLE = "One name behind at least two addresses, with the counts and the score of the beaconing detection"
# A name behind one address is the tuple of that address, which the beaconing detection counts.
LEAST_ADDRESSES = 2
MOST_SHOWN = 100
THRESHOLDS = (
    Threshold(name="addresses behind the name", value=LEAST_ADDRESSES, origin="one address is the tuple itself"),
    Threshold(name="connections to all of them", value=MIN_CONNECTIONS, origin="the beaconing detection"),
    Threshold(name="distinct UTC hours", value=MIN_HOURS, origin="the beaconing detection"),
)


class NamedEvent(NamedTuple):
    """A connection, and the name of its destination: lower case, without a final dot, "" when nothing tells one."""

    event: Event
    dst_name: str


@dataclass(frozen=True, slots=True)
class NamedAggregate:
    """What an engine counted for one (hostname, src_ip, dst_name, dst_port) over external destinations.

    ``destinations`` are all addresses behind the name, the one with the most connections first (then by text);
    ``counts`` has the first of them as its ``dst_ip``.
    """

    dst_name: str
    destinations: tuple[str, ...]
    counts: Aggregate


def score(aggregate: NamedAggregate, scope: Scope) -> Detection | None:
    """The detection this aggregate makes, or None; counts and score as of the beaconing detection."""
    if not aggregate.dst_name or len(set(aggregate.destinations)) < LEAST_ADDRESSES:
        return None
    found = beaconing.score(aggregate.counts, scope)
    if found is None:
        return None
    identity = beaconing.detection_id(
        scope.source, found.host_text, found.src_ip, aggregate.dst_name, found.dst_port, NAME
    )
    return found.model_copy(
        update={
            "detection_id": identity,
            "rule": NAME,
            "dst_name": aggregate.dst_name,
            "destinations": tuple(sorted(aggregate.destinations[:MOST_SHOWN])),
            "destination_count": len(aggregate.destinations),
        }
    )


def absorbs(named: Detection, other: Detection) -> bool:
    """Whether ``other`` is a tuple of the same host, source and port to an address behind this name."""
    same = (named.hostname, named.src_ip, named.dst_port) == (other.hostname, other.src_ip, other.dst_port)
    return named.rule == NAME and other.rule == beaconing.NAME and same and other.dst_ip in named.destinations


def score_events(events: Iterable[NamedEvent], scope: Scope) -> tuple[Detection, ...]:
    """The whole detection in plain Python over the events of one window: what every engine is compared with."""
    rows = list(events)
    names = {one.event: one.dst_name for one in rows}
    groups: dict[tuple[str, str, str, int], list[Event]] = defaultdict(list)
    for event in beaconing.counted_once((one.event for one in rows), scope.profile):
        if names[event] and beaconing.external(event.dst_ip, scope):
            groups[event.hostname, event.src_ip, names[event], event.dst_port].append(event)
    found = (score(_aggregate(key[2], own, scope), scope) for key, own in groups.items())
    return tuple(sorted((one for one in found if one is not None), key=beaconing.sort_key))


def _aggregate(name: str, rows: Sequence[Event], scope: Scope) -> NamedAggregate:
    used: Counter[str] = Counter()
    for event in rows:
        used[event.dst_ip] += event.conns
    destinations = tuple(sorted(used, key=lambda address: (-used[address], address)))
    to_one = [event._replace(dst_ip=destinations[0]) for event in rows]
    return NamedAggregate(name, destinations, beaconing.aggregate(to_one, scope.profile))
