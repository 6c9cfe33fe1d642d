"""Records of our queries as values of the model; a record that cannot be read is counted and told, never fatal."""

from collections.abc import Iterable

from connectors.http import printable
from connectors.sources._siem.coverage import LATEST_S, HourRows, Key, Read, Start, read
from connectors.sources._siem.host_activity import Quarter, quarter_of
from connectors.sources._siem.prevalence import Users, users_of
from connectors.sources.sumologic import decoding
from connectors.sources.sumologic.decoding import Row
from playbook.detections.beaconing import Aggregate, Scope, moment, score, sort_key
from playbook.model import address
from playbook.model.detection import Detection

MAX_NAME = 1_000
_LATEST_MS = LATEST_S * 1000
_PROTOCOLS = {"6": "tcp", "17": "udp", "132": "sctp", "47": "gre", "50": "esp"}


def detections(rows: Iterable[Row], scope: Scope) -> tuple[tuple[Detection, ...], Read[Detection | None]]:
    """The records of the detection query, scored by the reference scorer, in their total order."""
    found = read(rows, lambda row: score(aggregate(row), scope), "record")
    scored = (value for value in found.values if isinstance(value, Detection))
    return tuple(sorted(scored, key=sort_key)), found


def aggregate(row: Row) -> Aggregate:
    """One record as what the scorer takes; ValueError names the column that cannot be read.

    A sum is known only if every counted row had the counter (Sumo's own sum of absent values is not documented).
    """
    row_count = decoding.whole(row, "row_count")
    hostname, src_ip, dst_ip, dst_port = _key(row)
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
        processes=decoding.listed(row, "processes"),
        services=decoding.listed(row, "services"),
        transports=tuple(_PROTOCOLS.get(name, name) for name in decoding.listed(row, "protos")),
    )


def hours(rows: Iterable[Row]) -> tuple[HourRows, ...]:
    """The records of the heartbeat query, in order; ValueError when one cannot be read (silence is not safety)."""
    made = (
        HourRows(
            moment(decoding.whole(row, "hour") * 3600),
            decoding.whole(row, "row_count"),
            moment(_milliseconds(row, "oldest_ms") / 1000),
            moment(_milliseconds(row, "newest_ms") / 1000),
        )
        for row in rows
    )
    return tuple(sorted(made))


def starts(rows: Iterable[Row]) -> Read[Start]:
    """The records of the traffic query as ``Start`` values."""
    return read(rows, _start, "record")


def users(rows: Iterable[Row]) -> Read[Users]:
    """The records of the popularity query as ``Users`` values."""
    return read(rows, lambda row: users_of(row, decoding.text, decoding.whole), "record")


def quarters(rows: Iterable[Row]) -> Read[Quarter]:
    """The records of the activity query as ``Quarter`` values."""
    return read(rows, lambda row: quarter_of(row, decoding.text, decoding.whole), "record")


def _start(row: Row) -> Start:
    second = decoding.whole(row, "start_s")
    if second * 1000 > _LATEST_MS:
        raise ValueError("start_s: out of range")
    sent = _known(row, "start_sent", "sent_known", decoding.whole(row, "row_count"))
    return Start(_key(row), second, decoding.whole(row, "start_conns"), sent)


def _key(row: Row) -> Key:
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


def _known(row: Row, name: str, counter: str, row_count: int) -> int | None:
    return decoding.whole(row, name) if row_count and decoding.whole(row, counter) == row_count else None


def _milliseconds(row: Row, name: str) -> int:
    value = decoding.whole(row, name)
    if value > _LATEST_MS:
        raise ValueError(f"{name}: out of range")
    return value
