"""Google Cloud VPC flow logs, as Logging exports them: objects a line, arrays, and ``jsonPayload`` tables of BigQuery.

A record counts one direction of one connection in one aggregation interval, of the packets that were sampled.

- Direction: of the two directions the side without the listening port began (a port below 1024 against one that is
  not, else below 32768 against one that is not); else who spoke first.
- NAT: the addresses are those the machines see; a translation by Cloud NAT is not in these records.
- Denied: a dropped packet is in the firewall rules log, which is another one: nothing is denied here.
- Repeats: both machines of a flow report it (``reporter`` SRC and DEST): where the sender's record is there, the
  receiver's is passed over. TCP records of one 5-tuple whose gap is at most 15 minutes are one connection;
  UDP is never joined.
- Bytes: bytes_sent of each direction's records. Sampled counts are estimates, and are taken as they are.
"""

from collections.abc import Sequence

from connectors.sources.logs import directions, json_paths, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan

NAME = "gcp-flows"

# The shortest and the longest aggregation interval: rows further apart than the first are joined by time alone.
_SLICES = directions.Slices(gap=15, longest=900)
_SAMPLED = "Google samples the packets of these logs: connections and bytes are at least as many as are counted"
_FIRST_EPHEMERAL = 32768
_FIELDS = {
    name: (f"jsonPayload.{path}", path, f"json_payload.{path}", f"data.jsonPayload.{path}")
    for name, path in {
        "source": "connection.src_ip",
        "sourceport": "connection.src_port",
        "target": "connection.dest_ip",
        "targetport": "connection.dest_port",
        "number": "connection.protocol",
        "begun": "start_time",
        "finished": "end_time",
        "bytes": "bytes_sent",
        "packetsout": "packets_sent",
        "reporter": "reporter",
    }.items()
}


SAMPLE = Sample(
    rows=(
        '{"insertId": "$n", "jsonPayload": {"connection": {"src_ip": "${sent_by}", "src_port": '
        '${from_port}, "dest_ip": "${sent_to}", "dest_port": ${to_port}, "protocol": 6}, "start_time": '
        '"${iso}.000000000Z", "end_time": "${iso}.500000000Z", "bytes_sent": "500", "packets_sent": '
        '"5", "rtt_msec": "12", "reporter": "SRC", "src_vpc": {"vpc_name": "default", "project_id": '
        '"p", "subnetwork_name": "default"}, "src_instance": {"vm_name": "vm-1", "zone": "us-east1-b", '
        '"region": "us-east1", "project_id": "p"}}, "logName": '
        '"projects/p/logs/compute.googleapis.com%2Fvpc_flows", "receiveTimestamp": "${iso}.900000000Z",'
        ' "resource": {"type": "gce_subnetwork", "labels": {"location": "us-east1-b"}}, "timestamp": '
        '"${iso}.900000000Z"}',
    ),
    turns=(
        {"sent_by": "$client", "sent_to": "45.60.1.1", "from_port": "$port", "to_port": "443"},
        {"sent_by": "45.60.1.1", "sent_to": "$client", "from_port": "443", "to_port": "$port"},
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """Records with connection.src_ip and dest_ip and a start time; None for any other content."""
    if '"dest_ip"' not in head:
        return None
    wanted = [_FIELDS[name] for name in ("source", "target", "begun")]
    if any(all(json_paths.at(one, paths) is not None for paths in wanted) for one in json_paths.objects(head)):
        return Recognised(format=NAME, kind="conn", note=_SAMPLED)
    return None


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row per connection."""
    records = json_paths.records(paths, scan, _FIELDS)
    ends = "source, sourceport, target, targetport, number"
    both = f"reporter = 'DEST' AND bool_or(reporter = 'SRC') OVER (PARTITION BY {ends})"
    passed = (
        "CASE WHEN is_json AND source IS NULL AND target IS NULL THEN 'no flow record' WHEN twice "
        "THEN 'the receiver''s record of a flow that its sender reports' END"
    )
    told = f"SELECT *, coalesce({both}, false) AS twice FROM ({records})"
    read = line_sql.checked(told, _cells(), passed, faults=[("NOT is_json", "'not JSON: ' || left(text, 60)")])
    rows = f"SELECT *, greatest(coalesce(last, started), started) AS ended FROM ({read})"
    joined = directions.sessions(rows, _SLICES, _began(), {"octets": "octets", "packets": "packets"}, paths=paths)
    return line_sql.canonical(
        "conn",
        joined,
        {
            **directions.ENDS,
            "bytes_sent": "octets_sent",
            "bytes_rcvd": "octets_back",
            "bytes_total": "octets_sent + octets_back",
            "orig_bytes": "octets_sent",
            "sent_packets": "packets_sent",
            "rcvd_packets": "packets_back",
            "answered": "CASE WHEN rows_back > 0 AND rows_sent > 0 THEN true END",
        },
    )


def _cells() -> dict[str, Cell]:
    return {
        "started": Cell("start_time", "begun", json_paths.moment),
        "last": Cell("end_time", "finished", json_paths.moment, required=False),
        "src": Cell("src_ip", "source", line_sql.address),
        "dst": Cell("dest_ip", "target", line_sql.address),
        # Protocols without ports have none.
        "sport": Cell("src_port", "coalesce(sourceport, '0')", line_sql.port),
        "dport": Cell(
            "dest_port", "coalesce(targetport, CASE WHEN number NOT IN ('6', '17') THEN '0' END)", line_sql.port
        ),
        "proto": Cell("protocol", "coalesce(number, '')", line_sql.protocol),
        "octets": Cell("bytes_sent", "bytes", line_sql.count, required=False),
        "packets": Cell("packets_sent", "packetsout", line_sql.count, required=False),
    }


def _began() -> str:
    listening = " ".join(
        f"WHEN dport < {bound} AND sport >= {bound} THEN forward "
        f"WHEN sport < {bound} AND dport >= {bound} THEN NOT forward"
        for bound in (1024, _FIRST_EPHEMERAL)
    )
    return f"coalesce(any_value(CASE {listening} END), {directions.first_by('started')})"
