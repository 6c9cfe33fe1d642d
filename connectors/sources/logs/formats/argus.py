"""Argus flows as ``ra`` prints them with commas or tabs and a header (binetflow): one row both directions.

Dir names who began: -> is the source, <- the destination; where Argus does not know (<->, <?>, ?>), the source, which
spoke first. Argus writes a long flow again at every status interval: a TCP row whose source sent no SYN is a further
row of the session of its ends, and no connection of its own where that was seen. Nothing is called denied, and a row
stands for one flow. TotBytes are those of both sides with their link headers, SrcBytes those of the source, whoever
began. ARP, LLC and Argus's own management rows are passed over. Times are local to the machine that ran ra, or numbers.
"""

from collections.abc import Mapping, Sequence

from connectors.sources.logs import clocks, devices, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "argus"
LACKS = "flow of IP"

NAMES: Mapping[str, Sequence[str]] = {
    "at": ("starttime", "stime"),
    "span": ("dur",),
    "proto": ("proto",),
    "src": ("srcaddr", "saddr"),
    "sport": ("sport",),
    "way": ("dir",),
    "dst": ("dstaddr", "daddr"),
    "dport": ("dport",),
    "state": ("state",),
    "packets": ("totpkts", "pkts"),
    "bytes": ("totbytes", "bytes"),
    "source_bytes": ("srcbytes", "sbytes"),
    "back_bytes": ("dstbytes", "dbytes"),
    "source_packets": ("srcpkts", "spkts"),
    "back_packets": ("dstpkts", "dpkts"),
}
NEEDED = ("at", "src", "dst", "dport", "way", "proto")
_PATTERNS = (
    "%Y/%m/%d %H:%M:%S.%f",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
)
_HARDWARE = "([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}"
_NO_FLOW = "('arp', 'rarp', 'llc', 'man', 'lldp', 'stp', 'ipx', 'ether', 'rtcp-man', 'unas')"


