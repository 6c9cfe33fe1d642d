"""NetFlow and IPFIX as ``nfdump -o json`` and ``-o ndjson`` print them: one record a direction, joined as in the CSV.

All rules of direction, repeats and bytes are those of connectors/sources/logs/formats/nfdump.py. Event records (NAT
translations of ``type`` EVENT) and options are no flows and are passed over. Addresses: src4_addr or src6_addr, as
nfdump of each version names them; a translated address (``src4_xlt_ip``) is left aside.
"""

from collections.abc import Sequence
from functools import partial

from connectors.sources.logs import json_paths, line_sql
from connectors.sources.logs.formats import nfdump
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan

NAME = "netflow-json"

_FIELDS: dict[str, json_paths.Paths] = {
    "kind": "type",
    "begun": ("t_first", "first", "firstSeen"),
    "finished": ("t_last", "last", "lastSeen"),
    "source": ("src4_addr", "src6_addr", "src_addr", "srcaddr"),
    "target": ("dst4_addr", "dst6_addr", "dst_addr", "dstaddr"),
    "sourceport": ("src_port", "srcport"),
    "targetport": ("dst_port", "dstport"),
    "number": ("proto", "protocol"),
    "tcpflags": ("tcp_flags", "flags"),
    "inpackets": ("in_packets", "packets"),
    "inbytes": ("in_bytes", "bytes"),
    "outpackets": "out_packets",
    "outbytes": "out_bytes",
    "merged": ("aggr_flows", "flows"),
}


SAMPLE = Sample(
    rows=(
        '{"type": "FLOW", "first": "${date}T$clock.000", "last": "${date}T$clock.500", "in_packets": 5,'
        ' "in_bytes": 500, "proto": 6, "tcp_flags": "...AP.SF", "src_port": ${from_port}, "dst_port": '
        '${to_port}, "src_tos": 0, "src4_addr": "${sent_by}", "dst4_addr": "${sent_to}", "sampled": 0}',
    ),
    turns=(
        {"sent_by": "$client", "sent_to": "45.60.1.1", "from_port": "$port", "to_port": "443"},
        {"sent_by": "45.60.1.1", "sent_to": "$client", "from_port": "443", "to_port": "$port"},
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """Records with a first time, addresses and bytes under nfdump's names; None for any other content."""
    if '_addr"' not in head:
        return None
    wanted = [_FIELDS[name] for name in ("begun", "source", "target", "inbytes")]
    for one in json_paths.objects(head):
        if all(json_paths.at(one, paths) is not None for paths in wanted):
            return Recognised(
                format=NAME,
                kind="conn",
                note="nfdump prints local time without a zone: read as UTC unless a time zone is given",
            )
    return None


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row per connection, whatever the number of its flow records."""
    zone = dict(form.options).get("time_zone", scan.time_zone)
    records = json_paths.records(paths, scan, _FIELDS)
    passed = (
        "CASE WHEN is_json AND upper(kind) != 'FLOW' THEN 'a record that is no flow: ' || lower(kind) "
        "WHEN is_json AND source IS NULL AND target IS NULL THEN 'a record without addresses' END"
    )
    read = line_sql.checked(records, _cells(zone), passed, faults=[("NOT is_json", "'not JSON: ' || left(text, 60)")])
    return nfdump.connections(read, paths)


def _cells(zone: str) -> dict[str, Cell]:
    moment = partial(json_paths.moment, zone=zone)
    return {
        "started": Cell("t_first", "begun", moment),
        "last": Cell("t_last", "finished", moment, required=False),
        "span": Cell("duration", "NULL::VARCHAR", line_sql.seconds, required=False),
        "src": Cell("source address", "source", line_sql.address),
        "dst": Cell("destination address", "target", line_sql.address),
        # Records of ICMP have a type and code in the place of the ports.
        "dport": Cell("dst_port", "coalesce(targetport, '0')", line_sql.port),
        "sport": Cell("src_port", "coalesce(sourceport, '0')", line_sql.port),
        "proto": Cell("proto", "number", line_sql.protocol),
        "flags": Cell("tcp_flags", "coalesce(tcpflags, '')", _flags, required=False),
        "octets": Cell("in_bytes", "inbytes", line_sql.count),
        "packets": Cell("in_packets", "inpackets", line_sql.count, required=False),
        "merged_octets": Cell("out_bytes", "outbytes", line_sql.count, required=False),
        "merged_packets": Cell("out_packets", "outpackets", line_sql.count, required=False),
        "flows": Cell("aggr_flows", "merged", line_sql.count, required=False),
    }


def _flags(raw: str) -> str:
    """Letters as they are; a number as the letters that the rules look for."""
    number = f"try_cast({raw} AS INTEGER)"
    letters = " || ".join(
        f"CASE WHEN {number} & {bit} = {bit} THEN '{letter}' ELSE '' END"
        for bit, letter in ((16, "A"), (2, "S"), (4, "R"), (1, "F"))
    )
    return f"CASE WHEN {number} IS NULL THEN {raw} ELSE {letters} END"
