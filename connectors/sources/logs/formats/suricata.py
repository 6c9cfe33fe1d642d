"""Suricata EVE JSON: flow, dns (versions 1 to 3), tls and http events of one file, each as its own kind.

netflow events (one a direction) are read in a file that has no flow events. A TCP session that a time-out cut into
several flows is one connection (connectors/sources/logs/directions.py): only its first flow saw a SYN. A stats event
that counts dropped packets makes the log incomplete.

Byte counts of a flow include 14 bytes of Ethernet header a packet, which ``orig_bytes`` leaves out. The file's four
kinds are always offered, because its beginning does not tell what it holds: a kind without rows was not logged. Lines
that are no JSON are named once, with the flows.
"""

import re
from collections.abc import Mapping, Sequence

from connectors.sources.logs import directions, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Kind, Recognised, Sample, Scan, literal

NAME = "suricata"
LACKS = "flow or netflow event (eve-log, types: flow)"

_EVENT = re.compile(
    r'^[ \t]*\{(?=.*"timestamp"\s*:)(?=.*"event_type"\s*:\s*"\w+").*"(src_ip|flow_id|stats)"\s*:', re.MULTILINE
)
_EVENT_OF_KIND: Mapping[Kind, str] = {"conn": "flow", "dns": "dns", "tls": "tls", "http": "http"}
_ETHERNET = 14
_DROPPED = "stats: the kernel dropped packets"
_PORTLESS = "upper(e.proto) NOT IN ('TCP', 'UDP', 'SCTP')"
# Netflow's two directions are logged together; the longest default time-out of an established flow.
_SLICES = directions.Slices(gap=5, longest=3600)

_ENDS = (
    '"timestamp":"VARCHAR","event_type":"VARCHAR","src_ip":"VARCHAR","src_port":"VARCHAR","dest_ip":"VARCHAR",'
    '"dest_port":"VARCHAR","proto":"VARCHAR"'
)
_RECORD = '{"rrname":"VARCHAR","rdata":"VARCHAR"}'
_BODY: Mapping[Kind, str] = {
    "conn": '"app_proto":"VARCHAR","flow":{"start":"VARCHAR","end":"VARCHAR","state":"VARCHAR","action":"VARCHAR",'
    '"pkts_toserver":"VARCHAR","pkts_toclient":"VARCHAR","bytes_toserver":"VARCHAR","bytes_toclient":"VARCHAR"},'
    '"netflow":{"start":"VARCHAR","end":"VARCHAR","pkts":"VARCHAR","bytes":"VARCHAR"},'
    '"tcp":{"tcp_flags":"VARCHAR","tcp_flags_ts":"VARCHAR","tcp_flags_tc":"VARCHAR","syn":"BOOLEAN"},'
    '"stats":{"capture":{"kernel_drops":"VARCHAR"}}',
    "dns": f'"dns":{{"type":"VARCHAR","rrname":"VARCHAR","rcode":"VARCHAR","rdata":"VARCHAR","queries":[{_RECORD}],'
    f'"answers":[{_RECORD}]}}',
    "tls": '"tls":{"sni":"VARCHAR"}',
    "http": '"http":{"hostname":"VARCHAR","http_method":"VARCHAR"}',
}


SAMPLE = Sample(
    rows=(
        '{"timestamp": "${iso}.500000+0000", "flow_id": $n, "event_type": "flow", "src_ip": "$client", '
        '"src_port": $port, "dest_ip": "45.60.1.1", "dest_port": 443, "proto": "TCP", "app_proto": '
        '"tls", "flow": {"pkts_toserver": 6, "pkts_toclient": 5, "bytes_toserver": 444, '
        '"bytes_toclient": 570, "start": "${iso}.100000+0000", "end": "${iso}.400000+0000", "age": 0, '
        '"state": "closed", "reason": "timeout", "alerted": false}, "tcp": {"tcp_flags": "1b", '
        '"tcp_flags_ts": "1b", "tcp_flags_tc": "1b", "syn": true, "fin": true, "psh": true, "ack": '
        'true, "state": "closed"}}',
        '{"timestamp": "${iso}.200000+0000", "flow_id": $n, "event_type": "tls", "src_ip": "$client", '
        '"src_port": $port, "dest_ip": "45.60.1.1", "dest_port": 443, "proto": "TCP", "tls": {"sni": '
        '"a.example", "version": "TLS 1.3"}}',
        '{"timestamp": "${iso}.300000+0000", "flow_id": $n, "event_type": "alert", "src_ip": "$client",'
        ' "src_port": $port, "dest_ip": "45.60.1.1", "dest_port": 443, "proto": "TCP", "alert": '
        '{"action": "allowed", "gid": 1, "signature_id": 1, "rev": 1, "signature": "x", "category": "",'
        ' "severity": 3}}',
    ),
)


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
    if kind == "conn":
        return _flow(source, _with_flows(line_sql.lines(paths, scan.model_copy(update={"rejects": ""}))), paths)
    build = {"dns": _dns, "tls": _named, "http": _named}[kind]
    return build(f"SELECT * FROM ({source}) WHERE e.event_type = {event}", kind)


def assumed(head: str) -> tuple[Recognised, ...]:
    """What every EVE file may hold."""
    return tuple(Recognised(format=NAME, kind=kind) for kind in _EVENT_OF_KIND)


def _with_flows(rows: str) -> str:
    """SELECT of the files that have flow events."""
    return f"""SELECT file FROM ({rows}) GROUP BY file HAVING bool_or(
        contains(text, '"event_type":"flow"') OR contains(text, '"event_type": "flow"'))"""


