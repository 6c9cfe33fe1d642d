"""PAN-OS TRAFFIC logs: the CSV export with its header, and the syslog rows without one (layout of PAN-OS 8 to 11).

A session is counted from its ``end`` row, Repeat Count times; its ``start`` row is passed over. ``drop`` and ``deny``
rows, and rows whose action refused the session, are denied attempts. Byte counters of PAN-OS include 14 bytes of
Ethernet header a packet (a 98-byte ping carries 84 bytes of IP), which ``orig_bytes`` leaves out. Source of the layout:
the vendor's page on TRAFFIC log fields.
"""

import re
from collections.abc import Mapping, Sequence

from connectors.sources.logs import line_sql, timestamps
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "panos"
LINE = r",[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2},[^,]*,[A-Z]+,"
LACKS = "TRAFFIC row of a session's end (log forwarding of traffic at session end)"

# Field -> (position in a row without header, the names a header gives it in lower case).
FIELDS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "type": (3, ("type",)),
    "subtype": (4, ("threat/content type", "subtype", "log subtype")),
    "src": (7, ("source address", "src", "source_ip")),
    "dst": (8, ("destination address", "dst", "dest_ip")),
    "app": (14, ("application", "app")),
    "repeat": (23, ("repeat count", "repeatcnt")),
    "sport": (24, ("source port", "sport")),
    "dport": (25, ("destination port", "dport")),
    "proto": (29, ("ip protocol", "protocol", "proto")),
    "action": (30, ("action",)),
    "sent": (32, ("bytes sent", "bytes_sent")),
    "received": (33, ("bytes received", "bytes_received")),
    "start": (35, ("start time", "start")),
    "elapsed": (36, ("elapsed time (sec)", "elapsed")),
    "packets_sent": (44, ("pkts_sent", "packets sent")),
    "packets_received": (45, ("pkts_received", "packets received")),
}
NEEDED = ("subtype", "src", "dst", "dport", "start")

_TYPES = ("TRAFFIC", "THREAT", "SYSTEM", "CONFIG", "USERID", "HIPMATCH", "GLOBALPROTECT", "URL", "DECRYPTION")
# Any log of the device: its TRAFFIC rows may come later than the first part of a file.
_SYSLOG_ROW = re.compile(rf"^[^,{{\n]*,\d{{4}}/\d\d/\d\d \d\d:\d\d:\d\d,[^,\n]*,({'|'.join(_TYPES)}),", re.MULTILINE)
# The stamp with an offset that PAN-OS 10 and later give in a row (high resolution); the frame's own stands before a
# comma and is the relay's.
_HIGH_RESOLUTION = ',"?[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.0-9]*(Z|[+-][0-9]{2}:?[0-9]{2})"?(,|$)'
_NO_SERVICE = "('incomplete', 'insufficient-data', 'not-applicable', 'unknown-tcp', 'unknown-udp', 'unknown-p2p')"
_ETHERNET = 14
_ZONE_NOTE = "PAN-OS stamps without an offset are read as UTC unless a time zone is given"


