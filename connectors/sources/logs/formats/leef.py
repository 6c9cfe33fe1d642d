"""LEEF 1.0 and 2.0 records of firewalls: PAN-OS and Strata Logging Service, Check Point, FortiGate.

The rules of vendors, direction, denial and bytes are those of ``cef``; srcBytes and dstBytes (or totalBytes alone) are
the counters, RepeatCount the sessions of a record. Values are divided by tabs, by the delimiter that a 2.0 header
names, or by bars where a template wrote them so.
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import clocks, line_sql, pairs
from connectors.sources.logs.formats import _event_rules
from connectors.sources.logs.schema import Recognised, Sample, Scan

NAME = "leef"
LINE = r"\bLEEF: ?[0-9]"
LACKS = "traffic record of a firewall that is read"

_SEEN = re.compile(r"\bLEEF: ?\d\.\d\|(Palo Alto Networks|Fortinet|Check Point)\|", re.IGNORECASE)


SAMPLE = Sample(
    rows=(
        "$bsd $clock fw01 LEEF:1.0|Palo Alto Networks|PAN-OS Syslog Integration|8.1.10|${action}|"
        "cat=TRAFFIC|Subtype=${step}|devTime=$bsd $year $clock GMT|src=$client|dst=${dst}|"
        "srcPort=$port|dstPort=443|proto=tcp|action=${action}|totalBytes=2150|srcBytes=858|"
        "dstBytes=1292|StartTime=$slashed $clock|ElapsedTime=20|RuleName=let out|SessionID=$n",
    ),
    turns=(
        {"step": "end", "dst": "45.60.1.1", "action": "allow"},
        {"step": "start", "dst": "45.60.1.1", "action": "allow"},
        {"step": "drop", "dst": "45.60.1.3", "action": "deny"},
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """LEEF records of a vendor that is read; None for any other content, JSON around them included."""
    if "LEEF:" not in head or not _SEEN.search(head) or head.lstrip("\ufeff \r\n")[:1] in ("{", "["):
        return None
    return Recognised(format=NAME, kind="conn", options=clocks.written(head, path))


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row a session or denied attempt."""
    parsed = f"SELECT *, {pairs.leef()} AS h FROM ({line_sql.lines(paths, scan)})"
    behind = f"SELECT *, h.rest AS behind FROM ({parsed})"
    records = f"""
        SELECT file, line, n, text, h.vendor AS vendor, h.product AS product, h.id AS id, NULL::VARCHAR AS name,
            {pairs.leef_values("behind")} AS rest FROM ({behind})"""
    return _event_rules.select(form, records, "leef", scan)