def _flow(events: str, with_flows: str, paths: Sequence[str]) -> str:
    def either(flow: str, netflow: str) -> str:
        return f"coalesce(e.flow.{flow}, e.netflow.{netflow})"

    def optional(name: str, raw: str) -> Cell:
        return Cell(name, raw, line_sql.count, required=False)

    cells = {
        "started": Cell("flow.start", either("start", "start"), line_sql.offset_time),
        "until": Cell("flow.end", either('"end"', '"end"'), line_sql.offset_time, required=False),
        **_ends(),
        "sent": optional("bytes_toserver", either("bytes_toserver", "bytes")),
        "received": optional("bytes_toclient", "e.flow.bytes_toclient"),
        "packets_sent": optional("pkts_toserver", either("pkts_toserver", "pkts")),
        "packets_received": optional("pkts_toclient", "e.flow.pkts_toclient"),
    }
    kind = "coalesce(e.event_type, '')"
    passed = f"""CASE WHEN e IS NULL OR e.event_type IS NULL THEN NULL
        WHEN {kind} = 'netflow' AND file IN ({with_flows}) THEN 'netflow event beside flow events'
        WHEN try_cast(e.stats.capture.kernel_drops AS DOUBLE) > 0 THEN {literal(_DROPPED)}
        WHEN {kind} NOT IN ('flow', 'netflow') THEN 'event of the type ' || left({kind}, 40) END"""
    rows = line_sql.checked(
        events,
        cells,
        passed,
        faults=[
            ("e IS NULL", "'not JSON: ' || left(text, 60)"),
            ("e.event_type IS NULL", "'not an EVE event: ' || left(text, 60)"),
        ],
    )
    flags = "coalesce(try_cast('0x' || e.tcp.tcp_flags_tc AS INTEGER), 0)"
    own_flags = "try_cast('0x' || coalesce(e.tcp.tcp_flags_ts, e.tcp.tcp_flags) AS INTEGER)"
    app = "lower(coalesce(e.app_proto, ''))"
    slices = f"""
        SELECT *, greatest(coalesce(until, started), started) AS ended, {flags} & 4 = 4
              AND {flags} & 2 = 0 AS refused,
            CASE WHEN {app} IN ('failed', 'unknown') THEN '' ELSE {app} END AS app,
            coalesce(e.tcp.syn, {own_flags} & 2 = 2) AS has_syn, e.event_type = 'netflow' AS one_way,
            CASE WHEN e.flow.state IS NOT NULL THEN e.flow.state != 'new' AND packets_received > 0 END AS heard,
            coalesce(e.flow.action = 'drop', false) AS dropped
        FROM ({rows})"""
    return line_sql.canonical("conn", _sessions(slices, paths), _flow_values())


def _sessions(slices: str, paths: Sequence[str]) -> str:
    """The flows of a session as one row; ``one_way`` rows are joined with those of the other direction."""
    sums = {
        "sent": "sent",
        "received": "received",
        "p_sent": "packets_sent",
        "p_received": "packets_received",
        "one_way": "CASE WHEN one_way THEN 1 END",
        "heard": "CASE WHEN heard AND NOT refused THEN 1 END",
        "silent": "CASE WHEN NOT heard OR refused THEN 1 END",
    }
    began = directions.first_by("started", "one_way AND sport < dport")
    return directions.sessions(
        f"SELECT * REPLACE (coalesce(sport, 0) AS sport, coalesce(proto, '') AS proto) FROM ({slices})",
        _SLICES,
        began,
        sums,
        together="concat_ws(' ', CASE WHEN one_way THEN '' WHEN proto = 'tcp' THEN 'flow' "
        "ELSE concat_ws(' ', 'flow', file, n) END, dropped)",
        syn="has_syn",
        first=("app",),
        paths=paths,
    )


def _flow_values() -> dict[str, str]:
    def total(own: str, other: str) -> str:
        return f"CASE WHEN coalesce({own}, {other}) IS NOT NULL THEN coalesce({own}, 0) + coalesce({other}, 0) END"

    sent, received = total("sent_sent", "received_back"), total("received_sent", "sent_back")
    packets = total("p_sent_sent", "p_received_back")
    return {
        **directions.ENDS,
        "src_port": "nullif(sport, 0)",
        "bytes_sent": sent,
        "bytes_rcvd": received,
        "bytes_total": f"({sent}) + ({received})",
        "orig_bytes": f"CASE WHEN coalesce(one_way_sent, one_way_back) IS NULL THEN greatest(({sent}) - {_ETHERNET} * "
        f"({packets}), 0) ELSE {sent} END",
        "sent_packets": packets,
        "rcvd_packets": total("p_received_sent", "p_sent_back"),
        "service": "app",
        "answered": "CASE WHEN coalesce(heard_sent, heard_back) IS NOT NULL OR one_way_sent > 0 AND one_way_back > 0 "
        "THEN true WHEN coalesce(silent_sent, silent_back) IS NOT NULL THEN false END",
        "denied": "ends_with(together, 'true')",
        "lost": f"coalesce(passed = {literal(_DROPPED)}, false)",
    }


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
            **({"method": "e.http.http_method"} if kind == "http" else {}),
        },
    )


def _domain(raw: str) -> str:
    return f"rtrim(lower({raw}), '.')"


def _ends() -> dict[str, Cell]:
    return {
        "src": Cell("src_ip", "e.src_ip", line_sql.address),
        "sport": Cell("src_port", "e.src_port", line_sql.port, required=False),
        "dst": Cell("dest_ip", "e.dest_ip", line_sql.address),
        # ICMP, OSPF, GRE and their like have no ports.
        "dport": Cell("dest_port", f"coalesce(e.dest_port, CASE WHEN {_PORTLESS} THEN '0' END)", line_sql.port),
        "proto": Cell("proto", "e.proto", line_sql.protocol, required=False),
    }
