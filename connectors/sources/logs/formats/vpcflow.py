"""AWS VPC flow logs, versions 2 to 5: the default order, or the order that a header line gives; fields split by spaces.

A row is one direction of one 5-tuple in one aggregation interval; connectors/sources/logs/directions.py says which rows
are one connection. Who began, in this order: the sender of a bare SYN, not the
sender of SYN with ACK (tcp-flags, version 3); the side without the listening port (a port below 1024 against one that
is not, else below 32768 against one that is not); who spoke first; the egress row (flow-direction, version 5: it tells
the side of the interface, not who began, so it comes last). A REJECT row is an attempt of its own source. The log
counts one direction a row and the answer's bytes are taken as unknown: bytes_rcvd and bytes_total stay null. NODATA
and SKIPDATA rows carry no traffic and are passed over; SKIPDATA says that records were lost. Where the log has
pkt-srcaddr and pkt-dstaddr they are the ends, and a NAT gateway's own side of a connection is passed over
(connectors/sources/logs/vpc_fields.py). Parquet files have the same fields with underscores.
"""

import re
from collections.abc import Mapping, Sequence

from connectors.sources.logs import directions, line_sql, vpc_fields
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan

NAME = "vpcflow"

DEFAULT_ORDER = (
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
)
NEEDED = ("srcaddr", "dstaddr", "dstport", "start")

# The shortest and the longest aggregation interval. The flags of a row are those of its interval, so that a second SYN
# is a second connection.
_SLICES = directions.Slices(gap=60, longest=600)
_FIRST_EPHEMERAL = 32768
_STATUSES = ("OK", "NODATA", "SKIPDATA")
_STAMP = r"(\d{4}-\d\d-\d\dT\S+ )"
_DEFAULT_ROW = re.compile(
    rf"^{_STAMP}?\d (\d{{12}}|unknown|-) \S+ \S+ \S+ (\d+|-) (\d+|-) (\d+|-) (\d+|-) (\d+|-) \d+ \d+ "
    rf"(ACCEPT|REJECT|-) ({'|'.join(_STATUSES)})\s*$",
    re.MULTILINE,
)


_FIELDS = (
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "tcp-flags",
    "flow-direction",
    "pkt-srcaddr",
    "pkt-dstaddr",
)