SAMPLE = Sample(
    headers=("StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label",),
    rows=(
        "$slashed $clock.000000,20.0,tcp,$client,$port,   ->,45.60.1.1,443,FSPA_FSPA,0,0,12,2150,858,flow",
        "$slashed $clock.100000,0.1,udp,$client,$port,  <->,45.60.1.2,53,CON,0,0,2,214,81,flow",
        "$slashed $clock.200000,0.0,arp,192.0.2.1,,  who,192.0.2.9,,CON,,,2,120,60,flow",
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """ra's text by its header; None for any other content."""
    first = head.lstrip("\ufeff\r\n").split("\n", 1)[0].rstrip("\r")
    mark = "\t" if "\t" in first else ","
    columns = tuple(first.split(mark))
    place = _places(columns)
    if not all(name in place for name in NEEDED):
        return None
    note = "Argus prints local time without a zone: read as UTC unless a time zone is given"
    return Recognised(format=NAME, kind="conn", columns=columns, options=(("mark", mark),), note=note)


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a flow record."""
    place = _places(form.columns)
    raw = {name: f"nullif(trim(f[{place[name] + 1}]), '')" if name in place else "NULL::VARCHAR" for name in NAMES}
    split = f"string_split(text, {literal(dict(form.options).get('mark', ','))})"
    first = literal(form.columns[0].strip())
    named = ", ".join(f"{raw[name]} AS {name}" for name in ("way", "state"))
    source = f"SELECT *, {named} FROM (SELECT *, {split} AS f FROM ({line_sql.lines(paths, scan)}))"
    passed = (
        f"CASE WHEN trim(ltrim(f[1], chr(65279))) = {first} THEN 'header line' "
        f"WHEN lower({raw['proto']}) IN {_NO_FLOW} THEN 'protocol ' || lower({raw['proto']}) "
        f"WHEN regexp_full_match({raw['src']}, {literal(_HARDWARE)}) THEN 'hardware addresses' END"
    )
    cells = _cells(raw, clocks.clock(form, scan).zone)
    read = line_sql.checked(
        source, cells, passed, faults=[(f"len(f) < {len(NEEDED)}", "'expected more fields, found ' || len(f)")]
    )
    return line_sql.canonical(
        "conn",
        _turned(read),
        devices.values(
            False, "false", answered=_answered(), continues=_continues(), bytes_total="coalesce(total, sent + received)"
        ),
    )


def _cells(raw: Mapping[str, str], zone: str) -> dict[str, Cell]:
    def time(text: str) -> str:
        dated = line_sql.time(text, zone, _PATTERNS)
        return f"CASE WHEN contains({text}, ':') THEN {dated} ELSE {line_sql.seconds(text)} END"

    ends = {name: raw[name] for name in ("src", "dst", "proto", "span")}
    ports = {name: _port(raw[name]) for name in ("sport", "dport")}
    counters = {
        "source_bytes": "SrcBytes",
        "back_bytes": "DstBytes",
        "packets": "TotPkts",
        "source_packets": "SrcPkts",
        "back_packets": "DstPkts",
    }
    cells = devices.cells({**ends, **ports, "total": raw["bytes"]}, Cell("StartTime", raw["at"], time))
    return cells | {name: Cell(label, raw[name], line_sql.count, required=False) for name, label in counters.items()}


def _port(raw: str) -> str:
    """A port; ICMP's type and code are written as 0x0008, and a service's name where ra was told to."""
    return f"CASE WHEN {raw} ILIKE '0x%' THEN '0' ELSE {raw} END"


def _turned(read: str) -> str:
    back = "coalesce(starts_with(ltrim(way), '<') AND NOT contains(way, '>') AND NOT contains(way, '?'), false)"
    spent, heard = "source_bytes", "coalesce(back_bytes, total - source_bytes)"
    packets, packets_back = "source_packets", "coalesce(back_packets, packets - source_packets)"
    sides = {
        "src": ("src", "dst"),
        "sport": ("sport", "dport"),
        "sent": (spent, heard),
        "packets_sent": (packets, packets_back),
    }
    other = {"dst": "src", "dport": "sport", "received": "sent", "packets_received": "packets_sent"}
    chosen = {name: f"CASE WHEN {back} THEN {theirs} ELSE {ours} END" for name, (ours, theirs) in sides.items()}
    chosen |= {
        name: f"CASE WHEN {back} THEN {sides[twin][0]} ELSE {sides[twin][1]} END" for name, twin in other.items()
    }
    replaced = ", ".join(f"{value} AS {name}" for name, value in chosen.items())
    kept = "started, proto, span, total, repeated, state, bad, passed, file, line, n"
    return f"SELECT {kept}, {back} AS back, {replaced} FROM ({read})"


def _answered() -> str:
    theirs = "string_split(state, '_')[2]"
    return (
        "CASE WHEN state IN ('INT', 'REQ', 'TIM', 'URP', 'URH', 'URN', 'URF') THEN false "
        "WHEN state IN ('CON', 'EST', 'FIN', 'ACC') THEN true WHEN state IN ('RST') THEN NULL "
        f"WHEN proto = 'tcp' AND contains(state, '_') THEN {theirs} != '' AND NOT "
        f"(contains({theirs}, 'R') AND NOT contains({theirs}, 'S') AND NOT contains({theirs}, 'P')) END"
    )


def _continues() -> str:
    began = "string_split(state, '_')[CASE WHEN back THEN 2 ELSE 1 END]"
    return f"coalesce(proto = 'tcp' AND contains(state, '_') AND NOT contains({began}, 'S'), false)"


def _places(columns: Sequence[str]) -> dict[str, int]:
    names = [column.strip().lower() for column in columns]
    places = {cell: next((names.index(name) for name in known if name in names), -1) for cell, known in NAMES.items()}
    return {cell: place for cell, place in places.items() if place >= 0}
