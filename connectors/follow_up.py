"""What a SIEM is asked about detections once they are found: start times, users of destinations, busy quarters."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from connectors import activity, hourly, prevalence, starts
from playbook.model.detection import Detection
from playbook.model.site import Networks
from playbook.model.traffic import Traffic


class Asks(NamedTuple):
    """The searches: start seconds, users of destinations, busy quarters, and the rows per hour of the window.

    ``days`` is the length of the window.
    """

    days: float
    starts: starts.Ask
    users: prevalence.Ask
    quarters: activity.Ask
    hours: Callable[[], Iterable[hourly.HourRows]]


def traffic(
    detections: Sequence[Detection], budget: int, networks: Networks, key_of: starts.KeyOf, asks: Asks,
    unknown: tuple[str, ...],
) -> Traffic:
    """The traffic of the detections, start times in ``budget`` rows; ``unknown`` is what the SIEM is never asked."""
    got = starts.followed(detections, budget, key_of, asks.starts)
    used = prevalence.prevalence(detections, networks.home, asks.users)
    busy = activity.activity(detections, asks.days, networks, key_of, asks.quarters)
    tuples = activity.told(prevalence.told(got.tuples, detections, used), detections, busy)
    hours = tuple(asks.hours()) if tuples else ()
    return Traffic(
        tuples=tuples, hosts=busy.hosts, coverage=hourly.coverage(hours), active_hosts=used.active_hosts,
        history_days=hourly.span_days(hours), unknown=(*unknown, *got.unknown, *used.unknown, *busy.unknown),
    )
