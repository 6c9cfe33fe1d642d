"""Squid's access.log, native or combined: requests of clients to servers, for the names behind them (kind http).

Time is when the answer was sent, so the start is less the elapsed milliseconds. The client began; the destination is
the server that Squid asked (HIER_DIRECT/address), unknown for an answer from the cache or through another proxy. The
name is that of the URL, or of a CONNECT. Requests that Squid denied reached no server and are passed over. Bytes and
repeats do not belong to this kind of log. No address is translated. The combined and
common formats name neither the server's address nor how long an answer took.
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import clocks, line_sql
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "squid"

_ROW = r"(?:^|\s)(\d{9,10}\.\d{3}) +(-?\d+) (\S+) ([A-Z_]+)/(\d{3}) (\d+) ([A-Z_]+) (\S+) (\S+) ([A-Z_0-9]+)/(\S+) \S"
# The host of a URL, or of host:port, and its port.
_URL = r"^(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:[^/?#@]*@)?(\[[^\]]*\]|[^/:?#]*)(?::([0-9]+))?"
_PARTS = ("at", "elapsed", "client", "result", "status", "size", "method", "url", "user", "way", "server")
# Squid's "combined" and "common" formats: a web server's line, and how Squid answered.
_COMBINED = (
    r'(?:^|\s)([0-9A-Fa-f.:]+) \S+ \S+ \[([^\]]+)\] "([A-Z_]+) (\S+) [^"]*" (\d{3}) (\d+|-)'
    r'(?: "[^"]*" "[^"]*")? ([A-Z_]+):([A-Z_0-9]+)'
)
_COMBINED_PARTS = ("client", "at", "method", "url", "status", "size", "result", "way")
_COMBINED_SEEN = re.compile(r"^[^{\n]{0,120}?" + _COMBINED.replace(r"(?:^|\s)", r"\b"), re.MULTILINE)
_COMBINED_TIME = "%d/%b/%Y:%H:%M:%S %z"
_SEEN = re.compile(r"^[^{\n]{0,120}?" + _ROW.replace(r"(?:^|\s)", r"\b"), re.MULTILINE)


SAMPLE = Sample(
    rows=(
        "$epoch.123    250 $client TCP_TUNNEL/200 2150 CONNECT a.example:443 - HIER_DIRECT/45.60.1.1 -",
        "$epoch.124     12 $client TCP_DENIED/403 3900 GET http://b.example/ - HIER_NONE/- text/html",
        "$epoch.125     80 $client TCP_MISS/200 900 GET http://a.example/x?y=1 - HIER_DIRECT/45.60.1.1 text/html",
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """Rows of the native, combined or common format; None for any other content."""
    if not any(word in head for word in ("TCP_", "UDP_", "NONE")):
        return None
    if _SEEN.search(head):
        return Recognised(format=NAME, kind="http")
    return (
        Recognised(format=NAME, kind="http", options=(("style", "combined"),)) if _COMBINED_SEEN.search(head) else None
    )


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The http SELECT: one row a request that reached a server, or might have."""
    combined = ("style", "combined") in form.options
    row, parts = (_COMBINED, _COMBINED_PARTS) if combined else (_ROW, _PARTS)
    names = ", ".join(literal(part) for part in parts)
    source = f"SELECT *, regexp_extract(text, {literal(row)}, [{names}]) AS p FROM ({line_sql.lines(paths, scan)})"
    url = "nullif(p.url, '')"
    host = f"lower(regexp_extract({url}, {literal(_URL)}, 1))"
    own = f"nullif(regexp_extract({url}, {literal(_URL)}, 2), '')"
    usual = f"CASE WHEN {url} ILIKE 'https:%' THEN '443' WHEN {url} ILIKE 'ftp:%' THEN '21' ELSE '80' END"
    port = f"coalesce({own}, {usual})"
    server = (
        "NULL::VARCHAR"
        if combined
        else "CASE WHEN regexp_full_match(p.server, '[0-9A-Fa-f.:]+') AND p.server != '-' THEN p.server END"
    )
    read = line_sql.checked(
        source,
        {
            "ended": Cell("time", "nullif(p.at, '')", _zoned if combined else clocks.epoch),
            "elapsed": Cell(
                "elapsed",
                "NULL::VARCHAR" if combined else "nullif(p.elapsed, '')",
                lambda text: f"try_cast({text} AS DOUBLE)",
                required=False,
            ),
            "src": Cell("client", "p.client", line_sql.address),
            "dst": Cell("server", server, line_sql.address, required=False),
            "dport": Cell("port of the URL", port, line_sql.port, required=False),
        },
        "CASE WHEN p.result LIKE '%DENIED%' THEN 'refused by the proxy' END",
        faults=[("coalesce(p.at, '') = ''", f"'not a row of the {'combined' if combined else 'native'} format'")],
    )
    return line_sql.canonical(
        "http",
        f"SELECT *, {host} AS host FROM ({read})",
        {
            "start": "greatest(ended - greatest(coalesce(elapsed, 0), 0) / 1000, 0)",
            "src_ip": "src",
            "dst_ip": "dst",
            "dst_port": "dport",
            "name": "trim(host, '[]')",
        },
    )


def _zoned(raw: str) -> str:
    """Epoch seconds of 02/Mar/2026:08:00:01 +0000."""
    moment = f"epoch(try_strptime({raw}, {literal(_COMBINED_TIME)}))"
    return line_sql.bounded(moment, line_sql.EARLIEST, line_sql.LATEST)
