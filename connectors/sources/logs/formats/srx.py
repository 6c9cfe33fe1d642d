"""Juniper SRX session logs: RT_FLOW and APPTRACK messages, structured (sd-syslog) and plain text.

A session is counted once, from its CLOSE message; its CREATE (and volume updates) are passed over when a later message
of the same session id and ends follows, and the last counts when none does. DENY is a denied attempt. The message names
the client first, with the addresses before translation: that is the key. Bytes and packets of each side are in CLOSE
only; the start is the time of CLOSE less its elapsed time. There is no repeat count. Other messages are passed over by
their name. Stamps of the standard format name no year.
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import clocks, devices, line_sql, pairs
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "srx"
LINE = r"\b(RT_[A-Z]+|APPTRACK_SESSION)"
LACKS = "RT_FLOW_SESSION_CLOSE, CREATE or DENY message (log session-close in the policy)"

NAMES = {
    "src": ("source-address",),
    "sport": ("source-port",),
    "dst": ("destination-address",),
    "dport": ("destination-port",),
    "proto": ("protocol-id",),
    "sent": ("bytes-from-client",),
    "received": ("bytes-from-server",),
    "packets_sent": ("packets-from-client",),
    "packets_received": ("packets-from-server",),
    "span": ("elapsed-time",),
    "session": ("session-id-32", "session-id"),
}
_SEEN = re.compile(r"^[^{|\n]{0,300}?\b(?:RT_FLOW|APPTRACK)_SESSION_(?:CREATE|CLOSE|DENY)", re.MULTILINE)
_MESSAGE = r"\b((?:RT_FLOW_|RT_|APPTRACK_|AAMW_|SECINTEL_|FLOW_|PFE_|IDP_|WEBFILTER_|AV_|APPQOS_)[A-Z]+_[A-Z0-9_]+)\b"
_ENDS = r"([0-9A-Fa-f.:]+)/(\d+)->([0-9A-Fa-f.:]+)/(\d+)"
_PLAIN = (
    rf"_SESSION_\w+: [^/]*?{_ENDS}(?:.*->\S+?/\d+)?(?: (?:0x\S*|[^\s\d]\S*))* (\d{{1,3}})(?:\(\d+\))? "
    r"(?:.*? (\d+) (\d+)\((\d+)\) (\d+)\((\d+)\)(?: (\d+))?\b)?"
)
_PARTS = (
    "src",
    "sport",
    "dst",
    "dport",
    "proto",
    "session",
    "packets_sent",
    "sent",
    "packets_received",
    "received",
    "span",
)


SAMPLE = Sample(
    rows=(
        "<14>1 ${iso}.000Z srx RT_FLOW - ${message} [junos@2636.1.1.1.2.40 "
        '${reason}source-address="$client" source-port="$port" destination-address="${dst}" '
        'destination-port="443" service-name="junos-https" nat-source-address="203.0.113.9" '
        'nat-source-port="$port" protocol-id="6" policy-name="out" source-zone-name="trust" '
        'destination-zone-name="untrust" session-id-32="$n"${counters}]',
    ),
    turns=(
        {"message": "RT_FLOW_SESSION_CREATE", "reason": "", "dst": "45.60.1.1", "counters": ""},
        {
            "message": "RT_FLOW_SESSION_CLOSE",
            "reason": 'reason="TCP FIN" ',
            "dst": "45.60.1.1",
            "counters": ' packets-from-client="7" bytes-from-client="858" packets-from-server="5" '
            'bytes-from-server="1292" elapsed-time="20"',
        },
        {"message": "RT_FLOW_SESSION_DENY", "reason": "", "dst": "45.60.1.3", "counters": ""},
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """Messages of RT_FLOW or APPTRACK about sessions; None for any other content, CEF included."""
    if "_SESSION_" not in head or not _SEEN.search(head):
        return None
    return Recognised(format=NAME, kind="conn", options=clocks.written(head, path), note=clocks.note(head, "SRX"))


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a session or denied attempt."""
    names = ", ".join(literal(part) for part in _PARTS)
    step = f"regexp_extract(text, {literal(_MESSAGE)}, 1)"
    told = f"{_name(step)} AS message, contains(text, '[junos@') AS structured"
    numbered = f"SELECT *, {told} FROM ({line_sql.lines(paths, scan)})"
    body = "rtrim(text[strpos(text, '[junos@') + strpos(text[strpos(text, '[junos@'):], ' '):], '] ')"
    taken = pairs.taken(numbered, f"CASE WHEN structured THEN {body} END", pairs.keys_of(NAMES), "spaced")
    plain = f"CASE WHEN NOT structured THEN regexp_extract(text, {literal(_PLAIN)}, [{names}]) END"
    source = f"""
        SELECT *, {clocks.frame()} AS stamp, {plain} AS p, ends_with(message, 'SESSION_DENY') AS refused,
            message = 'RT_FLOW_SESSION_CLOSE' AS closed FROM ({taken})"""
    raw = {name: f"coalesce({value}, nullif(p.{name}, ''))" for name, value in pairs.raw(NAMES).items()}
    stamp = Cell(
        "time stamp (one without a year needs the year given)",
        "stamp",
        lambda _: clocks.moment("stamp", clocks.clock(form, scan)),
    )
    passed = (
        "CASE WHEN message = '' THEN 'not a message of the SRX' WHEN NOT regexp_matches(message, "
        "'^(RT_FLOW|APPTRACK)_SESSION_(CREATE|CLOSE|DENY|VOL_UPDATE)$') THEN 'message ' || message END"
    )
    read = line_sql.checked(
        f"SELECT *, {raw['session']} AS session_id FROM ({source})", devices.cells(raw, stamp), passed
    )
    rows = devices.last_only(
        devices.lean(read, ("refused", "closed", "session_id")),
        ("session_id", "src", "sport", "dst", "dport", "proto"),
        "NOT closed AND NOT refused",
        "record of a session that a later record counts",
        ended="started, closed",
    )
    answered = "CASE WHEN refused THEN false WHEN span IS NOT NULL THEN coalesce(packets_received, received) > 0 END"
    return line_sql.canonical("conn", rows, devices.values(True, "refused", answered=answered))


def _name(step: str) -> str:
    """The message's name without the suffix of a logical system; RT_FLOW alone is the name of a program."""
    return f"regexp_replace({step}, '_LS$', '')"
