"""Packets that netfilter logged: iptables and nftables LOG rules, UFW, and routers built on them (UniFi, OpenWrt).

A line is one packet, so it is a connection only when it opens one: TCP with SYN and no ACK, any packet of another
protocol. Answers and packets within a connection are passed over, and so is a refused packet that opens nothing: it
belongs to a connection that is gone. The prefix that the administrator chose tells the verdict: BLOCK, DROP, DENY,
REJECT, or a rule's name that ends in -D or -R, is a denied attempt, anything else is let through. One packet that
several rules logged counts once, with its last verdict. SRC is the source before translation of the filter rules. LEN
is the length of a packet and not of the connection: bytes are unknown. There is no repeat count.
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import clocks, devices, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "iptables"
LINE = r"\bIN=\S* OUT=\S* "
LACKS = "packet that opens a connection (a LOG rule for new connections)"

_PACKET = (
    r"\bIN=(\S*) OUT=(\S*) .*?\bSRC=(\S+) DST=(\S+) LEN=\d+ (?:.*?\bID=(\d+) )?.*?\bPROTO=(\S+)"
    r"(?: SPT=(\d+) DPT=(\d+))?( .*)?$"
)
_PARTS = ("inside", "outside", "src", "dst", "id", "proto", "sport", "dport", "rest")
_SEEN = re.compile(r"^[^{\n]{0,300}?\bIN=\S* OUT=\S* [^\n]{0,300}?\bSRC=\S+ DST=\S+ LEN=\d+ ", re.MULTILINE)
_REFUSED = r"(?i)(block|drop|den(y|ied)|reject)|-[DR]\]"


SAMPLE = Sample(
    rows=(
        "${iso}+00:00 gw kernel: [12345.678] FW-OUT: IN=br0 OUT=eth0 MAC=00:11:22 SRC=$client "
        "DST=45.60.1.1 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=$n DF PROTO=TCP SPT=$port DPT=443 "
        "WINDOW=64240 RES=0x00 SYN URGP=0 ",
        "${iso}+00:00 gw kernel: [12345.679] FW-OUT: IN=br0 OUT=eth0 MAC=00:11:22 SRC=$client "
        "DST=45.60.1.1 LEN=52 TOS=0x00 PREC=0x00 TTL=63 ID=$n DF PROTO=TCP SPT=$port DPT=443 "
        "WINDOW=502 RES=0x00 ACK FIN URGP=0 ",
        "${iso}+00:00 gw kernel: [12345.680] [UFW BLOCK] IN=br0 OUT=eth0 MAC=00:11:22 SRC=$client "
        "DST=45.60.1.3 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=$n DF PROTO=TCP SPT=$port DPT=23 "
        "WINDOW=64240 RES=0x00 SYN URGP=0 ",
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """Lines with IN=, OUT=, SRC= and DST= in the kernel's order; None for any other content."""
    if " DST=" not in head or not _SEEN.search(head):
        return None
    return Recognised(
        format=NAME, kind="conn", options=clocks.written(head, path), note=clocks.note(head, "kernel log")
    )


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a packet that opens a connection or was refused."""
    names = ", ".join(literal(part) for part in _PARTS)
    split = f"""
        SELECT file, line, n, {clocks.frame()} AS stamp, left(text, strpos(text, 'IN=')) AS prefix,
            CASE WHEN contains(text, ' DST=') THEN regexp_extract(text, {literal(_PACKET)}, [{names}]) END AS p,
            contains(text, ' SRC=') AND contains(text, 'IN=') AS packet
        FROM ({line_sql.lines(paths, scan)})"""
    source = f"""
        SELECT *, regexp_matches(prefix, {literal(_REFUSED)}) AS refused, p.id AS packet_id,
            coalesce(contains(p.rest, ' SYN '), false) AS syn, coalesce(contains(p.rest, ' ACK '), false) AS ack
        FROM ({split})"""
    raw = {name: f"nullif(p.{name}, '')" for name in ("src", "sport", "dst", "dport", "proto")}
    stamp = Cell(
        "time stamp (one without a year needs the year given)",
        "stamp",
        lambda _: clocks.moment("stamp", clocks.clock(form, scan)),
    )
    passed = (
        "CASE WHEN NOT packet THEN 'not a packet of netfilter' WHEN p.proto = 'TCP' AND syn AND ack THEN 'answer' "
        "WHEN p.proto = 'TCP' AND NOT syn AND p.sport != '' THEN 'packet within a connection' END"
    )
    read = line_sql.checked(
        source,
        devices.cells(raw, stamp),
        passed,
        faults=[("coalesce(p.proto, '') = ''", "'not the form of a netfilter line'")],
    )
    rows = devices.once(
        devices.lean(read, ("refused", "packet_id")),
        ("src", "sport", "dst", "dport", "proto", "packet_id"),
        "started DESC, n DESC",
        "the same packet, logged again",
    )
    return line_sql.canonical(
        "conn", rows, devices.values(False, "refused", answered="CASE WHEN refused THEN false END")
    )
