"""Documents of the Elastic Common Schema about connections, as Elastic Agent, Beats and Security Onion store them.

Read are Zeek (``zeek.connection``, Security Onion's ``conn``), Suricata flows, Packetbeat, and any other dataset whose
document names source.ip, destination.ip and destination.port and is about a connection; and beside them DNS, TLS and
HTTP documents. Both spellings, nested objects and flat keys.

- Direction: source is who opened the connection, as the sensor saw it.
- NAT: source.ip and destination.ip are the addresses that the sensor saw; ``*.nat.ip`` is left aside.
- Denied: event.type holds ``denied``, or the action is a drop, deny, block or reject.
- Repeats: documents of one Zeek uid or Packetbeat flow id are reports of one connection: the last one counts. The
  start of a connection that a firewall logs twice (``flow-creation``, ``flow_started``) is passed over. A Zeek TCP row
  whose history has no SYN continues the session of its 5-tuple.
- Bytes: source.bytes and destination.bytes (Security Onion: client.ip_bytes and server.ip_bytes); absent is unknown.
  Suricata's include 14 bytes of Ethernet header a packet, which ``orig_bytes`` leaves out.
- Datasets with a record for each direction (AWS and GCP flow logs, NetFlow) are no connections in this form: they are
  passed over, and their own format is read.
"""

from collections.abc import Sequence

from connectors.sources.logs import json_paths, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Kind, Recognised, Sample, Scan, literal
from playbook.detections.languages._answered import ANSWERED, UNANSWERED

NAME = "ecs"

_ETHERNET = 14
_ONE_WAY = r"(^|[._])(vpcflow|vpc_flow|netflow|ipfix|sflow|flowlogs|flow_logs)([._]|$)"
_BEGINNINGS = ("flow-creation", "flow_creation", "flow_started", "flow-started", "connection-started")
_REFUSALS = "deny|denied|drop|dropped|block|blocked|reject|rejected|flow_denied|flow_dropped"
_FIELDS: dict[str, json_paths.Paths] = {
    "stamp": "@timestamp",
    "begun": "event.start",
    "ended": "event.end",
    "lasting": "event.duration",
    "dataset": ("event.dataset", "data_stream.dataset", "fileset.name"),
    "module": ("event.module", "type"),
    "category": "event.category",
    "eventtype": "event.type",
    "eventkind": "event.kind",
    "action": ("suricata.eve.flow.action", "event.action"),
    "eve": ("suricata.eve.event_type", "event_type"),
    "source": ("source.ip", "client.ip", "source.address"),
    "sourceport": ("source.port", "client.port"),
    "target": ("destination.ip", "server.ip", "destination.address"),
    "targetport": ("destination.port", "server.port"),
    "transport": ("network.transport", "network.iana_number"),
    "spoken": "network.protocol",
    "bytesout": ("client.ip_bytes", "source.bytes", "client.bytes"),
    "bytesin": ("server.ip_bytes", "destination.bytes", "server.bytes"),
    "packetsout": ("source.packets", "client.packets"),
    "packetsin": ("destination.packets", "server.packets"),
    "state": ("zeek.connection.state", "connection.state"),
    "ownstate": "connection.state",
    "history": ("zeek.connection.history", "connection.history"),
    "uid": ("zeek.session_id", "log.id.uid", "flow.id", "zeek.uid"),
    "process": "process.name",
}
_NAMES: dict[str, json_paths.Paths] = {
    "question": ("dns.question.name", "dns.query.name", "suricata.eve.dns.rrname", "zeek.dns.query"),
    "rcode": ("dns.response_code", "dns.response.code_name", "suricata.eve.dns.rcode", "zeek.dns.rcode_name"),
    "answers": ("dns.resolved_ip", "dns.answers", "dns.answers.name", "zeek.dns.answers"),
    "sni": ("tls.client.server_name", "ssl.server_name", "tls.server_name", "zeek.ssl.server.name"),
    "site": ("url.domain", "http.virtual_host", "destination.domain"),
}
_DATASETS: dict[Kind, str] = {"dns": "dns", "tls": "ssl|tls", "http": "http"}


