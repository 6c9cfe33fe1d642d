"""Cisco FTD (and NGIPS) unified connection events: 430002 when a connection begins, 430003 when it ends.

SrcIP is the initiator, with the addresses before translation: that is the key. A connection counts once whether its
start, its end or both are logged: a start is passed over when an end of the same device, ConnectionID and ends follows.
AccessControlRuleAction Block (with or without reset) is a denied attempt. InitiatorBytes and ResponderBytes are of each
side, of a start event they are unknown. The start is FirstPacketSecond (UTC), else the stamp of the line, of an end
event less ConnectionDuration. There is no repeat count. 430001, 430004 and 430005 tell of a connection that has its own
events. Lines of the ASA engine in the same file are read by ``asa``, which calls this module.
"""

import re
from collections.abc import Mapping, Sequence

from connectors.sources.logs import clocks, devices, line_sql, pairs
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan

NAME = "ftd"
LACKS = "unified connection event (430002 or 430003; logging of connections in the access control policy)"

NAMES = {
    "src": ("SrcIP",),
    "sport": ("SrcPort",),
    "dst": ("DstIP",),
    "dport": ("DstPort",),
    "proto": ("Protocol",),
    "sent": ("InitiatorBytes",),
    "received": ("ResponderBytes",),
    "packets_sent": ("InitiatorPackets",),
    "packets_received": ("ResponderPackets",),
    "span": ("ConnectionDuration",),
    "action": ("AccessControlRuleAction",),
    "first": ("FirstPacketSecond",),
    "id": ("ConnectionID",),
    "device": ("DeviceUUID",),
    "instance": ("InstanceID",),
}
UNIFIED = "-43000"
_SEEN = re.compile(r"^[^{\n]{0,200}?(?:\b(?:FTD|NGIPS)-\d-43000[1-5]: |\bSFIMS: [^\n]{0,400}\bSrcIP: )", re.MULTILINE)
_APART_S = 5
_NUMBER = r"-(43000\d): ?"


SAMPLE = Sample(
    rows=(
        "$bsd $year $clock fw01  %FTD-1-${event}: EventPriority: Low, DeviceUUID: 0-1, InstanceID: 3, "
        "FirstPacketSecond: ${iso}Z, ConnectionID: $n, AccessControlRuleAction: ${action}, SrcIP: "
        "$client, DstIP: ${dst}, SrcPort: $port, DstPort: 443, Protocol: tcp, IngressInterface: inside,"
        " EgressInterface: outside, ACPolicy: Default, AccessControlRuleName: out, Prefilter Policy: "
        "Default, User: No Authentication Required, Client: SSL client, ApplicationProtocol: HTTPS, "
        "ConnectionDuration: 20, InitiatorPackets: 7, ResponderPackets: 5, InitiatorBytes: 858, "
        "ResponderBytes: 1292, NAPPolicy: Balanced",
        "$bsd $year $clock fw01  %FTD-1-430001: DeviceUUID: 0-1, SrcIP: $client, DstIP: 45.60.1.1, "
        "Protocol: tcp, Message: MALWARE-CNC, Priority: 1",
    ),
    turns=(
        {"event": "430002", "action": "Allow", "dst": "45.60.1.1"},
        {"event": "430003", "action": "Allow", "dst": "45.60.1.1"},
        {"event": "430002", "action": "Block", "dst": "45.60.1.3"},
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """Unified events of FTD or NGIPS; None for any other content. A file with ASA messages beside them is ``asa``."""
    if "SrcIP: " not in head or not _SEEN.search(head):
        return None
    return Recognised(format=NAME, kind="conn", options=clocks.written(head, path), note=clocks.note(head, "FTD"))


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a connection or denied attempt; all other lines are in ``passed``."""
    return rows(line_sql.lines(paths, scan), clocks.clock(form, scan))


def beside(messages: str, source: str, device: clocks.Clock) -> str:
    """``messages`` (conn rows of the ASA engine) and the unified events of ``source``, a connection of both only once.

    FTD may log a connection in both ways; the event says more, so the message is passed over.
    """
    same = " AND ".join(f"m.{name} = e.{name}" for name in ("src_ip", "src_port", "dst_ip", "dst_port", "proto"))
    near = f"m.denied = e.denied AND abs(m.start - e.start) <= {_APART_S}"
    seen = f"EXISTS (SELECT 1 FROM events e WHERE {same} AND {near})"
    marked = f"SELECT m.*, m.start IS NOT NULL AND {seen} AS seen FROM messages m"
    return f"""
        WITH events AS MATERIALIZED ({rows(source, device)}), messages AS ({messages})
        SELECT * FROM events UNION ALL
        SELECT * EXCLUDE (seen) REPLACE (CASE WHEN NOT seen THEN start END AS start,
            CASE WHEN seen THEN 'connection of a unified event' ELSE passed END AS passed) FROM ({marked})"""


def rows(source: str, device: clocks.Clock) -> str:
    """The conn SELECT over the lines of ``source`` (file, line, n, text)."""
    number = f"regexp_extract(left(text, 200), '{_NUMBER}', 1)"
    legacy = "contains(text, 'SFIMS: ') AND contains(text, 'SrcIP: ')"
    begun = "CASE WHEN contains(text, 'ConnectType: Start') THEN '430002' ELSE '430003' END"
    kind = f"CASE WHEN {number} != '' THEN {number} WHEN {legacy} THEN {begun} ELSE '' END"
    body = "regexp_replace(text, '^.*?(43000[0-9]|SFIMS): ?', '')"
    taken = pairs.taken(f"SELECT *, {kind} AS number FROM ({source})", body, pairs.keys_of(NAMES), "colons")
    raw = pairs.raw(NAMES)
    named = ", ".join(f"{value} AS {name}" for name, value in _words(raw).items())
    passed = (
        "CASE WHEN number = '' THEN 'not a unified event' WHEN number NOT IN ('430002', '430003') "
        "THEN 'message ' || number END"
    )
    moment = Cell(
        "FirstPacketSecond, or time stamp (one without a year needs the year given)",
        "coalesce(first, stamp)",
        lambda _: (
            f"CASE WHEN first IS NOT NULL THEN {line_sql.offset_time('first')} "
            f"ELSE {clocks.moment('stamp', device)} END"
        ),
    )
    read = line_sql.checked(f"SELECT *, {named} FROM ({taken})", devices.cells(raw, moment), passed)
    joined = devices.last_only(
        devices.lean(read, ("action", "id", "device", "instance", "first", "ends")),
        ("device", "instance", "id", "src", "sport", "dst", "dport", "proto"),
        "NOT ends",
        "start of a connection that its end counts",
        ended="started, ends",
    )
    denied = "regexp_matches(action, '^(block|interactive block)')"
    counts = devices.counters(f"ends OR {denied}")
    start = "CASE WHEN first IS NULL AND ends THEN started - coalesce(span, 0) ELSE started END"
    answered = f"CASE WHEN {denied} THEN false WHEN ends OR packets_received > 0 THEN packets_received > 0 END"
    return line_sql.canonical("conn", joined, devices.values(False, denied, start=start, answered=answered, **counts))


def _words(raw: Mapping[str, str]) -> dict[str, str]:
    """The columns beside the cells, as SQL over a row of ``pairs.taken``."""
    return {
        "action": f"lower({raw['action']})",
        "id": raw["id"],
        "device": raw["device"],
        "stamp": f"CASE WHEN {raw['first']} IS NULL THEN {clocks.frame()} END",
        "instance": raw["instance"],
        "first": raw["first"],
        "ends": "number = '430003'",
    }
