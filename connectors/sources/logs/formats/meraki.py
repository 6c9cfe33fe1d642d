"""Cisco Meraki MX and MR flow logs: flows, firewall (also vpn_firewall and the like) and ip_flow_start lines.

src began; translated_src_ip and translated_dst_ip are not used: the key is the inside original source. A line of a rule
that says deny, in front (``flows deny``) or in its pattern, is a denied attempt. The appliance may log one connection
as flows, firewall and ip_flow_start: lines of the same ends within 5 seconds count once. ip_flow_end ends what was
counted. No line has bytes: they are unknown. Time is the epoch number of the line, which is UTC. urls lines give
the names behind destinations (kind http). Other lines (events, security_event ...) are passed over by their kind.
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import clocks, devices, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "meraki"
LINE = r"\b[0-9]{10}\.[0-9]+ \S+ (flows|ip_flow_start|ip_flow_end|urls|events|security_event|[a-z0-9_]*firewall) "
LACKS = "flows, firewall or ip_flow_start line (syslog role Flows)"

_URL = r" request: (\S+) (?:[A-Za-z]+://)?(\[[^\]]*\]|[^/:\s]+)"
_ENDS = r" {}=([^ ]+):(\d+) "
_KINDS = "flows|ip_flow_start|ip_flow_end|[a-z0-9_]*firewall"
_SEEN = re.compile(
    rf"^[^{{\n]{{0,120}}?\b\d{{10}}\.\d+ \S+ (?:{_KINDS}|urls) (?:allow |deny )?src=[0-9A-Fa-f.:]+ ", re.MULTILINE
)
_LINE = r"\b(\d{10}\.\d+) \S+ (\w+)(?: (allow|deny))?(?: |$)"
_PAIR = r" {}=([^ ]+)"


SAMPLE = Sample(
    rows=(
        "<134>1 $epoch.0 MX84 flows src=$client dst=45.60.1.1 mac=00:11:22:33:44:55 protocol=tcp "
        "sport=$port dport=443 pattern: allow all",
        "<134>1 $epoch.5 MX84 ip_flow_end src=$client dst=45.60.1.1 protocol=tcp sport=$port dport=443 "
        "translated_src_ip=203.0.113.9 translated_port=$port",
        "<134>1 $epoch.6 MX84 firewall src=$client dst=45.60.1.3 protocol=tcp sport=$port dport=23 pattern: deny all",
        "<134>1 $epoch.7 MX84 urls src=$client:$port dst=45.60.1.1:443 mac=00:11:22:33:44:55 request: "
        "UNKNOWN https://a.example/...",
    ),
)


def recognise(head: str, path: str) -> tuple[Recognised, ...] | None:
    """Lines with Meraki's epoch number and a flow or a request of src= and dst=; None for any other content."""
    if " src=" not in head or not _SEEN.search(head):
        return None
    return Recognised(format=NAME, kind="conn"), Recognised(format=NAME, kind="http")


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a flow that began or was refused."""
    if form.kind == "http":
        return _requests(line_sql.lines(paths, scan))
    head = f"regexp_extract(left(text, 300), {literal(_LINE)}, ['at', 'kind', 'verdict'])"
    keys = {"src": "src", "dst": "dst", "proto": "protocol", "sport": "sport", "dport": "dport"}
    values = ", ".join(
        f"nullif(regexp_extract(text, {literal(_PAIR.format(key))}, 1), '') AS raw_{name}" for name, key in keys.items()
    )
    source = f"""
        SELECT *, h.kind AS kind, regexp_full_match(h.kind, {literal(_KINDS)}) AS flow,
            h.verdict = 'deny' OR regexp_matches(text, ' pattern: ?deny') AS refused
        FROM (SELECT *, {head} AS h, {values} FROM ({line_sql.lines(paths, scan)}))"""
    raw = {name: f"raw_{name}" for name in keys}
    moment = Cell("epoch number", "h.at", clocks.epoch)
    passed = (
        "CASE WHEN kind = '' THEN 'not a line of Meraki' WHEN NOT flow THEN left(kind, 40) "
        "WHEN kind = 'ip_flow_end' THEN 'end of a flow that is counted' END"
    )
    read = line_sql.checked(source, devices.cells(raw, moment), passed)
    rows = devices.once(
        devices.lean(read, ("refused",)),
        ("src", "sport", "dst", "dport", "proto"),
        "refused DESC, started",
        "the same flow, logged again",
        within_s=5,
    )
    return line_sql.canonical(
        "conn", rows, devices.values(False, "refused", answered="CASE WHEN refused THEN false END")
    )


def _requests(source: str) -> str:
    """The http SELECT over the lines of ``source``: one row a request; a name of https is that of its certificate."""
    parts = [
        f"regexp_extract(text, {literal(_ENDS.format(side))}, ['ip', 'port']) AS {side}" for side in ("src", "dst")
    ]
    asked = f"regexp_extract(text, {literal(_URL)}, ['method', 'name']) AS r"
    at = f"regexp_extract(left(text, 300), {literal(_LINE)}, 1) AS moment"
    urls = f"SELECT file, line, n, {at}, {', '.join(parts)}, {asked} FROM ({source}) WHERE contains(text, ' urls src=')"
    cells = {
        "started": Cell("epoch number", "nullif(moment, '')", clocks.epoch),
        "source": Cell("src", "trim(src.ip, '[]')", line_sql.address),
        "target": Cell("dst", "trim(dst.ip, '[]')", line_sql.address),
        "dport": Cell("port of dst", "dst.port", line_sql.port),
    }
    values = {"start": "started", "src_ip": "source", "dst_ip": "target", "dst_port": "dport"}
    method = "CASE WHEN r.method != 'UNKNOWN' THEN r.method END"
    named = values | {"name": "nullif(lower(r.name), '')", "method": method}
    return line_sql.canonical("http", line_sql.checked(urls, cells), named)
