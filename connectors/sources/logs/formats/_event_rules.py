"""Which CEF and LEEF records are connections, by vendor: rules over a record's header and the names of its values.

A record of a vendor without a rule is passed over with its vendor's name. Keys are those of the vendors' own templates.
``out`` and ``in`` are seen from the source: sent and received.
"""

from collections.abc import Mapping, Sequence

from connectors.sources.logs import clocks, devices, line_sql, pairs
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Scan

NAMES: Mapping[str, Sequence[str]] = {
    "src": ("src", "c6a2"),
    "sport": ("spt", "srcPort", "SourcePort"),
    "dst": ("dst", "c6a3"),
    "dport": ("dpt", "dstPort", "DestinationPort"),
    "proto": ("proto", "Protocol"),
    "sent": ("out", "srcBytes", "BytesSent", "bytesOut"),
    "received": ("in", "dstBytes", "BytesReceived", "bytesIn"),
    "total": ("totalBytes", "Bytes", "PanOSBytes"),
    "packets_sent": ("PanOSPacketsSent", "srcPackets", "PacketsSent", "FTNTFGTsentpkt", "FortinetFortiGatesentpkt"),
    "packets_received": (
        "PanOSPacketsReceived",
        "dstPackets",
        "PacketsReceived",
        "FTNTFGTrcvdpkt",
        "FortinetFortiGatercvdpkt",
    ),
    "span": ("FTNTFGTduration", "FortinetFortiGateduration", "ElapsedTime", "SessionDuration", "cn3", "cn1"),
    "repeated": ("cnt", "RepeatCount", "CountOfRepeats"),
    "act": ("act", "action", "Action"),
    "cat": ("cat", "Type", "LogType"),
    "sub": ("Subtype", "SubType", "subtype"),
    "uid": ("loguid", "externalId"),
    "start": ("PanOSSessionStartTime", "start", "StartTime", "SessionStartTime"),
    "event": ("FTNTFGTeventtime", "FortinetFortiGateeventtime", "rt", "devTime"),
    "dtz": ("dtz",),
    "span_label": ("cn3Label",),
    "span_label1": ("cn1Label",),
    "product": ("product",),
    "logid": ("FTNTFGTlogid", "FortinetFortiGatelogid"),
    "session": ("cn1",),
    "session_label": ("cn1Label",),
}
PAN, FORTINET, CHECK_POINT = "palo alto networks", "fortinet", "check point"
VENDORS = (PAN, FORTINET, CHECK_POINT)


def select(form: Recognised, records: str, style: pairs.Style, scan: Scan) -> str:
    """The conn SELECT over ``records``: file, line, n, text, vendor, product, id, name, and ``rest``, the values."""
    taken = pairs.taken(records, "rest", pairs.keys_of(NAMES), style)
    raw = pairs.raw(NAMES)
    words = {
        "maker": "lower(trim(vendor))",
        "kind": f"upper(coalesce({raw['cat']}, ''))",
        "sub": f"lower({raw['sub']})",
        "act": f"lower({raw['act']})",
        "uid": raw["uid"],
        "logid": raw["logid"],
        "stamp": f"CASE WHEN coalesce({raw['start']}, {raw['event']}) IS NULL THEN {clocks.frame()} END",
        "event_name": "lower(coalesce(name, '') || ' ' || coalesce(id, ''))",
    }
    named = ", ".join(f"{value} AS {name}" for name, value in words.items())
    steps = {
        "step": "CASE WHEN upper(name) = 'TRAFFIC' THEN lower(id) WHEN upper(id) = 'TRAFFIC' THEN lower(name) ELSE sub "
        "END",
        "of_traffic": "coalesce(upper(name) = 'TRAFFIC', false) OR upper(id) = 'TRAFFIC' OR kind = 'TRAFFIC'",
    }
    stepped = ", ".join(f"{value} AS {name}" for name, value in steps.items())
    source = f"SELECT *, {stepped} FROM (SELECT *, {named} FROM ({taken}))"
    read = line_sql.checked(source, devices.cells({**raw, "span": _span(raw)}, _moment(raw, form, scan)), _passed(raw))
    rows = devices.last_only(
        devices.lean(read, ("maker", "act", "uid", "logid", "step")),
        ("maker", "uid", "src", "sport", "dst", "dport"),
        f"uid IS NOT NULL AND (maker = '{CHECK_POINT}' OR maker = '{FORTINET}' AND "
        "(act = 'start' OR right(logid, 4) IN ('0015', '0016', '0020')))",
        "record of a session that a later record counts",
    )
    denied = (
        f"regexp_matches(coalesce(act, ''), '^(deny|denied|drop|block|reset|reject)') "
        f"OR maker = '{PAN}' AND step IN ('drop', 'deny')"
    )
    start = f"CASE WHEN maker = '{FORTINET}' THEN started - coalesce(span, 0) ELSE started END"
    answered = (
        f"CASE WHEN {denied} THEN false WHEN act = 'ip-conn' THEN false "
        "ELSE coalesce(packets_received, received) > 0 END"
    )
    return line_sql.canonical("conn", rows, devices.values(False, f"({denied})", start=start, answered=answered))


