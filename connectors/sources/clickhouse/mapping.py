"""Rows of our queries as values of the model; a row that cannot be read is counted and told, never fatal."""

from collections.abc import Iterable

from connectors.http import printable
from connectors.sources._siem.coverage import HourRows, Key, Read, Start, read
from connectors.sources._siem.host_activity import Quarter, quarter_of
from connectors.sources._siem.prevalence import Users, users_of
from connectors.sources.clickhouse import decoding
from connectors.sources.clickhouse.decoding import Row
from playbook.detections.beaconing import Aggregate, Scope, moment, score, sort_key
from playbook.model import Value, address
from playbook.model.detection import Detection

MAX_NAME = 1_000
# What the query says of the packets on the port of NTP: 0 is not known.
_NTP_SIZED = {0: None, 1: False, 2: True}


class Conversations(Value):
    """What the connections of a tuple were; null where the rows do not tell it of every one."""

    attempts: int
    unanswered: int | None
    unanswered_hours: int | None
    longest_s: float | None
    established: int | None
    both_sided: int | None
    irc_alone: int | None


def detections(rows: Iterable[Row], scope: Scope) -> tuple[tuple[Detection, ...], Read[Detection | None]]:
    """The rows of the detection query, scored by the reference scorer, in their total order."""
    taken = read(rows, lambda row: score(aggregate(row), scope))
    scored = (value for value in taken.values if isinstance(value, Detection))
    return tuple(sorted(scored, key=sort_key)), taken


def aggregate(row: Row) -> Aggregate:
    """One row as what the scorer takes; ValueError names the column that cannot be read."""
    hostname, src_ip, dst_ip, dst_port = key(row)
    return Aggregate(
        hostname=hostname,
        src_ip=src_ip,
        dst_ip=dst_ip,
        dst_port=dst_port,
        connections=decoding.whole(row, "connections"),
        hourly_buckets=decoding.whole(row, "hourly_buckets"),
        bytes_sent=decoding.optional(row, "total_sent"),
        bytes_rcvd=decoding.optional(row, "total_rcvd"),
        bytes_total=decoding.optional(row, "total_bytes"),
        first_seen=decoding.seconds(row, "first_at"),
        last_seen=decoding.seconds(row, "last_at"),
        denied=decoding.whole(row, "denied_attempts"),
        denied_hours=decoding.whole(row, "denied_hours"),
        processes=decoding.listed(row, "process_names"),
        services=decoding.listed(row, "services"),
        transports=decoding.listed(row, "protos"),
        ntp_sized=_NTP_SIZED.get(decoding.whole(row, "ntp")),
    )


def hours(rows: Iterable[Row]) -> tuple[tuple[HourRows, ...], int]:
    """The rows of the heartbeat query in order, and how many log rows had no usable port.

    Raises ValueError when one cannot be read: silence is not safety.
    """
    made, unusable = [], 0
    for row in rows:
        oldest, newest = (_milliseconds(row, name) for name in ("oldest_ms", "newest_ms"))
        hour = decoding.whole(row, "hour")
        if hour != oldest // 3_600_000:
            raise ValueError(f"hour: {hour} is not that of its rows")
        made.append(
            HourRows(
                moment(hour * 3600), decoding.whole(row, "row_count"), moment(oldest / 1000), moment(newest / 1000)
            )
        )
        unusable += decoding.whole(row, "unusable")
    return tuple(sorted(made)), unusable


def starts(rows: Iterable[Row]) -> Read[Start]:
    """The rows of the traffic query as ``Start`` values."""
    return read(rows, _start)


def users(rows: Iterable[Row]) -> Read[Users]:
    """The rows of the popularity query as ``Users`` values."""
    return read(rows, lambda row: users_of(row, decoding.text, decoding.whole))


def quarters(rows: Iterable[Row]) -> Read[Quarter]:
    """The rows of the activity query as ``Quarter`` values."""
    return read(rows, lambda row: quarter_of(row, decoding.text, decoding.whole))


def conversations(rows: Iterable[Row]) -> Read[tuple[Key, Conversations]]:
    """The rows of the query of conversations as (key, ``Conversations``)."""
    return read(rows, lambda row: (key(row), _conversations(row)))


def addresses(rows: Iterable[Row]) -> Read[tuple[str, int]]:
    """The rows of the query of outside addresses as (source, number)."""
    return read(rows, lambda row: (decoding.text(row, "src_ip"), decoding.whole(row, "addresses")))


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
    whole = decoding.whole(row, "sent_known") == decoding.whole(row, "row_count")
    sent = decoding.whole(row, "start_sent") if whole else None
    return Start(key(row), second, decoding.whole(row, "start_conns"), sent)


def _conversations(row: Row) -> Conversations:
    """Attempts are told when any row says whether it was answered; exchanges when none leaves it open."""
    sure, said = decoding.whole(row, "sure") > 0, decoding.whole(row, "untold") == 0
    established = decoding.whole(row, "established")
    return Conversations(
        attempts=decoding.whole(row, "attempts"),
        unanswered=decoding.whole(row, "unanswered") if sure else None,
        unanswered_hours=decoding.whole(row, "unanswered_hours") if sure else None,
        longest_s=None if row.get("longest_s") is None else decoding.seconds(row, "longest_s"),
        established=established if said or established else None,
        both_sided=decoding.whole(row, "both_sided") if said else None,
        irc_alone=decoding.whole(row, "irc_alone") if said else None,
    )


def _milliseconds(row: Row, name: str, unit: int = 1) -> int:
    """A time in units of ``unit`` milliseconds, as milliseconds."""
    value = decoding.whole(row, name) * unit
    decoding.seconds({name: value / 1000}, name)
    return value
