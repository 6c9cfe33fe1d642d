"""Azure NSG flow summaries (the CSV of the AzureNetworkAnalytics table, as notebooks export it).

A row stands for all flows of one machine, remote address, port and hour: ``conns`` is their number and ``start`` is
FlowStartTime for each of them, because the summary has no other time. Allowed flows make one event and denied flows a
second one. Public remote addresses are in AllExtIPs or PublicIPs (the first of them is used); inside a virtual network
SrcIP and DestIP are filled. When PublicIPs names several addresses, the log gives one number for all of them and
repeats it in the row of each. The summary has no bytes, and its L7Protocol is a name for the port: nothing that was
spoken. Times are UTC.
"""

from collections.abc import Sequence

from connectors.logs import lines
from connectors.logs.lines import Cell
from connectors.logs.shape import Recognised, Scan, literal

NAME = "nsg"

NEEDED = ("FlowStartTime", "VMIPAddress", "DestPort", "FlowDirection")
_OPTIONAL = (
    "FlowEndTime", "SrcIP", "DestIP", "AllExtIPs", "PublicIPs", "L4Protocol", "AllowedOutFlows", "AllowedInFlows",
    "DeniedOutFlows", "DeniedInFlows",
)
_PATTERNS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ")
_ONE_ADDRESS = r"[0-9a-fA-F]*[.:][0-9a-fA-F.:]+"


def recognise(head: str, path: str) -> Recognised | None:
    """The summary by its header; None for any other content."""
    columns = lines.header(head)
    if not all(name in columns for name in (*NEEDED, "AllowedOutFlows")):
        return None
    return Recognised(
        format=NAME, kind="conn", columns=columns,
        note="a row is a summary of n flows between FlowStartTime and FlowEndTime: all are placed at FlowStartTime; "
             "a summary of several public addresses counts its flows for each of them",
    )


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: up to two rows per summary, its allowed flows and its denied flows."""
    raw = {name: f"f[{form.columns.index(name) + 1}]" if name in form.columns else "NULL::VARCHAR"
           for name in (*NEEDED, *_OPTIONAL)}
    outbound = f"{raw['FlowDirection']} = 'O'"
    verdicts = f"SELECT *, unnest([false, true]) AS refused FROM ({lines.csv_rows(paths, scan, form.columns)})"
    flows = (
        f"CASE WHEN refused THEN CASE WHEN {outbound} THEN {raw['DeniedOutFlows']} ELSE {raw['DeniedInFlows']} END "
        f"WHEN {outbound} THEN {raw['AllowedOutFlows']} ELSE {raw['AllowedInFlows']} END"
    )
    remote = f"coalesce({_one(raw['AllExtIPs'])}, {_one(raw['PublicIPs'])})"
    ours = lines.present(raw["VMIPAddress"])
    cells = {
        "started": Cell("FlowStartTime", raw["FlowStartTime"], _time),
        "ended": Cell("FlowEndTime", raw["FlowEndTime"], _time, required=False),
        "src": Cell("source address", _side(raw["SrcIP"], outbound, ours, remote), lines.address),
        "dst": Cell("destination address", _side(raw["DestIP"], outbound, remote, ours), lines.address),
        "dport": Cell("DestPort", raw["DestPort"], lines.port),
        "flows": Cell("flow count", flows, lines.count, required=False),
        "proto": Cell("L4Protocol", f"coalesce({raw['L4Protocol']}, '')", lines.protocol),
    }
    rows = lines.checked(verdicts, cells, faults=[
        ("f IS NULL", "'a quote is left open'"),
        (f"len(f) != {len(form.columns)}", f"'expected {len(form.columns)} fields, found ' || len(f)"),
        (f"{raw['FlowDirection']} NOT IN ('I', 'O')", "'FlowDirection is not I or O'"),
    ])
    counted = f"SELECT * FROM ({rows}) WHERE CASE WHEN bad IS NULL THEN flows > 0 ELSE NOT refused END"
    return lines.canonical("conn", counted, _values())


def _time(raw: str) -> str:
    return lines.time(raw, "UTC", _PATTERNS)


def _one(raw: str) -> str:
    return f"nullif(regexp_extract({raw}, {literal(_ONE_ADDRESS)}), '')"


def _side(named: str, outbound: str, when_out: str, when_in: str) -> str:
    return f"coalesce({lines.present(named)}, CASE WHEN {outbound} THEN {when_out} ELSE {when_in} END)"


def _values() -> dict[str, str]:
    return {
        "start": "started",
        "src_ip": "src",
        "dst_ip": "dst",
        "dst_port": "dport",
        "proto": "proto",
        "conns": "flows",
        "denied": "refused",
    }
