"""Results of our searches as values of the model; a row that cannot be read is counted and told, never fatal."""

from collections.abc import Iterable

from connectors.clients.splunk import decoding
from connectors.clients.splunk.decoding import Row
from connectors.http import printable
from connectors.sources._siem.coverage import LATEST_S, HourRows, Key, Read, Start, read
from connectors.sources._siem.host_activity import Quarter, quarter_of
from connectors.sources._siem.prevalence import Users, users_of
from playbook.detections.beaconing import Aggregate, Scope, moment, score, sort_key
from playbook.model import address
from playbook.model.detection import Detection

MAX_NAME = 1_000
_PROTOCOLS = {"6": "tcp", "17": "udp", "132": "sctp", "47": "gre", "50": "esp"}


def detections(rows: Iterable[Row], scope: Scope) -> tuple[tuple[Detection, ...], Read[Detection | None]]:
    """The rows of the detection search, scored by the reference scorer, in their total order."""
    found = read(rows, lambda row: score(aggregate(row), scope))
    scored = (value for value in found.values if isinstance(value, Detection))
    return tuple(sorted(scored, key=sort_key)), found


def aggregate(row: Row) -> Aggregate:
    """One row as what the scorer takes; ValueError names the column that cannot be read.

    A sum is known only if every counted row had the counter: SPL's sum leaves nulls out, and all of them gives null.
    """
    row_count = decoding.whole(row, "row_count")
    hostname, src_ip, dst_ip, dst_port = key(row)
    return Aggregate(
        hostname=hostname,
        src_ip=src_ip,
        dst_ip=dst_ip,
        dst_port=dst_port,
        connections=decoding.whole(row, "connections"),
        hourly_buckets=decoding.whole(row, "hourly_buckets"),
        bytes_sent=_known(row, "total_bytes_sent", "sent_known", row_count),
        bytes_rcvd=_known(row, "total_bytes_rcvd", "rcvd_known", row_count),
        bytes_total=_known(row, "total_bytes", "total_known", row_count),
        first_seen=_milliseconds(row, "first_ms") / 1000,
        last_seen=_milliseconds(row, "last_ms") / 1000,
        denied=_counted(row, "denied"),
        denied_hours=_counted(row, "denied_hours"),
        processes=decoding.listed(row, "processes"),
        services=decoding.listed(row, "services"),
        transports=tuple(_PROTOCOLS.get(name.lower(), name.lower()) for name in decoding.listed(row, "protos")),
    )


def hours(rows: Iterable[Row]) -> tuple[HourRows, ...]:
    """The rows of the heartbeat search, in order; ValueError when one cannot be read (silence is not safety)."""
    made = (
        HourRows(
            moment(_milliseconds(row, "hour", 3_600_000) / 1000),
            decoding.whole(row, "row_count"),
            moment(_milliseconds(row, "oldest_ms") / 1000),
            moment(_milliseconds(row, "newest_ms") / 1000),
        )
        for row in rows
    )
    return tuple(sorted(made))


def starts(rows: Iterable[Row]) -> Read[Start]:
    """The rows of the traffic search as ``Start`` values."""
    return read(rows, _start)


def users(rows: Iterable[Row]) -> Read[Users]:
    """The rows of the popularity search as ``Users`` values."""
    return read(rows, lambda row: users_of(row, decoding.text, decoding.whole))


def quarters(rows: Iterable[Row]) -> Read[Quarter]:
    """The rows of the activity search as ``Quarter`` values."""
    return read(rows, lambda row: quarter_of(row, decoding.text, decoding.whole))


def key(row: Row) -> Key:
    """The group key of a row. Raises ValueError when an address, the port or the length of the name is wrong."""
    hostname = decoding.text(row, "hostname")
    if len(hostname) > MAX_NAME:
        raise ValueError(f"hostname: longer than {MAX_NAME} characters")
    for name in ("src_ip", "dst_ip"):
        if address.parse(decoding.text(row, name)) is None:
            raise ValueError(f"{name}: expected an address, got {printable(decoding.text(row, name))[:60]!r}")
    port = decoding.whole(row, "dst_port")
    if port > 65535:
        raise ValueError(f"dst_port: expected 0 to 65535, got {port}")
    return (hostname, decoding.text(row, "src_ip"), decoding.text(row, "dst_ip"), port)


def _start(row: Row) -> Start:
    second = _milliseconds(row, "start_s", 1000) // 1000
    sent = _known(row, "start_sent", "sent_known", decoding.whole(row, "row_count"))
    return Start(key(row), second, decoding.whole(row, "start_conns"), sent)


def _known(row: Row, name: str, counter: str, row_count: int) -> int | None:
    return decoding.whole(row, name) if row_count and decoding.whole(row, counter) == row_count else None


def _counted(row: Row, name: str) -> int:
    return decoding.whole(row, name) if decoding.text(row, name) else 0


def _milliseconds(row: Row, name: str, unit: int = 1) -> int:
    """A time in units of ``unit`` milliseconds, as milliseconds."""
    value = decoding.whole(row, name) * unit
    if value > LATEST_S * 1000:
        raise ValueError(f"{name}: out of range")
    return value
