"""Azure NSG flow summaries (the CSV of the AzureNetworkAnalytics table, as notebooks export it).

A row stands for all flows of one machine, remote address, port and hour: ``conns`` is their number and ``start`` is
FlowStartTime for each of them, because the summary has no other time. Allowed flows make one event and denied flows a
second one. Public remote addresses are in AllExtIPs or PublicIPs (the first of them is used); inside a virtual network
SrcIP and DestIP are filled. When PublicIPs names several addresses, the log gives one number for all of them and
repeats it in the row of each. The summary has no bytes, and its L7Protocol is a name for the port: nothing that was
spoken. Times are UTC.
"""

from collections.abc import Sequence

from connectors.sources.logs import line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "nsg"

NEEDED = ("FlowStartTime", "VMIPAddress", "DestPort", "FlowDirection")
_OPTIONAL = (
    "FlowEndTime",
    "SrcIP",
    "DestIP",
    "AllExtIPs",
    "PublicIPs",
    "L4Protocol",
    "AllowedOutFlows",
    "AllowedInFlows",
    "DeniedOutFlows",
    "DeniedInFlows",
)
_PATTERNS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ")
_ONE_ADDRESS = r"[0-9a-fA-F]*[.:][0-9a-fA-F.:]+"


SAMPLE = Sample(
    headers=(
        "FlowStartTime,FlowEndTime,FlowDirection,VMIPAddress,SrcIP,DestIP,PublicIPs,AllExtIPs,DestPort,"
        "L4Protocol,AllowedOutFlows,AllowedInFlows,DeniedOutFlows,DeniedInFlows",
    ),
    rows=(
        "${iso}Z,${iso}Z,O,$client,,,45.60.1.1|1|0|0|0|0|0,45.60.1.1,443,T,3,0,0,0",
        "${iso}Z,${iso}Z,O,$client,,,45.60.1.3|0|1|0|0|0|0,45.60.1.3,23,T,0,0,2,0",
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """The summary by its header; None for any other content."""
    columns = line_sql.header(head)
    if not all(name in columns for name in (*NEEDED, "AllowedOutFlows")):
        return None
    return Recognised(
        format=NAME,
        kind="conn",
        columns=columns,
        note="a row is a summary of n flows between FlowStartTime and FlowEndTime: all are placed at FlowStartTime; "
        "a summary of several public addresses counts its flows for each of them",
    )


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: up to two rows per summary, its allowed flows and its denied flows."""
    raw = {
        name: f"f[{form.columns.index(name) + 1}]" if name in form.columns else "NULL::VARCHAR"
        for name in (*NEEDED, *_OPTIONAL)
    }
    outbound = f"{raw['FlowDirection']} = 'O'"
    verdicts = f"SELECT *, unnest([false, true]) AS refused FROM ({line_sql.csv_rows(paths, scan, form.columns)})"
    flows = (
        f"CASE WHEN refused THEN CASE WHEN {outbound} THEN {raw['DeniedOutFlows']} ELSE {raw['DeniedInFlows']} END "
        f"WHEN {outbound} THEN {raw['AllowedOutFlows']} ELSE {raw['AllowedInFlows']} END"
    )
    remote = f"coalesce({_one(raw['AllExtIPs'])}, {_one(raw['PublicIPs'])})"
    ours = line_sql.present(raw["VMIPAddress"])
    cells = {
        "started": Cell("FlowStartTime", raw["FlowStartTime"], _time),
        "ended": Cell("FlowEndTime", raw["FlowEndTime"], _time, required=False),
        "src": Cell("source address", _side(raw["SrcIP"], outbound, ours, remote), line_sql.address),
        "dst": Cell("destination address", _side(raw["DestIP"], outbound, remote, ours), line_sql.address),
        "dport": Cell("DestPort", raw["DestPort"], line_sql.port),
        "flows": Cell("flow count", flows, line_sql.count, required=False),
        "proto": Cell("L4Protocol", f"coalesce({raw['L4Protocol']}, '')", line_sql.protocol),
    }
    rows = line_sql.checked(
        verdicts,
        cells,
        faults=[
            ("f IS NULL", "'a quote is left open'"),
            (f"len(f) != {len(form.columns)}", f"'expected {len(form.columns)} fields, found ' || len(f)"),
            (f"{raw['FlowDirection']} NOT IN ('I', 'O')", "'FlowDirection is not I or O'"),
        ],
    )
    # Of a summary with allowed and denied flows the first event counts as its line; one without any is passed over.
    summed = (
        f"SELECT *, coalesce(sum(flows) FILTER (bad IS NULL) OVER (PARTITION BY file, n), 0) AS all_flows FROM ({rows})"
    )
    counted = f"""SELECT * REPLACE (CASE WHEN bad IS NULL AND all_flows = 0 THEN 'a summary of no flow' END AS passed),
        CASE WHEN refused AND all_flows > flows THEN 0 ELSE 1 END AS records FROM ({summed})
        WHERE CASE WHEN bad IS NULL AND all_flows > 0 THEN flows > 0 ELSE NOT refused END"""
    return line_sql.canonical("conn", counted, _values())


def _time(raw: str) -> str:
    return line_sql.time(raw, "UTC", _PATTERNS)


def _one(raw: str) -> str:
    return f"nullif(regexp_extract({raw}, {literal(_ONE_ADDRESS)}), '')"


def _side(named: str, outbound: str, when_out: str, when_in: str) -> str:
    return f"coalesce({line_sql.present(named)}, CASE WHEN {outbound} THEN {when_out} ELSE {when_in} END)"


def _values() -> dict[str, str]:
    return {
        "start": "started",
        "src_ip": "src",
        "dst_ip": "dst",
        "dst_port": "dport",
        "proto": "proto",
        "conns": "flows",
        "records": "records",
        "denied": "refused",
    }
