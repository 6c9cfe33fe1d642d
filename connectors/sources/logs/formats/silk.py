"""SiLK flows as ``rwcut`` prints them: columns between bars under a header, one row a direction.

The rows of both directions become one connection, as in ``netflow``: who spoke first began, in a tie the row with SYN
and no ACK (initialFlags where rwcut prints them, else flags), then the higher source port; a TCP session without any
SYN began before the log, and there the higher source port is the client. Nothing is translated or denied in these
records. Bytes are IP bytes of each direction; of a direction without a row they are unknown. Times are UTC, as SiLK
keeps them, as a date or a number of seconds. A TCP flow that rwcut's sensor cut by its time-out is joined while the gap
is at most 15 seconds.
"""

from collections.abc import Mapping, Sequence

from connectors.sources.logs import clocks, directions, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "silk"
LACKS = "flow record"

NAMES: Mapping[str, Sequence[str]] = {
    "src": ("sip",),
    "dst": ("dip",),
    "sport": ("sport",),
    "dport": ("dport",),
    "proto": ("pro", "protocol"),
    "packets": ("packets",),
    "octets": ("bytes",),
    "flags": ("flags",),
    "initial": ("initialflags", "initialf"),
    "first": ("stime", "stime+msec"),
    "span": ("duration", "dur", "dur+msec"),
    "last": ("etime", "etime+msec"),
}
NEEDED = ("src", "dst", "dport", "first")
_GAP = 15
_PATTERNS = (
    "%Y/%m/%dT%H:%M:%S.%f",
    "%Y/%m/%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%m/%d/%Y %H:%M:%S.%f",
    "%m/%d/%Y %H:%M:%S",
)


SAMPLE = Sample(
    headers=(
        "        sIP|        dIP|sPort|dPort|pro|   packets|     bytes|   flags|                  sTime| duration|",
    ),
    rows=(
        "$client|  45.60.1.1|$port|  443|  6|         7|       858|FS PA   |${slashed}T$clock.000|   20.000|",
        "  45.60.1.1|$client|  443|$port|  6|         5|      1292|FS PA   |${slashed}T$clock.010|   20.000|",
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """rwcut's text by its header; None for any other content."""
    first = head.lstrip("\ufeff\r\n").split("\n", 1)[0].rstrip("\r")
    columns = tuple(name.strip() for name in first.split("|"))
    place = _places(columns)
    if len(columns) < 5 or not all(name in place for name in NEEDED):
        return None
    return Recognised(format=NAME, kind="conn", columns=columns)


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a connection, whatever the number of its flow records."""
    place = _places(form.columns)
    raw = {name: f"nullif(trim(f[{place[name] + 1}]), '')" if name in place else "NULL::VARCHAR" for name in NAMES}
    source = f"SELECT *, string_split(text, '|') AS f FROM ({line_sql.lines(paths, scan)})"
    header = f"CASE WHEN trim(ltrim(f[1], chr(65279))) = {literal(form.columns[0])} THEN 'header line' END"
    read = line_sql.checked(
        source,
        _cells(raw, clocks.clock(form, scan).zone),
        header,
        faults=[(f"len(f) < {max(place.values()) + 1}", "'expected more fields, found ' || len(f)")],
    )
    begun = f"coalesce({raw['initial']}, flags)"
    rows = f"""
        SELECT *, greatest(coalesce(last, started + coalesce(span, 0)), started) AS ended,
            contains({begun}, 'S') AS syn, contains({begun}, 'S') AND NOT contains({begun}, 'A') AS bare
        FROM ({read})"""
    joined = directions.sessions(
        rows,
        directions.Slices(_GAP, again=_GAP),
        _began(),
        {"octets": "octets", "packets": "packets"},
        syn="CASE WHEN regexp_matches(flags, '[A-Z]') THEN syn END",
        bare="bare",
        paths=paths,
    )
    return line_sql.canonical(
        "conn",
        joined,
        {
            **directions.ENDS,
            "bytes_sent": "octets_sent",
            "bytes_rcvd": "octets_back",
            "bytes_total": "octets_sent + octets_back",
            "orig_bytes": "octets_sent",
            "sent_packets": "packets_sent",
            "rcvd_packets": "packets_back",
            "answered": "CASE WHEN rows_back > 0 AND rows_sent > 0 THEN true END",
        },
    )


def _cells(raw: Mapping[str, str], zone: str) -> dict[str, Cell]:
    def time(text: str) -> str:
        dated = line_sql.time(text, zone, _PATTERNS)
        return f"CASE WHEN contains({text}, ':') THEN {dated} ELSE {line_sql.seconds(text)} END"

    return {
        "started": Cell("sTime", raw["first"], time),
        "last": Cell("eTime", raw["last"], time, required=False),
        "span": Cell("duration", raw["span"], line_sql.seconds, required=False),
        "src": Cell("sIP", raw["src"], line_sql.address),
        "dst": Cell("dIP", raw["dst"], line_sql.address),
        "sport": Cell("sPort", f"coalesce({raw['sport']}, '0')", line_sql.port),
        "dport": Cell("dPort", raw["dport"], line_sql.port),
        "proto": Cell("pro", f"coalesce({raw['proto']}, '')", line_sql.protocol),
        "flags": Cell("flags", f"coalesce({raw['flags']}, '')", str, required=False),
        "octets": Cell("bytes", raw["octets"], line_sql.count, required=False),
        "packets": Cell("packets", raw["packets"], line_sql.count, required=False),
    }


def _began() -> str:
    spoke_first = directions.first_by("started", "CASE WHEN bare THEN 0 ELSE 1 END")
    return (
        "CASE WHEN any_value(proto) = 'tcp' AND bool_or(flags != '') AND NOT bool_or(syn) "
        f"THEN {directions.first_by()} ELSE {spoke_first} END"
    )


def _places(columns: Sequence[str]) -> dict[str, int]:
    names = [column.strip().lower() for column in columns]
    places = {cell: next((names.index(name) for name in known if name in names), -1) for cell, known in NAMES.items()}
    return {cell: place for cell, place in places.items() if place >= 0}