SAMPLE = Sample(
    rows=(
        '{"@timestamp": "${iso}.500Z", "agent": {"type": "filebeat", "version": "8.17.0", "name": '
        '"sensor"}, "ecs": {"version": "8.11.0"}, "event": {"dataset": "zeek.${sent_to}", "module": '
        '"zeek", "kind": "event", "category": ["network"], "duration": 1500000000}, "source": {"ip": '
        '"$client", "port": $port, "bytes": 360, "packets": 6, "address": "$client"}, "destination": '
        '{"ip": "45.60.1.1", "port": 443, "bytes": 500, "packets": 5, "address": "45.60.1.1"}, '
        '"network": {"transport": "tcp", "protocol": "ssl", "bytes": 860, "packets": 11, "direction": '
        '"outbound"}, ${about}}',
    ),
    turns=(
        {
            "sent_to": "connection",
            "about": '"zeek": {"session_id": "C$n", "connection": {"state": "SF", "history": "ShADadFf", '
            '"missed_bytes": 0, "local_orig": true}}',
        },
        {
            "sent_to": "ssl",
            "about": '"zeek": {"session_id": "C$n", "ssl": {"server": {"name": "a.example"}, "established": true}}',
        },
    ),
)


def recognise(head: str, path: str) -> tuple[Recognised, ...] | None:
    """Documents with @timestamp, source and destination that are no Windows event; None for any other content."""
    if '"@timestamp"' not in head or "destination" not in head:
        return None
    for one in json_paths.objects(head):
        known = all(json_paths.at(one, path) is not None for path in ("@timestamp", "source.ip", "destination.ip"))
        told = json_paths.at(one, ("event.dataset", "event.module", "event.category", "network.transport", "type"))
        if known and told is not None and json_paths.at(one, ("winlog.event_id", "winlog.channel")) is None:
            return tuple(Recognised(format=NAME, kind=kind) for kind in ("conn", *_DATASETS))
    return None


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The SELECT of one kind: one row per connection, or per document about a name."""
    return _connections(paths, scan) if form.kind == "conn" else _named(form.kind, paths, scan)


def _topic() -> str:
    """What a document is about: its dataset, or the type of a Suricata event."""
    return "lower(coalesce(CASE WHEN dataset ILIKE '%suricata%' OR dataset IS NULL THEN eve END, dataset, module, ''))"


def _connections(paths: Sequence[str], scan: Scan) -> str:
    known = f"SELECT *, {_topic()} AS topic FROM ({json_paths.records(paths, scan, _FIELDS)})"
    # Only documents with one uid more than once are ordered: a window over all would cost more than the reading.
    last = (
        "SELECT *, CASE WHEN uid IS NOT NULL AND topic SIMILAR TO '(zeek\\.)?conn(ection)?|(.*\\.)?flow' THEN "
        f"lead(1) OVER (PARTITION BY coalesce(uid, n::VARCHAR), file ORDER BY n) END AS later FROM ({known})"
    )
    other = "regexp_matches(topic, '(^|[.])(dns|ssl|tls|http|fileinfo|files|x509|alert|notice|weird|dhcp|stats)$')"
    passed = f"""CASE WHEN NOT is_json THEN NULL
        WHEN regexp_matches(topic, {literal(_ONE_WAY)}) THEN 'one direction a document: ' || topic
        WHEN eventkind = 'alert' OR {other} THEN 'no connection: ' || topic
        WHEN action IN ({", ".join(map(literal, _BEGINNINGS))}) THEN 'the beginning of a connection: its end is read'
        WHEN source IS NULL AND target IS NULL THEN 'no connection: ' || topic
        WHEN later IS NOT NULL THEN 'an earlier report of the same connection' END"""
    rows = line_sql.checked(last, _ends(), passed, faults=[("NOT is_json", "'not JSON: ' || left(text, 60)")])
    suricata = "topic = 'flow' OR coalesce(module = 'suricata', false)"
    refused = (
        f"regexp_full_match(lower(coalesce(action, '')), '{_REFUSALS}') OR contains(coalesce(eventtype, ''), 'denied')"
    )
    tcp = "transport_name = 'tcp' AND history IS NOT NULL AND history != ''"
    return line_sql.canonical(
        "conn",
        rows,
        {
            "start": "began",
            "src_ip": "src",
            "src_port": "sport",
            "dst_ip": "dst",
            "dst_port": "dport",
            "proto": "transport_name",
            "bytes_sent": "sent",
            "bytes_rcvd": "received",
            "bytes_total": "sent + received",
            "orig_bytes": f"CASE WHEN {suricata} THEN greatest(sent - {_ETHERNET} * packets_sent, 0) ELSE sent END",
            "sent_packets": "packets_sent",
            "rcvd_packets": "packets_received",
            "service": "lower(coalesce(spoken, ''))",
            "process_name": "coalesce(process, '')",
            "duration": f"CASE WHEN ended_at >= began THEN ended_at - began WHEN ownstate IS NOT NULL THEN "
            f"{line_sql.seconds('lasting')} ELSE {json_paths.nanoseconds('lasting')} END",
            "answered": f"CASE {_states()} WHEN packets_received IS NOT NULL THEN packets_received > 0 END",
            "denied": refused,
            "continues": f"coalesce({tcp} AND NOT contains(history, 'S') AND NOT contains(history, 's'), false)",
        },
    )


def _states() -> str:
    return " ".join(
        f"WHEN state = {literal(state)} THEN {str(state in ANSWERED).lower()}"
        for state in dict.fromkeys((*ANSWERED, *UNANSWERED))
    )


def _ends() -> dict[str, Cell]:
    return {
        "began": Cell("@timestamp", "coalesce(begun, stamp)", json_paths.moment),
        "ended_at": Cell("event.end", "ended", json_paths.moment, required=False),
        "src": Cell("source.ip", "source", line_sql.address),
        "sport": Cell("source.port", "sourceport", line_sql.port, required=False),
        "dst": Cell("destination.ip", "target", line_sql.address),
        # Documents about ICMP have no ports.
        "dport": Cell(
            "destination.port", "coalesce(targetport, CASE WHEN transport ILIKE '%icmp%' THEN '0' END)", line_sql.port
        ),
        "transport_name": Cell("network.transport", "transport", line_sql.protocol, required=False),
        "sent": Cell("source.bytes", "bytesout", line_sql.count, required=False),
        "received": Cell("destination.bytes", "bytesin", line_sql.count, required=False),
        "packets_sent": Cell("source.packets", "packetsout", line_sql.count, required=False),
        "packets_received": Cell("destination.packets", "packetsin", line_sql.count, required=False),
    }


def _named(kind: Kind, paths: Sequence[str], scan: Scan) -> str:
    known = f"SELECT *, {_topic()} AS topic FROM ({json_paths.records(paths, scan, {**_FIELDS, **_NAMES})})"
    wanted = f"SELECT * FROM ({known}) WHERE regexp_matches(topic, '(^|[.])({_DATASETS[kind]})$')"
    ends = _ends()
    cells = {"began": Cell("@timestamp", "stamp", json_paths.moment), "src": ends["src"]}
    if kind == "dns":
        cells["query"] = Cell("dns.question.name", "coalesce(question, '')", _domain)
        rows = line_sql.checked(wanted, cells)
        return line_sql.canonical(
            kind,
            rows,
            {
                "start": "began",
                "src_ip": "src",
                "query": "query",
                "answers": _answers(),
                "failed": "CASE WHEN rcode IS NOT NULL THEN upper(rcode) IN ('NXDOMAIN', '3') END",
                "server": "target",
            },
        )
    cells |= {"dst": ends["dst"], "dport": ends["dport"]}
    return line_sql.canonical(
        kind,
        line_sql.checked(wanted, cells),
        {
            "start": "began",
            "src_ip": "src",
            "dst_ip": "dst",
            "dst_port": "dport",
            "name": f"nullif({_domain('sni' if kind == 'tls' else 'site')}, '')",
        },
    )


def _domain(raw: str) -> str:
    return f"rtrim(lower({raw}), '.')"


def _answers() -> str:
    """Texts of ``["a", "b"]``, the data of ``[{"data": "a"}]``, or one text."""
    listed = "try(from_json(answers, '[\"VARCHAR\"]'))"
    datum = "CASE WHEN starts_with(one, '{') THEN try(json_extract_string(one, '/data')) ELSE one END"
    several = f"[{datum} FOR one IN {listed}]"
    return f"CASE WHEN starts_with(answers, '[') THEN {several} WHEN answers != '' THEN [answers] END"