SAMPLE = Sample(
    rows=(
        "<14>$bsd $clock fw 1,$slashed $clock,0123,TRAFFIC,${kind},2562,$slashed $clock,$client,${dst},"
        "0.0.0.0,0.0.0.0,${rule},,,ssl,vsys1,trust,untrust,e1,e2,fwd,$slashed $clock,$n,1,$port,443,0,"
        "0,0x41,tcp,${action},2150,858,1292,12,$slashed $clock,20,any,,7,0x8,US,US,,7,5,tcp-fin,14,0,0,"
        "0,,fw",
    ),
    turns=(
        {"kind": "end", "dst": "45.60.1.1", "rule": '"out, any"', "action": "allow"},
        {"kind": "start", "dst": "45.60.1.1", "rule": "out-any", "action": "allow"},
        {"kind": "end", "dst": "45.60.1.2", "rule": "out-any", "action": "allow"},
        {"kind": "deny", "dst": "45.60.1.3", "rule": "out-any", "action": "deny"},
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """The TRAFFIC export by its header, or a syslog row by its fourth field; None for any other content."""
    columns = line_sql.header(head)
    positions = _positions(columns)
    if all(name in positions for name in NEEDED) and len(columns) > len(NEEDED):
        return Recognised(format=NAME, kind="conn", columns=columns, note=_ZONE_NOTE)
    if any(f",{word}," in head for word in _TYPES) and _SYSLOG_ROW.search(head):
        return Recognised(format=NAME, kind="conn", note=f"no header, layout of PAN-OS 8 to 11 assumed. {_ZONE_NOTE}")
    return None


def assumed(head: str) -> tuple[Recognised, ...]:
    """Rows without a header in the layout of PAN-OS 8 to 11."""
    return (Recognised(format=NAME, kind="conn", note=_ZONE_NOTE),)


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row per ``end``, ``drop`` or ``deny`` row."""
    positions = _positions(form.columns) if form.columns else {name: place for name, (place, _) in FIELDS.items()}
    raw = {name: f"f[{positions[name] + 1}]" if name in positions else "NULL::VARCHAR" for name in FIELDS}
    source = line_sql.csv_rows(paths, scan, form.columns)
    subtype = f"lower({raw['subtype']})"
    passed = (
        f"CASE WHEN {raw['type']} IS NOT NULL AND {raw['type']} != 'TRAFFIC' THEN 'not a TRAFFIC row' "
        f"WHEN {subtype} = 'start' THEN 'start of a session that its end row counts' END"
    )
    own_zone = f"regexp_extract(text, {literal(_HIGH_RESOLUTION)}, 1) AS own_zone"
    words = f"lower({raw['subtype']}) AS subtype, lower({raw['action']}) AS action, lower({raw['app']}) AS app"
    rows = line_sql.checked(
        f"SELECT *, {own_zone}, {words} FROM ({source})",
        _cells(raw, _zone(form, scan)),
        passed,
        faults=[
            ("f IS NULL", "'a quote is left open'"),
            ("subtype IS NULL OR subtype NOT IN ('end', 'drop', 'deny')", "'subtype is not start, end, drop or deny'"),
        ],
    )
    return line_sql.canonical("conn", rows, _values())


def _positions(columns: Sequence[str]) -> dict[str, int]:
    names = [column.strip().lower() for column in columns]
    found = {
        field: next((names.index(name) for name in known if name in names), -1) for field, (_, known) in FIELDS.items()
    }
    return {field: place for field, place in found.items() if place >= 0}


def _zone(form: Recognised, scan: Scan) -> str:
    return dict(form.options).get("time_zone", scan.time_zone)


def _cells(raw: Mapping[str, str], zone: str) -> dict[str, Cell]:
    def read_time(text: str) -> str:
        return timestamps.zoned(f"try_strptime({text}, ['%Y/%m/%d %H:%M:%S'])", "own_zone", zone)

    return {
        "started": Cell("Start Time", raw["start"], read_time),
        "src": Cell("Source Address", raw["src"], line_sql.address),
        "dst": Cell("Destination Address", raw["dst"], line_sql.address),
        "dport": Cell("Destination Port", raw["dport"], line_sql.port),
        "sport": Cell("Source Port", raw["sport"], line_sql.port, required=False),
        "repeated": Cell("Repeat Count", raw["repeat"], line_sql.count, required=False),
        "sent": Cell("Bytes Sent", raw["sent"], line_sql.count, required=False),
        "received": Cell("Bytes Received", raw["received"], line_sql.count, required=False),
        "packets_sent": Cell("pkts_sent", raw["packets_sent"], line_sql.count, required=False),
        "packets_received": Cell("pkts_received", raw["packets_received"], line_sql.count, required=False),
        "elapsed": Cell("Elapsed Time", raw["elapsed"], line_sql.count, required=False),
        "proto": Cell("IP Protocol", raw["proto"], line_sql.protocol, required=False),
    }


def _values() -> dict[str, str]:
    answered = (
        "CASE WHEN app = 'incomplete' THEN false WHEN app IN ('insufficient-data', 'not-applicable') THEN NULL "
        "ELSE coalesce(packets_received, received) > 0 END"
    )
    return {
        "start": "started",
        "src_ip": "src",
        "src_port": "sport",
        "dst_ip": "dst",
        "dst_port": "dport",
        "proto": "proto",
        "conns": "greatest(coalesce(repeated, 1), 1)",
        "bytes_sent": "sent",
        "bytes_rcvd": "received",
        "bytes_total": "sent + received",
        "orig_bytes": f"CASE WHEN coalesce(repeated, 1) <= 1 THEN greatest(sent - {_ETHERNET} * packets_sent, 0) END",
        "sent_packets": "packets_sent",
        "rcvd_packets": "packets_received",
        "service": f"CASE WHEN app IS NULL OR app IN {_NO_SERVICE} THEN '' ELSE regexp_replace(app, '-base$', '') END",
        "duration": "elapsed",
        "answered": answered,
        "denied": "subtype IN ('drop', 'deny') OR coalesce(regexp_matches(action, '^(drop|deny|reset)'), false)",
    }
