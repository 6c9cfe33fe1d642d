"""Suricata EVE JSON: flow, dns (versions 1 to 3), tls and http events of one file, each as its own kind.

Byte counts of a flow include 14 bytes of Ethernet header a packet, which ``orig_bytes`` leaves out. The file's four
kinds are always offered, because its beginning does not tell what it holds: a kind without rows was not logged. Lines
that are no JSON are named once, with the flows.
"""

import re
from collections.abc import Mapping, Sequence

from connectors.sources.logs import line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Kind, Recognised, Scan, literal

NAME = "suricata"

_EVENT = re.compile(
    r'^[ \t]*\{(?=.*"timestamp"\s*:)(?=.*"event_type"\s*:\s*"\w+").*"(src_ip|flow_id|stats)"\s*:', re.MULTILINE
)
_EVENT_OF_KIND: Mapping[Kind, str] = {"conn": "flow", "dns": "dns", "tls": "tls", "http": "http"}
_ETHERNET = 14

_ENDS = (
    '"timestamp":"VARCHAR","event_type":"VARCHAR","src_ip":"VARCHAR","src_port":"VARCHAR","dest_ip":"VARCHAR",'
    '"dest_port":"VARCHAR","proto":"VARCHAR"'
)
_RECORD = '{"rrname":"VARCHAR","rdata":"VARCHAR"}'
_BODY: Mapping[Kind, str] = {
    "conn": '"app_proto":"VARCHAR","flow":{"start":"VARCHAR","end":"VARCHAR","state":"VARCHAR","action":"VARCHAR",'
    '"pkts_toserver":"VARCHAR","pkts_toclient":"VARCHAR","bytes_toserver":"VARCHAR","bytes_toclient":"VARCHAR"},'
    '"tcp":{"tcp_flags_tc":"VARCHAR"}',
    "dns": f'"dns":{{"type":"VARCHAR","rrname":"VARCHAR","rcode":"VARCHAR","rdata":"VARCHAR","queries":[{_RECORD}],'
    f'"answers":[{_RECORD}]}}',
    "tls": '"tls":{"sni":"VARCHAR"}',
    "http": '"http":{"hostname":"VARCHAR"}',
}


def recognise(head: str, path: str) -> tuple[Recognised, ...] | None:
    """EVE by its timestamp and event_type keys; None for any other content."""
    if '"event_type"' not in head or not _EVENT.search(head):
        return None
    return tuple(Recognised(format=NAME, kind=kind) for kind in _EVENT_OF_KIND)


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The SELECT of one kind: one row per event; a DNS question and its answer are two rows."""
    kind = form.kind
    event = literal(_EVENT_OF_KIND[kind])
    parsed = f"CASE WHEN json_valid(text) THEN from_json(text, {literal(f'{{{_ENDS},{_BODY[kind]}}}')}) END"
    source = f"SELECT file, line, n, text, {parsed} AS e FROM ({line_sql.lines(paths, scan)})"
    wanted = f"e.event_type = {event}" + (" OR e.event_type IS NULL" if kind == "conn" else "")
    build = {"conn": _flow, "dns": _dns, "tls": _named, "http": _named}[kind]
    return build(f"SELECT * FROM ({source}) WHERE {wanted}", kind)


def _flow(events: str, kind: Kind) -> str:
    def optional(name: str) -> Cell:
        return Cell(name, f"e.flow.{name}", line_sql.count, required=False)

    cells = {
        "started": Cell("flow.start", "e.flow.start", line_sql.offset_time),
        "ended": Cell("flow.end", 'e.flow."end"', line_sql.offset_time, required=False),
        **_ends(),
        "sent": optional("bytes_toserver"),
        "received": optional("bytes_toclient"),
        "packets_sent": optional("pkts_toserver"),
        "packets_received": optional("pkts_toclient"),
    }
    rows = line_sql.checked(
        events,
        cells,
        faults=[
            ("e IS NULL", "'not JSON: ' || left(text, 60)"),
            ("e.event_type IS NULL", "'not an EVE event: ' || left(text, 60)"),
        ],
    )
    flags = "coalesce(try_cast('0x' || e.tcp.tcp_flags_tc AS INTEGER), 0)"
    refused = f"{flags} & 4 = 4 AND {flags} & 2 = 0"
    service = "lower(coalesce(e.app_proto, ''))"
    return line_sql.canonical(
        kind,
        rows,
        {
            "start": "started",
            "src_ip": "src",
            "src_port": "sport",
            "dst_ip": "dst",
            "dst_port": "dport",
            "proto": "proto",
            "bytes_sent": "sent",
            "bytes_rcvd": "received",
            "bytes_total": "sent + received",
            "orig_bytes": f"greatest(sent - {_ETHERNET} * packets_sent, 0)",
            "sent_packets": "packets_sent",
            "rcvd_packets": "packets_received",
            "service": f"CASE WHEN {service} IN ('failed', 'unknown') THEN '' ELSE {service} END",
            "duration": "ended - started",
            "answered": f"e.flow.state != 'new' AND packets_received > 0 AND NOT ({refused})",
            "denied": "coalesce(e.flow.action = 'drop', false)",
        },
    )


def _dns(events: str, kind: Kind) -> str:
    # Older versions write the answer with the server as its source.
    from_server = "e.src_port = '53' AND e.dest_port != '53'"
    cells = {
        "seen": Cell("timestamp", "e.timestamp", line_sql.offset_time),
        "src": Cell("src_ip", f"CASE WHEN {from_server} THEN e.dest_ip ELSE e.src_ip END", line_sql.address),
        "srv": Cell("dest_ip", f"CASE WHEN {from_server} THEN e.src_ip ELSE e.dest_ip END", line_sql.address),
        "question": Cell("dns.rrname", "coalesce(e.dns.rrname, e.dns.queries[1].rrname)", _domain),
    }
    rows = line_sql.checked(events, cells)
    given = "list_filter([a.rdata FOR a IN coalesce(e.dns.answers, [])] || [e.dns.rdata], lambda x: x IS NOT NULL)"
    return line_sql.canonical(
        kind,
        rows,
        {
            "start": "seen",
            "src_ip": "src",
            "query": "question",
            "failed": "CASE WHEN e.dns.type IN ('answer', 'response') THEN e.dns.rcode = 'NXDOMAIN' END",
            "answers": given,
            "server": "srv",
        },
    )


def _named(events: str, kind: Kind) -> str:
    cells = {"seen": Cell("timestamp", "e.timestamp", line_sql.offset_time), **_ends()}
    name = "e.tls.sni" if kind == "tls" else "e.http.hostname"
    return line_sql.canonical(
        kind,
        line_sql.checked(events, cells),
        {
            "start": "seen",
            "src_ip": "src",
            "dst_ip": "dst",
            "dst_port": "dport",
            "name": f"nullif({_domain(name)}, '')",
        },
    )


def _domain(raw: str) -> str:
    return f"rtrim(lower({raw}), '.')"


def _ends() -> dict[str, Cell]:
    return {
        "src": Cell("src_ip", "e.src_ip", line_sql.address),
        "sport": Cell("src_port", "e.src_port", line_sql.port, required=False),
        "dst": Cell("dest_ip", "e.dest_ip", line_sql.address),
        # ICMP events have no ports.
        "dport": Cell(
            "dest_port", "coalesce(e.dest_port, CASE WHEN e.proto ILIKE '%icmp%' THEN '0' END)", line_sql.port
        ),
        "proto": Cell("proto", "e.proto", line_sql.protocol, required=False),
    }
