"""Azure flow logs as they are stored (``PT1H.json``): NSG flow logs, versions 1 and 2, and virtual network flow logs.

A record holds many flow tuples, texts of 8 to 13 fields; every tuple is one event of one flow:

    VNet    ms,src,dst,sport,dport,proto,I|O,B|C|E|D,encryption,packets,bytes,packets back,bytes back
    NSG v2  s,src,dst,sport,dport,T|U,I|O,A|D,B|C|E,packets,bytes,packets back,bytes back
    NSG v1  s,src,dst,sport,dport,T|U,I|O,A|D

- Direction: the first address opened the flow, as Azure saw it; I and O are the side of the network interface.
- NAT: the addresses are those of the interface; Azure's outbound translation is not in the log.
- Denied: D. Each denied tuple is an attempt.
- Repeats: a flow begins with B, goes on with C every few minutes and ends with E: one connection, from B (or from its
  first tuple, when it began before the log) to E. One tuple that two rules or interfaces logged counts once. Version 1
  logs the beginning only.
- Bytes: the sums of the C and E tuples of a flow, each way. A flow of which only the beginning is there has none known.
"""

from collections.abc import Sequence

from connectors.sources.logs import json_paths, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "azure-flows"

_PLACES = ("$.flowRecords.flows[*].flowGroups[*].flowTuples[*]", "$.properties.flows[*].flows[*].flowTuples[*]")