def _passed(raw: Mapping[str, str]) -> str:
    firewall = f"coalesce(lower({raw['product']}), lower(product)) LIKE 'vpn-1%' OR lower(product) LIKE 'firewall%'"
    known = ", ".join(f"'{vendor}'" for vendor in VENDORS)
    return (
        f"CASE WHEN maker IS NULL OR maker = '' THEN 'no such record in the line' WHEN maker NOT IN ({known}) "
        "THEN 'record of ' || left(vendor, 40) "
        f"WHEN maker = '{PAN}' AND NOT of_traffic THEN 'not a TRAFFIC record' "
        f"WHEN maker = '{PAN}' AND step = 'start' THEN 'start of a session that its end record counts' "
        f"WHEN maker = '{FORTINET}' AND NOT regexp_matches(event_name || lower(kind), 'traffic') "
        "THEN 'not a traffic record' "
        f"WHEN maker = '{CHECK_POINT}' AND NOT ({firewall}) THEN 'product ' || left(product, 40) "
        f"WHEN maker = '{CHECK_POINT}' AND {raw['src']} IS NULL THEN 'record without addresses' END"
    )


def _span(raw: Mapping[str, str]) -> str:
    """A custom number is the duration only where its label says so."""
    own = [pairs.column(key) for key in NAMES["span"] if key not in ("cn1", "cn3")]
    labelled = [
        f"CASE WHEN regexp_matches({raw[label]}, '(?i)elapsed|duration') THEN {pairs.column(key)} END"
        for label, key in (("span_label", "cn3"), ("span_label1", "cn1"))
    ]
    return f"coalesce({', '.join((*own, *labelled))})"


def _moment(raw: Mapping[str, str], form: Recognised, scan: Scan) -> Cell:
    device = clocks.clock(form, scan)
    own = (
        f"CASE WHEN maker = '{FORTINET}' THEN coalesce({raw['event']}, {raw['start']}, stamp) "
        f"ELSE coalesce({raw['start']}, {raw['event']}, stamp) END"
    )
    zoned = (
        f"({own}) || CASE WHEN {raw['dtz']} = 'UTC' AND regexp_matches({own}, '[0-9]$') "
        f"AND NOT regexp_full_match({own}, '[0-9]+') THEN ' UTC' ELSE '' END"
    )
    return Cell(
        "start or event time",
        zoned,
        lambda text: (
            f"CASE WHEN regexp_full_match({text}, '[0-9]+([.][0-9]+)?') THEN {clocks.epoch(text)} "
            f"WHEN {text} = stamp THEN {clocks.moment('stamp', device)} ELSE {clocks.dated(text, device.zone)} END"
        ),
    )
