"""What SIEM connectors share: rows read one by one, rows per hour and their silence, and start times of a tuple."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from connectors.http import printable
from playbook.detections.beaconing import moment
from playbook.model.detection import Detection, SourceHealth, TimeWindow
from playbook.model.traffic import HourOfTraffic, LogCoverage, TupleTraffic, sized

HOUR = timedelta(hours=1)
MAX_STARTS = 5_000
MAX_EXAMPLES = 5
LATEST_S = 253_402_300_799  # the end of year 9999, the last that Python can name
_STALE = timedelta(hours=2)
Key = tuple[str, str, str, int]
R = TypeVar("R")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class HourRows(NamedTuple):
    """The raw rows of one hour and their newest and oldest time."""

    hour: datetime
    rows: int
    oldest: datetime
    newest: datetime


class Start(NamedTuple):
    """The connections of one tuple that began in one second; ``sent`` null when one had no counter."""

    key: Key
    second: int
    conns: int
    sent: int | None


class Read(NamedTuple, Generic[V_co]):
    """Rows that could be read, how many could not, and the first few of those with the reason."""

    values: tuple[V_co, ...] = ()
    rejected: int = 0
    examples: tuple[str, ...] = ()


def read(rows: Iterable[R], make: Callable[[R], V], word: str = "row") -> Read[V]:
    """``make`` of every row; a row that raises ValueError is counted, the first few with their number and reason."""
    values: list[V] = []
    examples: list[str] = []
    rejected = 0
    for number, row in enumerate(rows, start=1):
        try:
            values.append(make(row))
        except ValueError as fault:
            rejected += 1
            if len(examples) < MAX_EXAMPLES:
                examples.append(f"{word} {number}: {printable(str(fault))[:200]}")
    return Read(tuple(values), rejected, tuple(examples))


class Taken(NamedTuple):
    """What a search gave besides its rows: events behind it, warnings, why rows are missing ("": none), rejects."""

    rows: int
    events: int
    warnings: tuple[str, ...]
    missing: str
    rejected: int
    examples: tuple[str, ...]


def silent(window: TimeWindow, seen: Sequence[HourRows]) -> tuple[datetime, ...]:
    """The whole UTC hours inside the window without a row."""
    live = {hour.hour for hour in seen if hour.rows}
    first = window.start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = first if first == window.start else first + HOUR
    count = max(0, int((window.end - first) / HOUR))
    return tuple(hour for hour in (first + n * HOUR for n in range(count)) if hour not in live)


def health_of(
    window: TimeWindow, taken: Taken, seen: Sequence[HourRows] | None, fault: str, caveat: str
) -> SourceHealth:
    """The health of a fetch; ``seen`` null means that the rows per hour are unknown, ``fault`` why if it was tried."""
    rows_read = taken.events if seen is None else sum(hour.rows for hour in seen)
    newest = max((hour.newest for hour in seen or ()), default=None)
    empty = silent(window, seen) if seen is not None else ()
    stale = seen is not None and (newest is None or newest < window.end - _STALE)
    warnings = [*taken.warnings, *(text for text in (taken.missing, fault) if text)]
    if not taken.rows:
        warnings.append(_nothing(rows_read))
    if stale and newest is not None:
        warnings.append(f"source silent: its newest row is of {newest:%Y-%m-%d %H:%M} UTC")
    if empty:
        warnings.append(f"source silent: {len(empty)} hours without a row, the first {empty[0]:%Y-%m-%d %H:00} UTC")
    if caveat and taken.rows:
        warnings.append(caveat)
    return SourceHealth(
        rows_read=rows_read,
        rows_rejected=taken.rejected,
        rejected_examples=taken.examples,
        newest_event=newest,
        oldest_event=min((hour.oldest for hour in seen or ()), default=None),
        silent_hours=empty,
        complete=not (taken.missing or fault or stale or empty or not rows_read),
        warnings=tuple(warnings),
    )


def key_of(detection: Detection) -> Key:
    """The group key of a detection."""
    return (detection.hostname, detection.src_ip, detection.dst_ip, detection.dst_port)


def coverage(hours: Iterable[HourRows]) -> tuple[LogCoverage, ...]:
    """The hours in which the connection log has rows; none when that is not known."""
    live = tuple(hour.hour for hour in hours if hour.rows)
    return (LogCoverage(kind="conn", hours=live),) if live else ()


def span_days(hours: Iterable[HourRows]) -> float | None:
    """From the oldest row to the newest, in days; None when that is not known."""
    live = [hour for hour in hours if hour.rows]
    return (max(h.newest for h in live) - min(h.oldest for h in live)) / timedelta(days=1) if live else None


def tuple_traffic(
    found: Sequence[Detection], seen: Iterable[Start], hours: Iterable[Start] | None = None
) -> tuple[TupleTraffic, ...]:
    """The newest 5,000 start seconds of each detection, with the sizes where they are known, and its hours.

    ``hours``: where ``seen`` holds only the newest starts, one ``Start`` per hour with all of its connections. A
    detection without a start gets nothing: its traffic is not in the answer, which is not the same as none.
    """
    by_key, by_hour = _by_key(seen), None if hours is None else _by_key(hours)
    wanted = ((d, sorted(by_key.get(key_of(d), ()), key=lambda s: s.second)) for d in found)
    return tuple(
        _traffic_of(detection, own, by_hour.get(key_of(detection), []) if by_hour is not None else None)
        for detection, own in wanted
        if own
    )


def _by_key(starts: Iterable[Start]) -> dict[Key, list[Start]]:
    found: dict[Key, list[Start]] = defaultdict(list)
    for start in starts:
        found[start.key].append(start)
    return found


def _traffic_of(detection: Detection, own: Sequence[Start], hours: Sequence[Start] | None) -> TupleTraffic:
    newest = own[-MAX_STARTS:]
    times, sizes = sized(
        [(s.second, round(s.sent / s.conns) if s.sent is not None and s.conns else None) for s in newest]
    )
    return TupleTraffic(
        detection_id=detection.detection_id,
        start_times=times,
        sizes=sizes,
        starts_complete=hours is None and len(newest) == len(own),
        hourly=_hourly(own if hours is None else hours),
    )


def _hourly(own: Sequence[Start]) -> tuple[HourOfTraffic, ...]:
    by_hour: dict[int, list[Start]] = defaultdict(list)
    for start in own:
        by_hour[start.second // 3600].append(start)
    return tuple(
        HourOfTraffic(
            hour=moment(hour * 3600),
            connections=sum(s.conns for s in group),
            bytes_sent=None if any(s.sent is None for s in group) else sum(s.sent or 0 for s in group),
        )
        for hour, group in sorted(by_hour.items())
    )


def _nothing(rows_read: int) -> str:
    if not rows_read:
        return "0 rows, scope unproven: no log row of this window matched it, and a wrong name gives no error"
    return f"0 rows, scope proven by {rows_read} log rows; the field names are not proven by them, check proves those"