SAMPLE = Sample(
    rows=(
        '{"time": "${iso}.000Z", "flowLogVersion": 4, "macAddress": "0022481ABCDE", "category": "FlowLogFlowEvent", '
        '"flowRecords": {"flows": [{"aclID": "1", "flowGroups": [{"rule": "out", "flowTuples": ["$ms,$client,$flow"]}]'
        "}]}}",
    ),
    turns=(
        {"flow": "45.60.1.1,$port,443,6,O,B,NX,0,0,0,0"},
        {"flow": "45.60.1.1,$port,443,6,O,C,NX,4,300,2,500"},
        {"flow": "45.60.1.1,$port,443,6,O,E,NX,7,858,5,1292"},
        {"flow": "45.60.1.3,$port,23,6,O,D,NX,0,0,0,0"},
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """Records with flow tuples; None for any other content."""
    if '"flowTuples"' not in head:
        return None
    for one in json_paths.objects(head):
        flows = json_paths.at(one, ("flowRecords.flows", "properties.flows"))
        if isinstance(flows, list):
            return Recognised(format=NAME, kind="conn")
    # A record of an hour may be longer than what is seen of it.
    return Recognised(format=NAME, kind="conn") if head.lstrip("\ufeff \t\r\n").startswith("{") else None


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row per flow or denied attempt."""
    found = " || ".join(f"coalesce(try(json_extract_string(text, {literal(place)})), [])" for place in _PLACES)
    records = f"""
        SELECT file, line, n, left(text, 60) AS text, coalesce(try(json_type(text)), '') AS type, {found} AS tuples
        FROM ({line_sql.lines(paths, scan)})"""
    # A record without tuples stays one row, which says so.
    tuples = f"""
        SELECT file, line, n, text, type, unnest(CASE WHEN len(tuples) = 0 THEN [NULL] ELSE tuples END) AS tuple
        FROM ({records})"""
    split = f"""SELECT *, coalesce(f[8] IN ('A', 'D') AND (len(f) = 8 OR f[9] IN ('B', 'C', 'E', '')), false) AS nsg
        FROM (SELECT *, string_split(tuple, ',') AS f FROM ({tuples}))"""
    states = """SELECT *, CASE WHEN nsg THEN coalesce(nullif(f[9], ''), 'B') ELSE f[8] END AS state,
        f[8] = 'D' AS refused FROM ({})"""
    passed = "CASE WHEN type = 'OBJECT' AND tuple IS NULL THEN 'a record without flow tuples' END"
    read = line_sql.checked(
        states.format(split),
        _cells(),
        passed,
        faults=[
            ("type != 'OBJECT'", "'not JSON: ' || left(text, 60)"),
            ("len(f) NOT BETWEEN 8 AND 13", "'expected 8 to 13 fields, found ' || len(f) || ': ' || left(tuple, 60)"),
            ("state NOT IN ('A', 'B', 'C', 'D', 'E')", "'flow state is not usable: ' || left(tuple, 60)"),
        ],
    )
    return line_sql.canonical("conn", _flows(read), _VALUES)


def _cells() -> dict[str, Cell]:
    def counter(name: str, place: int) -> Cell:
        raw = f"CASE WHEN state IN ('C', 'E') THEN f[{place}] END"
        return Cell(name, raw, line_sql.count, required=False)

    return {
        "seen": Cell("time", "f[1]", json_paths.moment),
        "src": Cell("source address", "f[2]", line_sql.address),
        "dst": Cell("destination address", "f[3]", line_sql.address),
        "sport": Cell("source port", "f[4]", line_sql.port, required=False),
        "dport": Cell("destination port", "f[5]", line_sql.port),
        "transport": Cell("protocol", "f[6]", line_sql.protocol, required=False),
        "sent_packets": counter("packets", 10),
        "sent": counter("bytes", 11),
        "received_packets": counter("packets back", 12),
        "received": counter("bytes back", 13),
    }


def _flows(read: str) -> str:
    """The events of each flow as one row; refused and passed rows stay alone.

    Windows all along, and no aggregate over all flows: windows are kept on disk when there are too many.
    """
    ends = "src, sport, dst, dport, transport"
    # A refused tuple stays alone, also beside one that reads the same.
    alone = "CASE WHEN bad IS NOT NULL OR passed IS NOT NULL THEN uuid()::VARCHAR END"
    narrow = f"""SELECT state, seen, n, file, line, sent, received, sent_packets, received_packets, {ends}, bad, passed,
        refused, md5_number(coalesce({alone}, concat_ws(' ', {ends}))) AS pair FROM ({read})"""
    # What two rules, interfaces or logs say of one event is the same but for the fractions of a second.
    order = "PARTITION BY pair ORDER BY floor(seen), strpos('DABCE', state), sent, received, n"
    before = f"SELECT *, lag(state) OVER w AS was, {_again()} AS again FROM ({narrow}) WINDOW w AS ({order})"
    opens = "NOT again AND (state IN ('A', 'B', 'D') OR coalesce(was, 'E') IN ('D', 'E'))"
    numbered = f"""SELECT *, sum(({opens})::INTEGER) OVER ({order} ROWS UNBOUNDED PRECEDING) AS flow FROM ({before})"""
    counters = ("sent", "received", "sent_packets", "received_packets")
    sums = ", ".join(f"sum({name}) FILTER (NOT again) OVER f AS {name}_sum" for name in counters)
    return f"""SELECT *, min(seen) OVER f AS began, max(seen) OVER f AS ended, bool_or(refused) OVER f AS denied_one,
        count(*) OVER f AS records, {sums} FROM ({numbered})
        WINDOW f AS (PARTITION BY pair, flow) QUALIFY row_number() OVER (PARTITION BY pair, flow ORDER BY n) = 1"""


def _again() -> str:
    same = " AND ".join(
        f"{value} IS NOT DISTINCT FROM lag({value}) OVER w" for value in ("state", "floor(seen)", "sent", "received")
    )
    return f"coalesce(lag(state) OVER w IS NOT NULL AND {same}, false)"


_VALUES = {
    "start": "began",
    "src_ip": "src",
    "src_port": "sport",
    "dst_ip": "dst",
    "dst_port": "dport",
    "proto": "transport",
    "bytes_sent": "sent_sum",
    "bytes_rcvd": "received_sum",
    "bytes_total": "sent_sum + received_sum",
    "orig_bytes": "sent_sum",
    "sent_packets": "sent_packets_sum",
    "rcvd_packets": "received_packets_sum",
    "duration": "ended - began",
    "records": "records",
    "denied": "coalesce(denied_one, false)",
    "answered": "CASE WHEN denied_one THEN false WHEN received_packets_sum IS NOT NULL "
    "THEN received_packets_sum > 0 END",
}
