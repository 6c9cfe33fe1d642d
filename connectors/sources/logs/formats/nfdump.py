"""NetFlow and IPFIX as ``nfdump -o csv`` prints them: one row a direction, joined into connections.

Who spoke first began. In a tie it is the row with SYN and no ACK, then the higher source port, then the lower address.
A TCP session of which no row holds SYN began before the log: there the higher source port is the client. A row from a
port below 1024 to a higher one, of which the other direction is not in the log, is the answer, unless it is a bare SYN.
Both header generations are read: ts,te,td,sa,da,... and firstSeen,duration,proto,srcAddr,... (names of nfdump's own
format table), and their rows without a header (``-q``). Times are those of the machine that ran nfdump, without a zone,
or seconds since 1970 (``%tsr``); durations are seconds or 00:25:34.204.

A row that was aggregated (``-A``) without its source port stands for as many connections as its column ``flows`` says,
all placed at its first time, and is joined with no other row. With the source port (``-a``) its flows are the slices of
one 5-tuple: one connection of TCP, as many as there are flows of any other protocol.
"""

import re
from collections.abc import Mapping, Sequence

from connectors.sources.logs import directions, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan

NAME = "netflow"

FIELDS: Mapping[str, tuple[str, ...]] = {
    "first": ("ts", "firstseen"),
    "last": ("te", "lastseen"),
    "duration": ("td", "duration"),
    "src": ("sa", "srcaddr"),
    "dst": ("da", "dstaddr"),
    "sport": ("sp", "srcport"),
    "dport": ("dp", "dstport"),
    "proto": ("pr", "proto"),
    "flags": ("flg", "flags"),
    "packets": ("ipkt", "packets", "inpackets"),
    "octets": ("ibyt", "bytes", "inbytes"),
    "merged_packets": ("opkt", "outpackets"),
    "merged_octets": ("obyt", "outbytes"),
    "flows": ("fl", "flows"),
}
NEEDED = ("first", "src", "dst", "dport", "proto", "octets")

# The default inactive timeout of exporters (two rows of one 5-tuple with a smaller gap are slices of one flow), and
# their longest default time-out, the active one.
_SLICES = directions.Slices(gap=15, longest=1800, again=15)
_PATTERNS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")
# The columns of ``-o csv`` since 1.7.5 and before, for rows without a header.
SHORT_ORDER = (
    "firstSeen",
    "duration",
    "proto",
    "srcAddr",
    "srcPort",
    "dstAddr",
    "dstPort",
    "packets",
    "bytes",
    "flows",
)
LONG_ORDER = ("ts", "te", "td", "sa", "da", "sp", "dp", "pr", "flg", "fwd", "stos", "ipkt", "ibyt", "opkt", "obyt")
_STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?"
_HEADLESS = (
    (
        SHORT_ORDER,
        re.compile(
            rf"{_STAMP}, *[\d:.]+, *[A-Za-z0-9-]+ *, *[0-9a-fA-F.:]+, *\d+, *[0-9a-fA-F.:]+, *[\d.]+,"
            r" *\d+, *\d+, *\d+\s*"
        ),
    ),
    (
        LONG_ORDER,
        re.compile(
            rf"{_STAMP},{_STAMP}, *[\d:.]+, *[0-9a-fA-F.:]+, *[0-9a-fA-F.:]+, *\d+, *[\d.]+, *"
            r"[A-Za-z0-9-]+ *,.*"
        ),
    ),
)
_SUMMARY = "f[1] = 'Summary' OR f[1:3] = ['flows', 'bytes', 'packets'] OR regexp_full_match(text, '([0-9]+,){5}[0-9]+')"


