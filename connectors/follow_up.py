"""What a SIEM is asked about detections once they are found: start times, hours, and who uses the destinations."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from connectors import hourly, prevalence, starts
from playbook.model.address import Network
from playbook.model.detection import Detection
from playbook.model.traffic import Traffic


class Asks(NamedTuple):
    """The searches: start seconds, users of destinations, and the rows per hour of the window."""

    starts: starts.Ask
    users: prevalence.Ask
    hours: Callable[[], Iterable[hourly.HourRows]]


def traffic(
    detections: Sequence[Detection], budget: int, home: Sequence[Network], key_of: starts.KeyOf, asks: Asks,
    unknown: tuple[str, ...],
) -> Traffic:
    """The traffic of the detections, start times in ``budget`` rows; ``unknown`` is what the SIEM is never asked."""
    got = starts.followed(detections, budget, key_of, asks.starts)
    used = prevalence.prevalence(detections, home, asks.users)
    tuples = prevalence.told(got.tuples, detections, used)
    hours = tuple(asks.hours()) if tuples else ()
    return Traffic(
        tuples=tuples, coverage=hourly.coverage(hours), active_hosts=used.active_hosts,
        history_days=hourly.span_days(hours), unknown=(*unknown, *got.unknown, *used.unknown),
    )
