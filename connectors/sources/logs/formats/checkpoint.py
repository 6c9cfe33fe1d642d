"""Check Point's Log Exporter in its syslog form (key:"value"; ...) and its Splunk form (key=value|...).

src began; the addresses before translation are the key, xlatesrc and xlatedst are not used. Drop, Reject and Block are
denied attempts, every other action of the firewall is a connection that was let through. Further records of one loguid
(updates of a long connection, or of its accounting) are the same connection: the last one counts, with its counters.
Byte counters are there only when the rule accounts; else they are unknown. Only records of the firewall itself are
connections: the same connection seen by another blade (URL Filtering, SmartDefense ...) is passed over with its name.
``time`` is when the connection began (epoch seconds, or ISO), else the stamp of the line. Check Point in CEF: cef.
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import clocks, devices, line_sql, pairs
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan

NAME = "checkpoint"
LINE = r'\[ ?\w+:"|\|loguid='
LACKS = "record of the firewall with src and dst (Log Exporter of the blade Firewall)"

NAMES = {
    "src": ("src",),
    "sport": ("s_port", "sport_svc"),
    "dst": ("dst",),
    "dport": ("service", "svc"),
    "proto": ("proto",),
    "sent": ("client_outbound_bytes", "sent_bytes"),
    "received": ("client_inbound_bytes", "received_bytes"),
    "total": ("bytes",),
    "packets_sent": ("client_outbound_packets",),
    "packets_received": ("client_inbound_packets",),
    "span": ("elapsed", "duration"),
    "action": ("action", "Action"),
    "product": ("product", "ProductName"),
    "loguid": ("loguid",),
    "time": ("start_time", "time"),
}
FIREWALLS = ("vpn-1 & firewall-1", "firewall", "vpn-1", "vpn", "")
_SYSLOG = re.compile(r'^[^{\n]{0,200}?\[ ?\w+:"[^\n]*\b(?:loguid|product|ifdir|s_port|origin):"', re.MULTILINE)
_BARS = re.compile(r"^[^{\n]{0,200}?\btime=\d+\|hostname=|^[^{\n]{0,400}?\|loguid=\{", re.MULTILINE)


SAMPLE = Sample(
    rows=(
        '<134>1 ${iso}Z cp CheckPoint 1 - [action:"${action}"; flags:"411908"; ifdir:"outbound"; '
        'ifname:"eth1"; loguid:"{0x$n,0x${log},0x3,0x4}"; origin:"192.0.2.1"; src:"$client"; '
        'dst:"${dst}"; s_port:"$port"; service:"443"; service_id:"https"; proto:"6"; '
        'product:"${product}"; xlatesrc:"203.0.113.9"; time:"$epoch"]',
    ),
    turns=(
        {"action": "Accept", "log": "1", "dst": "45.60.1.1", "product": "VPN-1 & FireWall-1"},
        {"action": "Drop", "log": "2", "dst": "45.60.1.3", "product": "VPN-1 & FireWall-1"},
        {"action": "Detect", "log": "3", "dst": "45.60.1.1", "product": "SmartDefense"},
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """Records of the Log Exporter; None for any other content, its CEF and LEEF forms included."""
    style = "quoted" if ':"' in head and _SYSLOG.search(head) else ""
    if not style and "|" in head and "CEF:" not in head and "LEEF:" not in head and _BARS.search(head):
        style = "bars"
    if not style:
        return None
    return Recognised(format=NAME, kind="conn", options=(("style", style), *clocks.written(head, path)))


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a connection or refused attempt of the firewall."""
    bars = dict(form.options).get("style") == "bars"
    style: pairs.Style = "leef" if bars else "quoted"
    body = f"replace({pairs.behind_frame()}, '|', chr(9))" if bars else "text[strpos(text, '[') + 1:]"
    source = pairs.taken(line_sql.lines(paths, scan), body, pairs.keys_of(NAMES), style)
    raw = pairs.raw(NAMES)
    words = {
        "action": f"lower({raw['action']})",
        "product": f"lower({raw['product']})",
        "stamp": f"CASE WHEN {raw['time']} IS NULL THEN {clocks.frame()} END",
        "uid": f"CASE WHEN {raw['loguid']} NOT IN ('', '{{0x0,0x0,0x0,0x0}}') THEN {raw['loguid']} END",
    }
    named = ", ".join(f"{value} AS {name}" for name, value in words.items())
    firewalls = ", ".join(f"'{name}'" for name in FIREWALLS)
    passed = (
        f"CASE WHEN action IS NULL THEN 'not a record of Check Point' WHEN coalesce(product, '') NOT IN ({firewalls}) "
        "THEN 'product ' || left(product, 40) WHEN "
        f"{raw['src']} IS NULL AND {raw['dst']} IS NULL THEN 'record without addresses' END"
    )
    device = clocks.clock(form, scan)
    moment = Cell(
        "time",
        f"coalesce({raw['time']}, stamp)",
        lambda text: (
            f"CASE WHEN {raw['time']} IS NULL THEN {clocks.moment('stamp', device)} "
            f"WHEN regexp_full_match({text}, '[0-9]+') THEN {clocks.epoch(text)} "
            f"ELSE {clocks.dated(text, device.zone)} END"
        ),
    )
    read = line_sql.checked(f"SELECT *, {named} FROM ({source})", devices.cells(raw, moment), passed)
    rows = devices.last_only(
        devices.lean(read, ("action", "uid")),
        ("uid", "src", "dst", "dport"),
        "uid IS NOT NULL",
        "record of a session that a later record counts",
    )
    denied = "regexp_matches(action, '^(drop|reject|block|deny)')"
    return line_sql.canonical("conn", rows, devices.values(False, denied))
