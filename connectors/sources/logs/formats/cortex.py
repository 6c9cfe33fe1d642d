"""Traffic logs that Strata Logging Service (Cortex Data Lake) and its Log Viewer export as CSV with a header.

Columns are found by name, as the viewer shows them (Source Address) or as the schema writes them (source_ip.value).
A session is counted from its ``end`` row, Repeat Count times; ``start`` rows are passed over; ``drop`` and ``deny``
rows, and rows whose action refused the session, are denied attempts. The source address is the one before translation,
NAT columns are not used. Byte columns that are absent or empty are unknown. Time is Session Start Time, else Time
Generated: ISO (UTC without an offset), or a number of seconds to nanoseconds.
"""

import re
from collections.abc import Mapping, Sequence

from connectors.sources.logs import clocks, devices, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan

NAME = "cortex"
LACKS = "TRAFFIC row of a session"

# Cell -> the names of its column, in lower case and without anything but letters and digits.
NAMES: Mapping[str, Sequence[str]] = {
    "src": ("sourceaddress", "sourceip", "srcip"),
    "dst": ("destinationaddress", "destip", "destinationip", "dstip"),
    "sport": ("sourceport", "srcport"),
    "dport": ("destinationport", "destport", "dstport"),
    "proto": ("protocol", "ipprotocol"),
    "sent": ("bytessent",),
    "received": ("bytesreceived",),
    "total": ("bytestotal", "bytes"),
    "packets_sent": ("packetssent",),
    "packets_received": ("packetsreceived",),
    "span": ("sessionduration", "totaltimeelapsed", "elapsedtime"),
    "repeated": ("repeatcount", "countofrepeats"),
    "kind": ("logtype",),
    "sub": ("logsubtype", "subtype", "threatcontenttype"),
    "action": ("action",),
    "app": ("application", "app"),
    "start": ("sessionstarttime",),
    "made": ("timegenerated", "logtime"),
}
NEEDED = ("src", "dst", "dport")
_NO_SERVICE = "('', 'incomplete', 'insufficient-data', 'not-applicable', 'unknown-tcp', 'unknown-udp', 'unknown-p2p')"


SAMPLE = Sample(
    headers=(
        '"Log Type","Subtype","Time Generated","Source Address","Source Port","Destination Address",'
        '"Destination Port","Protocol","Action","Application","Bytes Sent","Bytes Received","Session '
        'Start Time","Session Duration","Repeat Count"',
    ),
    rows=(
        '"TRAFFIC","end","${iso}Z","$client","$port","45.60.1.1","443","tcp","allow","ssl","858",'
        '"1292","${iso}Z","20","1"',
        '"TRAFFIC","start","${iso}Z","$client","$port","45.60.1.1","443","tcp","allow","ssl","0","0","${iso}Z","0","1"',
        '"TRAFFIC","drop","${iso}Z","$client","$port","45.60.1.3","23","tcp","deny","not-applicable",'
        '"60","0","${iso}Z","0","1"',
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """The export by its header; None for any other content."""
    columns = line_sql.header(head)
    place = _places(columns)
    timed = "start" in place or "made" in place
    if not timed or len(columns) < 6 or not all(name in place for name in NEEDED):
        return None
    return Recognised(format=NAME, kind="conn", columns=columns)


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a session or denied attempt."""
    place = _places(form.columns)
    raw = {name: line_sql.present(f"f[{place[name] + 1}]") if name in place else "NULL::VARCHAR" for name in NAMES}
    words = ", ".join(f"lower({raw[name]}) AS {name}" for name in ("kind", "sub", "action", "app"))
    source = f"SELECT *, {words} FROM ({line_sql.csv_rows(paths, scan, form.columns)})"
    passed = (
        "CASE WHEN kind IS NOT NULL AND kind != 'traffic' THEN 'not a TRAFFIC row' "
        "WHEN sub = 'start' THEN 'start of a session that its end row counts' END"
    )
    zone = clocks.clock(form, scan).zone
    moment = Cell(
        "Session Start Time or Time Generated",
        f"coalesce({raw['start']}, {raw['made']})",
        lambda text: (
            f"CASE WHEN regexp_full_match({text}, '[0-9]+([.][0-9]+)?') THEN {clocks.epoch(text)} "
            f"ELSE {clocks.dated(text, zone)} END"
        ),
    )
    read = line_sql.checked(
        source,
        devices.cells(raw, moment),
        passed,
        faults=[
            ("f IS NULL", "'a quote is left open'"),
            (f"len(f) != {len(form.columns)}", f"'expected {len(form.columns)} fields, found ' || len(f)"),
        ],
    )
    refused = "regexp_matches(coalesce(action, ''), '^(drop|deny|reset|block)')"
    denied = f"(coalesce(sub, '') IN ('drop', 'deny') OR {refused})"
    rows = devices.lean(read, ("sub", "action", "app"))
    return line_sql.canonical(
        "conn",
        rows,
        devices.values(False, denied, service=f"CASE WHEN coalesce(app, '') IN {_NO_SERVICE} THEN '' ELSE app END"),
    )


def _places(columns: Sequence[str]) -> dict[str, int]:
    names = [re.sub(r"[^a-z0-9]", "", re.sub(r"\.value$", "", column.strip().lower())) for column in columns]
    places = {cell: next((names.index(name) for name in known if name in names), -1) for cell, known in NAMES.items()}
    return {cell: place for cell, place in places.items() if place >= 0}
