"""Zscaler NSS feeds of key=value pairs behind tabs: firewall sessions (kind conn) and web transactions (kind http).

Firewall: csip (the client) began, sdip or cdip is the destination as the client asked for it; ssip, the address behind
Zscaler's translation, is not used. Block and Drop are denied attempts. numsessions of an aggregated record are that
many connections. outbytes and inbytes are sent and received; absent, they are unknown. The start is the record's time
less its duration. Web: ClientIP asked for hostname at serverip; blocked transactions reached no server and are passed
over. Times are those that the feed was told to write: read as UTC unless a time zone is given.
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import clocks, devices, line_sql, pairs
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "zscaler"
LACKS = "firewall record (NSS feed of firewall logs)"

NAMES = {
    "src": ("csip", "ClientIP", "cip", "clientip"),
    "sport": ("csport",),
    "dst": ("cdip", "sdip"),
    "dport": ("cdport", "sdport"),
    "proto": ("proto",),
    "sent": ("outbytes",),
    "received": ("inbytes",),
    "span": ("duration",),
    "repeated": ("numsessions",),
    "action": ("action",),
    "at": ("datetime", "time"),
    "epoch": ("epochtime",),
    "server": ("serverip",),
    "host": ("hostname", "host"),
    "url": ("url",),
    "protocol": ("protocol",),
}
_FIREWALL = re.compile(r"^[^{\n]{0,400}?\bcsip=[^\n]*\b(?:cdip|sdip)=", re.MULTILINE)
_WEB = re.compile(r"^[^{\n]{0,2000}?\bClientIP=[^\n]*", re.MULTILINE)
_FRONT = r"[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4}|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_TIMES = ("%a %b %d %H:%M:%S %Y", "%Y-%m-%d %H:%M:%S", "%b %d %H:%M:%S %Y", "%b %d %Y %H:%M:%S")


SAMPLE = Sample(
    rows=(
        "$date $clock\taction=${action}\tdepartment=Default\tcsip=$client\tcsport=$port\tcdip=${dst}\tc"
        "dport=443\tssip=203.0.113.9\tproto=TCP\tinbytes=1292\toutbytes=858\tduration=20\tnumsessions=1",
    ),
    turns=(
        {"action": "Allow", "dst": "45.60.1.1"},
        {"action": "Block/Drop", "dst": "45.60.1.3"},
    ),
)


def recognise(head: str, path: str) -> Recognised | tuple[Recognised, ...] | None:
    """Firewall records as conn, web records as http; None for any other content."""
    firewall = "csip=" in head and bool(_FIREWALL.search(head))
    web = "ClientIP=" in head and "serverip=" in head and bool(_WEB.search(head))
    forms = [Recognised(format=NAME, kind="conn")] if firewall else []
    forms += [Recognised(format=NAME, kind="http")] if web else []
    return tuple(forms) or None


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The SELECT of the form's kind; records of the other feed are in ``passed``."""
    tabbed = "CASE WHEN contains(text, chr(9)) THEN text ELSE replace(text, ' ', chr(9)) END"
    body = f"regexp_replace({tabbed}, '^[^=]*?([A-Za-z_]+=)', chr(9) || '\\1')"
    source = pairs.taken(line_sql.lines(paths, scan), body, pairs.keys_of(NAMES), "leef")
    raw = pairs.raw(NAMES)
    front = f"regexp_extract(left(text, 200), {literal(_FRONT)})"
    named = {
        "action": f"lower({raw['action']})",
        "stated": f"coalesce(trim({raw['at']}, '\"'), nullif({front}, ''))",
        "epoch": raw["epoch"],
        "web": f"{raw['server']} IS NOT NULL AND {raw['host']} IS NOT NULL",
        "wall": f"{pairs.column('csip')} IS NOT NULL",
        "told_host": raw["host"],
        "scheme": f"lower({raw['protocol']})",
    }
    rows = f"SELECT *, {', '.join(f'{value} AS {name}' for name, value in named.items())} FROM ({source})"
    zone = clocks.clock(form, scan).zone
    moment = Cell(
        "time",
        "coalesce(epoch, stated)",
        lambda text: (
            f"CASE WHEN epoch IS NOT NULL THEN {clocks.epoch('epoch')} ELSE {line_sql.time(text, zone, _TIMES)} END"
        ),
    )
    return _conn(rows, raw, moment) if form.kind == "conn" else _http(rows, raw, moment)


def _conn(source: str, raw: dict[str, str], moment: Cell) -> str:
    passed = "CASE WHEN NOT wall AND web THEN 'web transaction' WHEN NOT wall THEN 'not a firewall record' END"
    read = line_sql.checked(source, devices.cells(raw, moment), passed)
    denied = "regexp_matches(action, '^(block|drop|deny|reset)')"
    return line_sql.canonical("conn", devices.lean(read, ("action",)), devices.values(True, denied))


def _http(source: str, raw: dict[str, str], moment: Cell) -> str:
    passed = (
        "CASE WHEN wall AND NOT web THEN 'firewall record' WHEN NOT web THEN 'not a web transaction' "
        "WHEN regexp_matches(action, '^(block|deny)') THEN 'refused by the proxy' END"
    )
    read = line_sql.checked(
        source,
        {
            "started": moment,
            "src": Cell("ClientIP", raw["src"], line_sql.address),
            "dst": Cell("serverip", raw["server"], line_sql.address, required=False),
        },
        passed,
    )
    own_port = line_sql.port("regexp_extract(told_host, ':([0-9]+)$', 1)")
    return line_sql.canonical(
        "http",
        read,
        {
            "start": "started",
            "src_ip": "src",
            "dst_ip": "dst",
            "name": "lower(regexp_replace(told_host, ':[0-9]+$', ''))",
            "dst_port": f"CASE WHEN regexp_matches(told_host, ':[0-9]{{1,5}}$') THEN {own_port} "
            "WHEN scheme = 'http' THEN 80 "
            "WHEN starts_with(scheme, 'http') OR scheme IN ('ssl', 'tunnel_ssl') THEN 443 END",
        },
    )
