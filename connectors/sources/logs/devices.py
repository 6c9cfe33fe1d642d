"""What the lines of firewalls have in common: the cells of a session, its canonical columns, and interim records.

A format gives SQL for the raw text of each cell by the names of ``CELLS``, a cell for its time, and its own rules. A
byte or packet counter that a line lacks is unknown, never nought; bytes_total needs both counters or one of its own.
"""

from collections.abc import Mapping, Sequence

from connectors.sources.logs import line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import literal

CELLS = (
    "src",
    "sport",
    "dst",
    "dport",
    "proto",
    "sent",
    "received",
    "total",
    "packets_sent",
    "packets_received",
    "span",
    "repeated",
)
_PORTED = "coalesce(lower(trim({proto})), '') IN ('tcp', 'udp', 'sctp', '6', '17', '132', '')"


def cells(raw: Mapping[str, str], started: Cell) -> dict[str, Cell]:
    """The cells of a session; needed are the time, the addresses and, of TCP, UDP and SCTP, the destination port."""

    def of(name: str) -> str:
        return raw.get(name, "NULL::VARCHAR")

    portless = f"CASE WHEN {_PORTED.format(proto=of('proto'))} THEN {of('dport')} ELSE coalesce({of('dport')}, '0') END"
    return {
        "started": started,
        "src": Cell("source address", of("src"), line_sql.address),
        "sport": Cell("source port", of("sport"), line_sql.port, required=False),
        "dst": Cell("destination address", of("dst"), line_sql.address),
        "dport": Cell("destination port", portless, line_sql.port),
        "proto": Cell("protocol", of("proto"), line_sql.protocol, required=False),
        "sent": Cell("bytes sent", of("sent"), line_sql.count, required=False),
        "received": Cell("bytes received", of("received"), line_sql.count, required=False),
        "total": Cell("bytes", of("total"), line_sql.count, required=False),
        "packets_sent": Cell("packets sent", of("packets_sent"), line_sql.count, required=False),
        "packets_received": Cell("packets received", of("packets_received"), line_sql.count, required=False),
        "span": Cell("duration", of("span"), duration, required=False),
        "repeated": Cell("repeat count", of("repeated"), line_sql.count, required=False),
    }


def duration(raw: str) -> str:
    """Seconds of a length of time, with or without a fraction; null when it is none or longer than 100 years."""
    return line_sql.bounded(f"try_cast({raw} AS DOUBLE)", 0, 3_200_000_000)


def lean(rows: str, extra: Sequence[str] = ()) -> str:
    """The rows of ``lines.checked`` without their texts: only cells, ``extra`` columns and where they stand."""
    return f"SELECT started, {', '.join((*CELLS, *extra))}, bad, passed, file, line, n FROM ({rows})"


def last_only(
    rows: str, key: Sequence[str], interim: str, reason: str, ended: str = "started + coalesce(span, 0)"
) -> str:
    """The rows with the ``interim`` ones of a session passed over for ``reason`` when a later row of it follows.

    ``key`` are the columns that name a session; one without any end keeps its last interim row. ``ended`` orders them.
    """
    sound = "bad IS NULL AND passed IS NULL"
    later = f"lead(true) OVER (PARTITION BY {_own(key, sound)} ORDER BY {ended}, n)"
    numbered = f"SELECT *, coalesce({later}, false) AS followed FROM ({rows})"
    return (
        f"SELECT * REPLACE (CASE WHEN {sound} AND {interim} AND followed THEN {literal(reason)} ELSE passed END "
        f"AS passed) FROM ({numbered})"
    )


def once(rows: str, key: Sequence[str], first: str, reason: str, within_s: float = 2) -> str:
    """The rows with those passed over for ``reason`` that tell of the packet of another one; ``key`` names a packet.

    Of rows that are less than ``within_s`` apart the one stays that ``first`` sorts first.
    """
    sound = "bad IS NULL AND passed IS NULL"
    key = (*key, "burst")
    apart = f"started - lag(started) OVER (PARTITION BY {_own(key[:-1], sound)} ORDER BY started, n)"
    begun = f"SELECT *, coalesce({apart} > {within_s}, true)::INTEGER AS begins FROM ({rows})"
    counted = f"sum(begins) OVER (PARTITION BY {_own(key[:-1], sound)} ORDER BY started, n)"
    bursts = f"SELECT *, {counted} AS burst FROM ({begun})"
    place = f"row_number() OVER (PARTITION BY {_own(key, sound)} ORDER BY {first}, n)"
    return (
        f"SELECT * REPLACE (CASE WHEN {sound} AND place > 1 THEN {literal(reason)} ELSE passed END AS passed) "
        f"FROM (SELECT *, {place} AS place FROM ({bursts}))"
    )


def _own(key: Sequence[str], sound: str) -> str:
    """What the rows of one session have in common; a row that is not sound has a key of its own."""
    parts = ", ".join(f"coalesce({one}::VARCHAR, '')" for one in key)
    return f"CASE WHEN {sound} THEN concat_ws(' ', {parts}) ELSE concat_ws(' ', file, n, '-') END"


def counters(known: str) -> dict[str, str]:
    """The counters of ``values`` where ``known`` holds; elsewhere they are unknown."""
    columns = {
        "bytes_sent": "sent",
        "bytes_rcvd": "received",
        "bytes_total": "sent + received",
        "orig_bytes": "sent",
        "sent_packets": "packets_sent",
        "rcvd_packets": "packets_received",
    }
    return {name: f"CASE WHEN {known} THEN {value} END" for name, value in columns.items()}


def values(at_end: bool, denied: str, **others: str) -> dict[str, str]:
    """The canonical columns of a session's rows; ``at_end``: a line is written when the session ends."""
    start = "greatest(started - coalesce(span, 0), 0)" if at_end else "started"
    return {
        "start": start,
        "src_ip": "src",
        "src_port": "sport",
        "dst_ip": "dst",
        "dst_port": "dport",
        "proto": "proto",
        "conns": "greatest(coalesce(repeated, 1), 1)",
        "bytes_sent": "sent",
        "bytes_rcvd": "received",
        "bytes_total": "coalesce(sent + received, total)",
        "orig_bytes": "CASE WHEN coalesce(repeated, 1) <= 1 THEN sent END",
        "sent_packets": "packets_sent",
        "rcvd_packets": "packets_received",
        "duration": "span",
        "answered": f"CASE WHEN {denied} THEN false ELSE coalesce(packets_received, received) > 0 END",
        "denied": f"coalesce({denied}, false)",
        **others,
    }
