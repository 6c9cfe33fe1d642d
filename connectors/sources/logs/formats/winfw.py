"""The Windows Firewall's own log (pfirewall.log): space-separated columns that its #Fields line names.

ALLOW and OPEN (OPEN-INBOUND) are connections, DROP is a denied attempt, CLOSE ends what was counted. src-ip began,
whatever the path (SEND, RECEIVE, FORWARD). A dropped TCP packet without SYN belongs to a connection that is gone and is
passed over. INFO-EVENTS-LOST says that lines are missing. Sizes are those of a packet: bytes are unknown. Nothing is
translated here and nothing repeated. Times are the machine's local time, without a zone.
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import clocks, devices, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan

NAME = "winfw"
LACKS = "ALLOW, OPEN or DROP line (logging of successful connections)"

NEEDED = ("date", "time", "action", "protocol", "src-ip", "dst-ip", "src-port", "dst-port")
_FIELDS = re.compile(r"^#Fields:[ \t]*(date time action protocol src-ip [^\r\n]*)", re.MULTILINE)
_PATTERNS = ("%Y-%m-%d %H:%M:%S",)


SAMPLE = Sample(
    headers=(
        "#Version: 1.5",
        "#Software: Microsoft Windows Firewall",
        "#Time Format: Local",
        "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn "
        "tcpack tcpwin icmptype icmpcode info path",
    ),
    rows=(
        "$date $clock ALLOW TCP $client 45.60.1.1 $port 443 0 - 0 0 0 - - - SEND",
        "$date $clock DROP TCP $client 45.60.1.3 $port 23 52 S 1 0 64240 - - - SEND",
        "$date $clock CLOSE TCP $client 45.60.1.1 $port 443 - - - - - - - - -",
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """The log by its #Fields line; None for any other content."""
    named = _FIELDS.search(head) if "#Fields:" in head else None
    columns = tuple(named[1].split()) if named else ()
    if not all(name in columns for name in NEEDED):
        return None
    note = "Windows Firewall writes local time without a zone: read as UTC unless a time zone is given"
    return Recognised(format=NAME, kind="conn", columns=columns, note=note)


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a connection that was let through or an attempt that was dropped."""
    place = {name: f"f[{number}]" for number, name in enumerate(form.columns, 1)}
    zone = clocks.clock(form, scan).zone
    source = f"""
        SELECT *, {place["action"]} AS action, nullif({place.get("tcpflags", "NULL")}, '-') AS flags,
            {place["action"]} = 'DROP' AS refused
        FROM (SELECT *, string_split_regex(trim(text), ' +') AS f FROM ({line_sql.lines(paths, scan)}))"""
    raw = {
        "src": place["src-ip"],
        "sport": place["src-port"],
        "dst": place["dst-ip"],
        "dport": place["dst-port"],
        "proto": place["protocol"],
    }
    raw = {name: f"nullif({value}, '-')" for name, value in raw.items()}
    moment = Cell(
        "date and time", f"{place['date']} || ' ' || {place['time']}", lambda text: line_sql.time(text, zone, _PATTERNS)
    )
    passed = (
        "CASE WHEN starts_with(ltrim(text, chr(65279) || ' '), '#') THEN 'header line' "
        "WHEN action = 'CLOSE' THEN 'end of a connection that is counted' "
        "WHEN action = 'INFO-EVENTS-LOST' THEN 'INFO-EVENTS-LOST' "
        "WHEN refused AND flags IS NOT NULL AND NOT contains(flags, 'S') THEN 'packet within a connection' END"
    )
    read = line_sql.checked(
        source,
        devices.cells(raw, moment),
        passed,
        faults=[
            (f"len(f) < {len(form.columns)}", f"'expected {len(form.columns)} fields, found ' || len(f)"),
            ("NOT regexp_matches(action, '^(ALLOW|DROP|OPEN)')", "'action is not ALLOW, DROP, OPEN or CLOSE'"),
        ],
    )
    rows = devices.lean(read, ("refused", "action"))
    return line_sql.canonical(
        "conn",
        rows,
        devices.values(
            False,
            "refused",
            answered="CASE WHEN refused THEN false END",
            lost="coalesce(action = 'INFO-EVENTS-LOST', false)",
        ),
    )
