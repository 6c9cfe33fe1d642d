"""CEF records of firewalls: PAN-OS and Strata Logging Service, FortiGate, and Check Point's Log Exporter.

src began, with the address before translation (sourceTranslatedAddress is not used). PAN-OS: TRAFFIC records, counted
as in ``panos``: ``end`` cnt times, ``start`` passed over, ``drop`` and ``deny`` denied. FortiGate: traffic records, as
in ``fortigate``. Check Point: records of the firewall, as in ``checkpoint``. An action that denies, drops, blocks or
resets is a denied attempt. ``out`` and ``in`` are the bytes sent and received; without them bytes are unknown. The
start is the session's own start where the record has it, else its event time (of FortiGate less the duration).
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import clocks, line_sql, pairs
from connectors.sources.logs.formats import _event_rules
from connectors.sources.logs.schema import Recognised, Sample, Scan

NAME = "cef"
LINE = r"\bCEF: ?[0-9]+\|"
LACKS = "traffic record of a firewall that is read"

_SEEN = re.compile(r"\bCEF: ?\d+\|(Palo Alto Networks|Fortinet|Check Point)\|", re.IGNORECASE)


SAMPLE = Sample(
    rows=(
        "<14>$bsd $clock fw01 CEF:0|Palo Alto Networks|PAN-OS|10.0.8|${step}|TRAFFIC|1|rt=$bsd $year "
        "$clock GMT deviceExternalId=0123 src=$client dst=${dst} sourceTranslatedAddress=203.0.113.9 "
        "cs1Label=Rule cs1=let out app=ssl cs3Label=Virtual System cs3=vsys1 cs4Label=Source Zone "
        "cs4=trust cn1Label=SessionID cn1=$n cnt=1 spt=$port dpt=443 proto=tcp act=${action} in=1292 "
        "out=858 cn2Label=Packets cn2=12 PanOSPacketsReceived=5 PanOSPacketsSent=7 start=$bsd $year "
        "$clock GMT cn3Label=Elapsed time in seconds cn3=20",
    ),
    turns=(
        {"step": "end", "dst": "45.60.1.1", "action": "allow"},
        {"step": "start", "dst": "45.60.1.1", "action": "allow"},
        {"step": "drop", "dst": "45.60.1.3", "action": "deny"},
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """CEF records of a vendor that is read; None for any other content, JSON around them included."""
    if "CEF:" not in head or not _SEEN.search(head) or head.lstrip("\ufeff \r\n")[:1] in ("{", "["):
        return None
    return Recognised(format=NAME, kind="conn", options=clocks.written(head, path))


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a session or denied attempt."""
    records = f"""
        SELECT file, line, n, text, h.vendor AS vendor, h.product AS product, h.id AS id, h.name AS name,
            h.rest AS rest
        FROM (SELECT *, {pairs.cef()} AS h FROM ({line_sql.lines(paths, scan)}))"""
    return _event_rules.select(form, records, "cef", scan)