SAMPLE = Sample(
    headers=(
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
        "end action log-status tcp-flags",
    ),
    rows=(
        "3 123456789012 eni-0a $client 45.60.1.1 $port 443 6 5 500 $epoch $later ACCEPT OK 3",
        "3 123456789012 eni-0a 45.60.1.1 $client 443 $port 6 5 500 $epoch $later ACCEPT OK 19",
        "3 123456789012 eni-0a $client 45.60.1.3 $port 23 6 1 40 $epoch $later REJECT OK 2",
        "3 123456789012 eni-0a - - - - - - - $epoch $later - NODATA -",
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """A header line of the field names, or a row in the default order; None for any other content."""
    if head.startswith("PAR1"):
        columns = tuple(name.replace("_", "-") for name in vpc_fields.parquet_columns(path))
        known = all(name in columns for name in NEEDED)
        return Recognised(format=NAME, kind="conn", columns=columns, options=(("file", "parquet"),)) if known else None
    columns = tuple(head.lstrip("\ufeff\r\n").split("\n", 1)[0].split())
    if all(name in columns for name in NEEDED):
        return Recognised(format=NAME, kind="conn", columns=columns)
    row = _DEFAULT_ROW.search(head) if any(status in head for status in _STATUSES) else None
    if row is None:
        return None
    stamped = ("timestamp",) if row.group(1) else ()
    order = stamped + DEFAULT_ORDER
    return Recognised(format=NAME, kind="conn", columns=order, note="no header, default order assumed")


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row per connection or refused attempt."""
    raw = {name: f"f[{form.columns.index(name) + 1}]" if name in form.columns else "NULL::VARCHAR" for name in _FIELDS}
    split = f"SELECT *, string_split_regex(trim(text), ' +') AS f FROM ({line_sql.lines(paths, scan)})"
    if ("file", "parquet") in form.options:
        split = vpc_fields.as_fields([name.replace("-", "_") for name in form.columns], paths)
    action = f"coalesce({raw['action']}, 'ACCEPT') AS action"
    source = f"SELECT *, {action} FROM ({split}) WHERE NOT list_contains(f, 'srcaddr')"
    passed = (
        f"CASE WHEN {raw['log-status']} IN ('NODATA', 'SKIPDATA') THEN {raw['log-status']} "
        f"WHEN {raw['srcaddr']} = '-' AND {raw['dstaddr']} = '-' THEN 'NODATA' END"
    )
    read = line_sql.checked(
        source,
        _cells(raw),
        passed,
        faults=[
            (f"len(f) != {len(form.columns)}", f"'expected {len(form.columns)} fields, found ' || len(f)"),
            ("action NOT IN ('ACCEPT', 'REJECT')", "'action is not ACCEPT or REJECT'"),
        ],
    )
    if {"pkt-srcaddr", "pkt-dstaddr"} & set(form.columns):
        read = vpc_fields.behind_nat(read)
    rows = f"""
        SELECT *, greatest(coalesce(last, started), started) AS ended, lower({raw["flow-direction"]}) AS way,
            CASE WHEN flags & 2 = 2 THEN flags & 16 = 0 END AS opens FROM ({read})"""
    joined = directions.sessions(
        rows,
        _SLICES,
        _began(),
        {"octets": "octets", "packets": "packets"},
        together="action",
        syn="CASE WHEN action = 'ACCEPT' THEN flags & 2 = 2 ELSE true END",
        bare="opens AND action = 'ACCEPT'",
        paths=paths,
    )
    return line_sql.canonical("conn", joined, _values() | {"lost": "coalesce(passed = 'SKIPDATA', false)"})


def _cells(raw: Mapping[str, str]) -> dict[str, Cell]:
    return {
        "started": Cell("start", raw["start"], line_sql.seconds),
        "last": Cell("end", raw["end"], line_sql.seconds, required=False),
        "src": Cell("srcaddr", raw["srcaddr"], line_sql.address),
        "dst": Cell("dstaddr", raw["dstaddr"], line_sql.address),
        "pkt_src": Cell("pkt-srcaddr", raw["pkt-srcaddr"], line_sql.address, required=False),
        "pkt_dst": Cell("pkt-dstaddr", raw["pkt-dstaddr"], line_sql.address, required=False),
        "dport": Cell("dstport", raw["dstport"], line_sql.port),
        "sport": Cell("srcport", f"coalesce({raw['srcport']}, '0')", line_sql.port),
        "proto": Cell("protocol", f"coalesce({raw['protocol']}, '')", line_sql.protocol),
        "octets": Cell("bytes", raw["bytes"], line_sql.count, required=False),
        "packets": Cell("packets", raw["packets"], line_sql.count, required=False),
        "flags": Cell("tcp-flags", raw["tcp-flags"], line_sql.count, required=False),
    }


def _began() -> str:
    """One row of a direction is enough: the answer's row names the other side as the one that began."""
    by_flags = "CASE WHEN opens IS NOT NULL THEN forward = opens END"
    listening = " ".join(
        f"WHEN dport < {bound} AND sport >= {bound} THEN forward "
        f"WHEN sport < {bound} AND dport >= {bound} THEN NOT forward"
        for bound in (1024, _FIRST_EPHEMERAL)
    )
    spoke_first = directions.first_by("started", "CASE WHEN way = 'egress' THEN 0 ELSE 1 END")
    return (
        f"CASE WHEN any_value(action) = 'REJECT' THEN {directions.first_by('started')} "
        f"ELSE coalesce(arg_min({by_flags}, started), any_value(CASE {listening} END), {spoke_first}) END"
    )


def _values() -> dict[str, str]:
    return {
        **directions.ENDS,
        "bytes_sent": "octets_sent",
        "orig_bytes": "octets_sent",
        "sent_packets": "packets_sent",
        "answered": "CASE WHEN together = 'REJECT' THEN false WHEN rows_back > 0 AND rows_sent > 0 THEN true END",
        "denied": "coalesce(together = 'REJECT', false)",
    }
