"""FortiGate traffic logs: key=value lines, their CSV form, and files saved by FortiOS or FortiAnalyzer.

The source is the client: srcip began, and neither transip nor tranip is used, so the key is the inside original source
and the address that it asked for. A session is counted once, from its last record: ``start`` records and the interim
statistics of long sessions (log id ...0020, counters since the start) are passed over when a later record of the same
device, sessionid and ends follows, and the last one counts when none does. ``deny`` and ``blocked`` are denied
attempts; ``ip-conn`` and ``timeout`` without an answer are connections that nobody answered. sentbyte and rcvdbyte
count from the client's side; a record without them says nothing of bytes. The record is written at the end: start is
its time less ``duration``. Time is eventtime (seconds to nanoseconds), else date and time with tz, else in the given
zone.
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import clocks, devices, line_sql, pairs
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan

NAME = "fortigate"
LINE = r'\b(devid|device_id|logid|log_id)="?[A-Z0-9]'
LACKS = "traffic record (set logtraffic all, or log forwarding of traffic)"

NAMES = {
    "src": ("srcip", "src"),
    "sport": ("srcport", "src_port"),
    "dst": ("dstip", "dst"),
    "dport": ("dstport", "dst_port"),
    "proto": ("proto",),
    "sent": ("sentbyte", "sent"),
    "received": ("rcvdbyte", "rcvd"),
    "packets_sent": ("sentpkt",),
    "packets_received": ("rcvdpkt",),
    "span": ("duration",),
    "type": ("type",),
    "subtype": ("subtype",),
    "action": ("action", "status"),
    "logid": ("logid", "log_id"),
    "session": ("sessionid", "session_id", "SN"),
    "device": ("devid", "device_id"),
    "eventtime": ("eventtime",),
    "date": ("date",),
    "time": ("time",),
    "tz": ("tz",),
    "itime": ("itime",),
}
_SEEN = re.compile(
    r'^[^{\n|]{0,200}?\btype="?traffic"?[ ,]|^[^{\n|]{0,300}?\b(?:devid|device_id)="?F[A-Z0-9]{5,}"?[ ,"]', re.MULTILINE
)
_WORDS = ("traffic", "devid=", "device_id=")
_COMMAS = re.compile(r'\b(?:date|itime|time|devid|logid)="?[^ ,"]+"?,"?[a-z_]+=')
_NAMED_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")


SAMPLE = Sample(
    rows=(
        '<189>date=$date time=$clock devname="FGT1" devid="FG100D3G1" eventtime=${epoch}000000000 '
        'tz="+0000" logid="${logid}" type="traffic" subtype="forward" level="notice" vd="root" '
        'srcip=$client srcport=$port srcintf="lan" srcintfrole="lan" dstip=${dst} dstport=443 '
        'dstintf="wan1" dstintfrole="wan" srccountry="Reserved" dstcountry="United States" '
        'sessionid=$n proto=6 action="${action}" policyid=1 policytype="policy" service="HTTPS" '
        'trandisp="snat" transip=203.0.113.9 transport=$port duration=20 sentbyte=${sent_by} '
        'rcvdbyte=1292 sentpkt=7 rcvdpkt=5 appcat="unscanned"',
    ),
    turns=(
        {"logid": "0000000013", "dst": "45.60.1.1", "action": "close", "sent_by": "858"},
        {"logid": "0000000020", "dst": "45.60.1.2", "action": "accept", "sent_by": "400"},
        {"logid": "0000000013", "dst": "45.60.1.2", "action": "timeout", "sent_by": "858"},
        {"logid": "0000000013", "dst": "45.60.1.3", "action": "deny", "sent_by": "0"},
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """Lines with type=traffic, or with a FortiGate's devid; None for any other content, CEF and LEEF included."""
    if not any(word in head for word in _WORDS) or not _SEEN.search(head) or not re.search(r"\b(logid|log_id)=", head):
        return None
    style = "commas" if _COMMAS.search(head[:4096]) else "spaced"
    note = ""
    if "eventtime=" not in head and "tz=" not in head:
        note = "FortiGate lines without eventtime or tz: read as UTC unless a time zone is given"
    return Recognised(format=NAME, kind="conn", options=(("style", style),), note=note)


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a session or denied attempt; interim and start records are in ``passed``."""
    style: pairs.Style = "commas" if dict(form.options).get("style") == "commas" else "spaced"
    source = pairs.taken(line_sql.lines(paths, scan), pairs.behind_frame(), pairs.keys_of(NAMES), style)
    raw = pairs.raw(NAMES)
    words = ", ".join(
        f"{value} AS {name}"
        for name, value in {
            "action": f"lower({raw['action']})",
            "logid": raw["logid"],
            "session_id": raw["session"],
            "device": raw["device"],
            "kind": f"lower({raw['type']})",
            "sub": f"lower({raw['subtype']})",
        }.items()
    )
    passed = (
        "CASE WHEN kind IS NULL THEN 'not a FortiGate record' WHEN kind != 'traffic' THEN 'type ' || left(kind, 20) "
        "WHEN sub = 'http-transaction' THEN 'request within a session' END"
    )
    zone = clocks.clock(form, scan).zone
    read = line_sql.checked(f"SELECT *, {words} FROM ({source})", devices.cells(raw, _time(raw, zone)), passed)
    rows = devices.last_only(
        devices.lean(read, ("action", "logid", "session_id", "device")),
        ("device", "session_id", "src", "sport", "dst", "dport", "proto"),
        "session_id IS NOT NULL AND (action = 'start' OR right(logid, 4) IN ('0015', '0016', '0020'))",
        "record of a session that a later record counts",
    )
    denied = "action IN ('deny', 'denied', 'blocked', 'block', 'drop', 'dropped')"
    silent = "action = 'start' OR right(logid, 4) IN ('0015', '0016')"
    counts = devices.counters(f"NOT coalesce({silent}, false)")
    answered = (
        f"CASE WHEN {denied} OR action = 'ip-conn' THEN false WHEN {silent} THEN NULL "
        "ELSE coalesce(packets_received, received) > 0 END"
    )
    return line_sql.canonical("conn", rows, devices.values(True, denied, answered=answered, **counts))


def _time(raw: dict[str, str], zone: str) -> Cell:
    day = f"{raw['date']} || ' ' || {raw['time']}"
    offset = line_sql.offset_time(f"(replace({day}, ' ', 'T') || {raw['tz']})")
    local = line_sql.time(f"({day})", zone, _NAMED_TIMES)
    spoken = f"coalesce({raw['eventtime']}, {day}, {raw['itime']})"
    return Cell(
        "eventtime, or date and time",
        spoken,
        lambda _: (
            f"CASE WHEN {raw['eventtime']} IS NOT NULL THEN {clocks.epoch(raw['eventtime'])} "
            f"WHEN {raw['tz']} IS NOT NULL AND {raw['date']} IS NOT NULL THEN {offset} "
            f"WHEN {raw['date']} IS NOT NULL THEN {local} ELSE {clocks.epoch(raw['itime'])} END"
        ),
    )
