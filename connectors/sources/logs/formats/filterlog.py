"""filterlog of pfSense and OPNsense: packets that a rule of pf logged, as comma-separated fields behind syslog.

A pass line is the packet that made a state, one connection; block and reject lines are denied attempts; lines of
translation rules (rdr, nat, binat) are passed over, because a filter rule decides on the packet. A refused TCP packet
without SYN belongs to a state that is gone and is passed over. A packet logged on the way in and again on the way out
counts once, from the way in: there its source is still the inside one (it is the same packet when destination and
sequence number, or of UDP destination and IP id, are the same). Bytes are unknown: the length is that of one packet.
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import clocks, devices, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "filterlog"
LINE = r"\bfilterlog\b"
LACKS = "pass or block line of a filter rule (logging of the rule)"

_BEHIND = r"filterlog(?:\[\d+\])?(?:: | +\d+ +\S+ +\S+ |: ?)"
_SEEN = re.compile(
    r"^[^{\n]{0,200}?\bfilterlog\b[^,{\n]{0,80}[: ]\d*,\d*,[^,\n]*,[^,\n]*,[^,\n]*,[^,\n]*,\w+,(in|out|in/out),[46],",
    re.MULTILINE,
)
# The ninth field is the IP version; after it stand, by version, the places of the fields.
_PLACES = {
    "4": {"proto": 17, "src": 19, "dst": 20, "id": 13, "sport": 21},
    "6": {"proto": 13, "src": 16, "dst": 17, "id": 11, "sport": 18},
}


SAMPLE = Sample(
    rows=(
        "<134>1 ${iso}+00:00 fw.localnet filterlog 35553 - - 97,,,1568496159,em0,match,pass,in,4,0x0,,"
        "64,734,0,DF,6,tcp,60,$client,45.60.1.1,$port,443,0,S,$n,,1024,,",
        "<134>1 ${iso}+00:00 fw.localnet filterlog 35553 - - 98,,,1568496160,em1,match,pass,out,4,0x0,,"
        "63,734,0,DF,6,tcp,60,203.0.113.9,45.60.1.1,$port,443,0,S,$n,,1024,,",
        "<134>1 ${iso}+00:00 fw.localnet filterlog 35553 - - 99,,,1568496161,em0,match,block,in,4,0x0,,"
        "64,$n,0,none,17,udp,78,$client,45.60.1.3,137,137,58",
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """Lines of the program filterlog; None for any other content."""
    if "filterlog" not in head or not _SEEN.search(head):
        return None
    return Recognised(format=NAME, kind="conn", options=clocks.written(head, path), note=clocks.note(head, "filterlog"))


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a state that was made or a packet that was refused."""
    behind = f"regexp_replace(text[strpos(text, 'filterlog'):], {literal('^' + _BEHIND)}, '')"
    split = f"""
        SELECT file, line, n, {clocks.frame()} AS stamp,
            CASE WHEN contains(text, 'filterlog') THEN string_split({behind}, ',') END AS f
        FROM ({line_sql.lines(paths, scan)})"""
    named = ", ".join(f"{value} AS raw_{name}" for name, value in _fields().items())
    source = f"SELECT *, f[7] AS action, f[8] AS way, f[7] IN ('block', 'reject') AS refused, {named} FROM ({split})"
    raw = {name: f"nullif(raw_{name}, '')" for name in ("src", "sport", "dst", "dport", "proto")}
    stamp = Cell(
        "time stamp (one without a year needs the year given)",
        "stamp",
        lambda _: clocks.moment("stamp", clocks.clock(form, scan)),
    )
    read = line_sql.checked(
        source,
        devices.cells(raw, stamp),
        _passed(),
        faults=[
            ("len(f) < 17", "'expected more fields, found ' || len(f)"),
            ("f[9] IS NULL OR f[9] NOT IN ('4', '6')", "'the IP version is not 4 or 6'"),
        ],
    )
    packet = (
        "CASE WHEN raw_sequence != '' THEN raw_sequence WHEN raw_id NOT IN ('', '0') THEN raw_id "
        "ELSE concat_ws(' ', raw_src, raw_sport) END AS packet"
    )
    rows = devices.once(
        devices.lean(f"SELECT *, {packet} FROM ({read})", ("refused", "way", "packet")),
        ("dst", "dport", "proto", "packet", "refused"),
        "CASE WHEN way = 'in' THEN 0 ELSE 1 END, started",
        "the same packet, logged again",
    )
    return line_sql.canonical(
        "conn", rows, devices.values(False, "refused", answered="CASE WHEN refused THEN false END")
    )


def _fields() -> dict[str, str]:
    """By field: SQL for its text, by the IP version of the line and, of ports and flags, its protocol."""
    fields = {
        name: f"CASE f[9] WHEN '4' THEN f[{_PLACES['4'][name]}] WHEN '6' THEN f[{_PLACES['6'][name]}] END"
        for name in ("proto", "src", "dst", "id")
    }
    ported = "lower(f[{}]) IN ('tcp', 'udp', 'sctp')"
    tcp = "lower(f[{}]) = 'tcp'"
    for step, name, held in ((0, "sport", ported), (1, "dport", ported), (3, "flags", tcp), (4, "sequence", tcp)):
        four, six = held.format(_PLACES["4"]["proto"]), held.format(_PLACES["6"]["proto"])
        fields[name] = (
            f"CASE WHEN f[9] = '4' AND {four} THEN f[{_PLACES['4']['sport'] + step}] "
            f"WHEN f[9] = '6' AND {six} THEN f[{_PLACES['6']['sport'] + step}] END"
        )
    return fields


def _passed() -> str:
    within = "raw_flags IS NOT NULL AND raw_flags != '' AND NOT contains(raw_flags, 'S')"
    return (
        "CASE WHEN f IS NULL THEN 'not a line of filterlog' WHEN action NOT IN ('pass', 'block', 'reject') "
        f"THEN 'action ' || left(action, 20) WHEN {within} THEN 'packet within a connection' "
        "WHEN contains(raw_flags, 'S') AND contains(raw_flags, 'A') THEN 'answer' END"
    )
