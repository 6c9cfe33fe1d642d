"""Records of our queries as values of the model; a record that cannot be read is counted and told, never fatal."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from connectors.sumologic import cells
from connectors.sumologic.cells import Row
from connectors.transport import printable
from playbook.detections.beaconing import Aggregate, Scope, moment, score, sort_key
from playbook.model import address
from playbook.model.detection import Detection, TimeWindow
from playbook.model.traffic import HourOfTraffic, TupleTraffic

HOUR = timedelta(hours=1)
MAX_STARTS = 5_000
MAX_EXAMPLES = 5
MAX_NAME = 1_000
_LATEST_MS = 253_402_300_799_000  # the end of year 9999, the last that Python can name
_PROTOCOLS = {"6": "tcp", "17": "udp", "132": "sctp", "47": "gre", "50": "esp"}


class Read(NamedTuple):
    """Rows that could be read, how many could not, and the first few of those with the reason."""

    values: tuple[object, ...]
    rejected: int
    examples: tuple[str, ...]


class Start(NamedTuple):
    """The connections of one tuple that began in one second; ``sent`` null when one had no counter."""

    key: tuple[str, str, str, int]
    second: int
    conns: int
    sent: int | None


class HourRows(NamedTuple):
    """The raw rows of one hour and their newest and oldest time."""

    hour: datetime
    rows: int
    oldest: datetime
    newest: datetime


def detections(rows: Iterable[Row], scope: Scope) -> tuple[tuple[Detection, ...], Read]:
    """The records of the detection query, scored by the reference scorer, in their total order."""
    read = _read(rows, lambda row: score(aggregate(row), scope))
    found = (value for value in read.values if isinstance(value, Detection))
    return tuple(sorted(found, key=sort_key)), read


def aggregate(row: Row) -> Aggregate:
    """One record as what the scorer takes; ValueError names the column that cannot be read.

    A sum is known only if every counted row had the counter (Sumo's own sum of absent values is not documented).
    """
    row_count = cells.whole(row, "row_count")
    hostname, src_ip, dst_ip, dst_port = _key(row)
    return Aggregate(
        hostname=hostname, src_ip=src_ip, dst_ip=dst_ip, dst_port=dst_port,
        connections=cells.whole(row, "connections"), hourly_buckets=cells.whole(row, "hourly_buckets"),
        bytes_sent=_known(row, "total_bytes_sent", "sent_known", row_count),
        bytes_rcvd=_known(row, "total_bytes_rcvd", "rcvd_known", row_count),
        bytes_total=_known(row, "total_bytes", "total_known", row_count),
        first_seen=_milliseconds(row, "first_ms") / 1000, last_seen=_milliseconds(row, "last_ms") / 1000,
        processes=cells.listed(row, "processes"), services=cells.listed(row, "services"),
        transports=tuple(_PROTOCOLS.get(name, name) for name in cells.listed(row, "protos")),
    )


def hours(rows: Iterable[Row]) -> tuple[HourRows, ...]:
    """The records of the heartbeat query, in order; ValueError when one cannot be read (silence is not safety)."""
    read = (
        HourRows(
            moment(cells.whole(row, "hour") * 3600), cells.whole(row, "row_count"),
            moment(_milliseconds(row, "oldest_ms") / 1000), moment(_milliseconds(row, "newest_ms") / 1000),
        )
        for row in rows
    )
    return tuple(sorted(read))


def silent(window: TimeWindow, seen: Sequence[HourRows]) -> tuple[datetime, ...]:
    """The whole UTC hours inside the window without a row."""
    live = {hour.hour for hour in seen if hour.rows}
    first = window.start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = first if first == window.start else first + HOUR
    count = max(0, int((window.end - first) / HOUR))
    return tuple(hour for hour in (first + n * HOUR for n in range(count)) if hour not in live)


def starts(rows: Iterable[Row]) -> Read:
    """The records of the traffic query as ``Start`` values."""
    return _read(rows, _start)


def tuple_traffic(found: Sequence[Detection], seen: Iterable[Start]) -> tuple[TupleTraffic, ...]:
    """The newest 5,000 start seconds of each detection, with the sizes if every one is known, and its hours.

    A detection without a start gets nothing: its traffic is not in the answer, which is not the same as none.
    """
    by_key: dict[tuple[str, str, str, int], list[Start]] = defaultdict(list)
    for start in seen:
        by_key[start.key].append(start)
    wanted = ((d, sorted(by_key.get(key_of(d), ()), key=lambda s: s.second)) for d in found)
    return tuple(_traffic_of(detection, own) for detection, own in wanted if own)


def key_of(detection: Detection) -> tuple[str, str, str, int]:
    """The group key of a detection."""
    return (detection.hostname, detection.src_ip, detection.dst_ip, detection.dst_port)


def _traffic_of(detection: Detection, own: Sequence[Start]) -> TupleTraffic:
    newest = own[-MAX_STARTS:]
    sizes = tuple(round(s.sent / s.conns) for s in newest if s.sent is not None and s.conns)
    return TupleTraffic(
        detection_id=detection.detection_id, start_times=tuple(s.second for s in newest),
        sizes=sizes if len(sizes) == len(newest) else None, starts_complete=len(newest) == len(own),
        hourly=_hourly(own),
    )


def _hourly(own: Sequence[Start]) -> tuple[HourOfTraffic, ...]:
    by_hour: dict[int, list[Start]] = defaultdict(list)
    for start in own:
        by_hour[start.second // 3600].append(start)
    return tuple(
        HourOfTraffic(
            hour=moment(hour * 3600), connections=sum(s.conns for s in group),
            bytes_sent=None if any(s.sent is None for s in group) else sum(s.sent or 0 for s in group),
        )
        for hour, group in sorted(by_hour.items())
    )


def _start(row: Row) -> Start:
    second = cells.whole(row, "start_s")
    if second * 1000 > _LATEST_MS:
        raise ValueError("start_s: out of range")
    sent = _known(row, "start_sent", "sent_known", cells.whole(row, "row_count"))
    return Start(_key(row), second, cells.whole(row, "start_conns"), sent)


def _key(row: Row) -> tuple[str, str, str, int]:
    hostname = cells.text(row, "hostname")
    if len(hostname) > MAX_NAME:
        raise ValueError(f"hostname: longer than {MAX_NAME} characters")
    for name in ("src_ip", "dst_ip"):
        if address.parse(cells.text(row, name)) is None:
            raise ValueError(f"{name}: expected an address, got {printable(cells.text(row, name))[:60]!r}")
    port = cells.whole(row, "dst_port")
    if port > 65535:
        raise ValueError(f"dst_port: expected 0 to 65535, got {port}")
    return (hostname, cells.text(row, "src_ip"), cells.text(row, "dst_ip"), port)


def _known(row: Row, name: str, counter: str, row_count: int) -> int | None:
    return cells.whole(row, name) if row_count and cells.whole(row, counter) == row_count else None


def _milliseconds(row: Row, name: str) -> int:
    value = cells.whole(row, name)
    if value > _LATEST_MS:
        raise ValueError(f"{name}: out of range")
    return value


def _read(rows: Iterable[Row], make: Callable[[Row], object]) -> Read:
    values: list[object] = []
    examples: list[str] = []
    rejected = 0
    for number, row in enumerate(rows, start=1):
        try:
            values.append(make(row))
        except ValueError as fault:
            rejected += 1
            if len(examples) < MAX_EXAMPLES:
                examples.append(f"record {number}: {printable(str(fault))[:200]}")
    return Read(tuple(values), rejected, tuple(examples))