SAMPLE = Sample(
    headers=("ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt",),
    rows=(
        "$date $clock.000,$date $clock.500,0.500,$client,45.60.1.1,$port,443,TCP,...AP.SF,0,0,5,500,0,0",
        "$date $clock.010,$date $clock.510,0.500,45.60.1.1,$client,443,$port,TCP,...AP.SF,0,0,5,500,0,0",
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """nfdump's CSV by its header; None for any other content."""
    columns, note = line_sql.header(head), ""
    if not all(name in _positions(columns) for name in NEEDED):
        first = head.lstrip("\ufeff\r\n").split("\n", 1)[0].rstrip("\r")
        columns = next((order for order, row in _HEADLESS if row.fullmatch(first)), ())
        if not columns:
            return None
        columns += tuple(f"column {place}" for place in range(len(columns), len(first.split(","))))
        note = "no header: the order of nfdump's -o csv assumed; "
    return Recognised(
        format=NAME,
        kind="conn",
        columns=columns,
        note=f"{note}nfdump prints local time without a zone: read as UTC unless a time zone is given",
    )


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row per connection, whatever the number of its flow records."""
    positions = _positions(form.columns)
    raw = {name: f"trim(f[{positions[name] + 1}])" if name in positions else "NULL::VARCHAR" for name in FIELDS}
    zone = dict(form.options).get("time_zone", scan.time_zone)
    read = line_sql.checked(
        line_sql.csv_rows(paths, scan, form.columns),
        _cells(raw, zone),
        f"CASE WHEN {_SUMMARY} THEN 'summary at the end' END",
        faults=[
            ("f IS NULL", "'a quote is left open'"),
            (f"len(f) < {len(form.columns)}", f"'expected {len(form.columns)} fields, found ' || len(f)"),
        ],
    )
    return connections(read, paths)


def connections(read: str, paths: Sequence[str]) -> str:
    """The conn SELECT over checked flow records, from whichever output of nfdump they are."""
    rows = f"""
        SELECT *, {_SUMMED} AS summed, greatest(coalesce(last, started + coalesce(span, 0)), started) AS ended,
            contains(flags, 'S') AS syn, contains(flags, 'S') AND NOT contains(flags, 'A') AS bare FROM ({read})"""
    # Without their source ports the two directions cannot be told to belong together.
    alone = "CASE WHEN summed THEN concat_ws(' ', file, n) ELSE '' END"
    joined = directions.sessions(
        rows,
        _SLICES,
        _began(),
        {
            "octets": "octets",
            "packets": "packets",
            "merged_octets": "nullif(merged_octets, 0)",
            "merged_packets": "nullif(merged_packets, 0)",
            "bare": "CASE WHEN bare THEN 1 END",
            "reset": "CASE WHEN contains(flags, 'R') AND NOT contains(flags, 'S') AND packets = 1 THEN 1 END",
            "more": "CASE WHEN summed OR proto != 'tcp' THEN flows - 1 END",
        },
        together=alone,
        syn="CASE WHEN regexp_matches(flags, '[A-Z]') THEN syn END",
        bare="bare",
        paths=paths,
    )
    return line_sql.canonical("conn", joined, _values())


_SUMMED = "coalesce(bad IS NULL AND passed IS NULL AND flows > 1 AND sport = 0 AND proto != 'icmp', false)"


def _positions(columns: Sequence[str]) -> dict[str, int]:
    names = [column.strip().lower() for column in columns]
    found = {field: next((names.index(name) for name in known if name in names), -1) for field, known in FIELDS.items()}
    return {field: place for field, place in found.items() if place >= 0}


def _cells(raw: Mapping[str, str], zone: str) -> dict[str, Cell]:
    def read_time(text: str) -> str:
        return f"coalesce({line_sql.time(text, zone, _PATTERNS)}, {line_sql.seconds(text)})"

    return {
        "started": Cell("first seen", raw["first"], read_time),
        "last": Cell("last seen", raw["last"], read_time, required=False),
        "span": Cell("duration", raw["duration"], _duration, required=False),
        "src": Cell("source address", raw["src"], line_sql.address),
        "dst": Cell("destination address", raw["dst"], line_sql.address),
        # ICMP rows print type.code in the place of the destination port.
        "dport": Cell("destination port", raw["dport"], lambda text: line_sql.port(f"string_split({text}, '.')[1]")),
        "sport": Cell("source port", f"coalesce({raw['sport']}, '0')", line_sql.port),
        "proto": Cell("protocol", raw["proto"], line_sql.protocol),
        "flags": Cell("flags", f"coalesce({raw['flags']}, '')", str, required=False),
        "octets": Cell("bytes", raw["octets"], line_sql.count),
        "packets": Cell("packets", raw["packets"], line_sql.count, required=False),
        "merged_octets": Cell("bytes back", raw["merged_octets"], line_sql.count, required=False),
        "merged_packets": Cell("packets back", raw["merged_packets"], line_sql.count, required=False),
        "flows": Cell("flows", raw["flows"], line_sql.count, required=False),
    }


def _duration(raw: str) -> str:
    """Seconds, or days, hours, minutes and seconds: 1d 00:25:34.204, 00:25:34.204."""
    parts = f"regexp_extract_all({raw}, '[0-9.]+')"
    clock = f"regexp_full_match({raw}, '([0-9]+ *d[a-z]* *)?[0-9]+:[0-9]{{2}}:[0-9]{{2}}([.][0-9]+)?')"
    seconds = " + ".join(
        f"coalesce(list_reverse({parts})[{place}]::DOUBLE, 0) * {unit}"
        for place, unit in enumerate((1, 60, 3600, 86400), 1)
    )
    return f"CASE WHEN {clock} THEN {seconds} ELSE {line_sql.seconds(raw)} END"


def _began() -> str:
    one_way = "min(forward) = max(forward)"
    answer = "bool_and(sport < 1024 AND dport >= 1024 AND NOT bare) AND max(coalesce(merged_octets, 0)) = 0"
    spoke_first = directions.first_by("started", "CASE WHEN bare THEN 0 ELSE 1 END")
    return (
        f"CASE WHEN bool_or(summed) THEN any_value(forward) WHEN {one_way} AND {answer} THEN NOT any_value(forward) "
        f"WHEN any_value(proto) = 'tcp' AND bool_or(flags != '') AND NOT bool_or(syn) THEN {directions.first_by()} "
        f"ELSE {spoke_first} END"
    )


def _values() -> dict[str, str]:
    back = "coalesce(octets_back, merged_octets_sent)"
    refused = "coalesce(reset_back = rows_back, false)"
    unanswered = "proto = 'tcp' AND bare_sent = rows_sent"
    heard = "(rows_back > 0 OR merged_octets_sent > 0)"
    rcvd = f"CASE WHEN octets_back IS NULL AND merged_octets_sent IS NULL AND {unanswered} THEN 0 ELSE {back} END"
    return {
        **directions.ENDS,
        "bytes_sent": "octets_sent",
        "bytes_rcvd": rcvd,
        "bytes_total": f"octets_sent + {rcvd}",
        "conns": "greatest(1 + coalesce(more_sent, more_back, 0), 1)",
        "orig_bytes": "CASE WHEN coalesce(more_sent, more_back, 0) = 0 THEN octets_sent END",
        "sent_packets": "packets_sent",
        "rcvd_packets": "coalesce(packets_back, merged_packets_sent)",
        "answered": f"CASE WHEN {heard} THEN NOT {refused} WHEN {unanswered} THEN false END",
    }
