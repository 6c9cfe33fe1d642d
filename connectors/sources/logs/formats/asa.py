"""Cisco ASA syslog: Built and Teardown joined into one connection, and the attempts that an access list refused.

The Built line names the direction: inbound means that the first side began, outbound the second (Cisco document
116149). The Teardown line has the duration and one byte count for both sides. A Built without Teardown is a connection
of unknown size at its own time; a Teardown without Built is a bad row, because nobody can say who began. Denied
attempts are 106023, 106001, 106006 and 106100 denied (hit-cnt of them). 106015 is a late packet of a connection that is
gone, and 106021 a forged source: no attempts of the source they name. Real addresses are used, never the mapped ones.
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import clocks, line_sql, timestamps
from connectors.sources.logs.formats import ftd
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "asa"
UNDATED = True
LINE = r"(ASA|PIX|FTD)-(\w+-)?\d-\d{6}"
LACKS = "Built, Teardown or Deny message (302013 to 302016, 106023, 106100; logging level informational)"

_CONNECTION = (
    r"^(Built|Teardown) (?:(inbound|outbound) )?(?:Probe )?(TCP|UDP|SCTP) connection (\d+) for [^:]+:([^/ (]+)/(\d+)"
    r"(?: ?\([^)]*\))* to [^:]+:([^/ (]+)/(\d+)(?: ?\([^)]*\))*"
    r"(?: duration (\d+):(\d\d):(\d\d) bytes (\d+)( SYN Timeout)?)?"
)
_CONNECTION_PARTS = (
    "step",
    "direction",
    "proto",
    "id",
    "a",
    "ap",
    "b",
    "bp",
    "hours",
    "minutes",
    "seconds",
    "bytes",
    "why",
)
# The parts of a refused attempt: proto, a, ap, b, bp, hits.
_ACCESS_GROUP = (
    r"Deny (?:protocol )?(\w+) src (?:.+?):([^/ (]+)(?:/(\d+))?.*? dst (?:.+?):([^/ (]+)(?:/(\d+))?.* by access-group()"
)
_INBOUND = r"nbound (TCP|UDP)(?: connection denied)? from ([^/ ]+)/(\d+) to ([^/ ]+)/(\d+) .*on interface()"
_ACCESS_LIST = r"access-list \S+ denied (\w+) [^/ ]+/([^( ]+)\((\d+)\).*? -> [^/ ]+/([^( ]+)\((\d+)\).*? hit-cnt (\d+)"
_DENIED_PARTS = ("proto", "a", "ap", "b", "bp", "hits")
_LIKE_ONE = r"^(Built .*|Teardown (?:Probe )?)(TCP|UDP) conn|^Deny \w+ src |^Inbound TCP|^access-list .*denied"

_SEEN = re.compile(
    r"(ASA|PIX|FTD)-(\w+-)?\d-\d{6}|(Built (in|out)bound|Teardown) (TCP|UDP) connection \d+ for |"
    r"Deny \w+ src \S+ dst \S+ .*by access-group",
)
# One of them is in whatever _SEEN finds. It tries every position of a file, which is slow where there is nothing.
_WORDS = ("ASA-", "PIX-", "FTD-", " connection ", "by access-group")
_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)"
_WITH_YEAR = r"[A-Z][a-z]{2} +\d{1,2} \d{4} \d\d:\d\d:\d\d"
_WITHOUT_YEAR = r"[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d"
_ZONE = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]+)? ?([+-][0-9]{2}:?[0-9]{2}|[A-Z]{1,5})(?:[ :]|$)"
_FRAME = "left(text, 120)"  # where priority, stamp, device and message id are
_FIRST_WORDS = ("Built ", "Teardown ", "Deny ", "Inbound ", "access-list ")
_DEVICE = r"\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?:? +([^ :%|]+)"
_MARK = ("ASA-", "PIX-", "FTD-")  # what stands in the device's place when no device is named


SAMPLE = Sample(
    rows=(
        "$bsd $year $clock fw : %ASA-6-302013: Built outbound TCP connection $n for "
        "outside:45.60.1.1/443 (45.60.1.1/443) to inside:$client/$port (203.0.113.9/$port)",
        "$bsd $year $clock fw : %ASA-6-302014: Teardown TCP connection $n for outside:45.60.1.1/443 "
        "(45.60.1.1/443) to inside:$client/$port duration 0:00:07 bytes 2150 TCP FINs",
        "$bsd $year $clock fw : %ASA-4-106023: Deny tcp src inside:$client/$port dst "
        'outside:45.60.1.3/23 by access-group "inside_in" [0x0, 0x0]',
        "$bsd $year $clock fw : %ASA-5-111008: User 'enable_15' executed the 'write' command.",
    ),
)


def recognise(head: str, path: str) -> Recognised | None:
    """ASA, PIX or FTD messages, with or without their ids; None for any other content."""
    if not any(word in head for word in _WORDS) or not _SEEN.search(head):
        return None
    return Recognised(
        format=NAME,
        kind="conn",
        note="ASA stamps without a zone are read in the time zone given (UTC)",
    )


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The conn SELECT: one row per connection or refused attempt."""
    options = dict(form.options)
    year = literal(options["year"]) if options.get("year") else timestamps.year("stamp", scan)
    zone = options.get("time_zone", scan.time_zone)
    unified = f"contains(left(text, 200), {literal(ftd.UNIFIED)})"
    parsed = _parsed(f"SELECT * FROM ({line_sql.lines(paths, scan)}) WHERE NOT {unified}", year, zone)
    rows = line_sql.checked(
        parsed,
        _cells(),
        "CASE WHEN step = 'other' THEN 'message ' || number END",
        faults=[
            ("step = 'broken'", "'not the documented form of the message: ' || left(message, 60)"),
            ("step = 'Built' AND direction = ''", "'the Built line names no direction'"),
            ("step = 'Teardown' AND size IS NULL", "'the Teardown line has no duration and bytes'"),
        ],
    )
    events = f"SELECT * FROM ({line_sql.lines(paths, scan)}) WHERE {unified}"
    return ftd.beside(line_sql.canonical("conn", _joined(rows), _values()), events, clocks.clock(form, scan))


def _parsed(source: str, year: str, zone: str) -> str:
    """One row a line: step, the parts of the message, when (epoch seconds or null) and the device's name."""
    places = ", ".join(f"nullif(strpos(text, {literal(word)}), 0)" for word in _FIRST_WORDS)
    message = f"CASE WHEN coalesce({places}) > 0 THEN text[coalesce({places}):] ELSE '' END"
    found = f"""
        SELECT file, line, n, text, {message} AS message, {_stamp()} AS stamp,
            CASE WHEN message[1] IN ('B', 'T') AND contains(message, ' connection ')
                THEN {_extract(_CONNECTION, _CONNECTION_PARTS)} END AS c,
            CASE WHEN starts_with(message, 'Deny ') AND contains(message, ' src ')
                THEN {_extract(_ACCESS_GROUP, _DENIED_PARTS)}
                WHEN starts_with(message, 'Inbound ') OR starts_with(message, 'Deny inbound UDP')
                THEN {_extract(_INBOUND, _DENIED_PARTS)}
                WHEN starts_with(message, 'access-list ') THEN {_extract(_ACCESS_LIST, _DENIED_PARTS)} END AS d
        FROM ({source})"""
    broken = f"regexp_matches(message, {literal(_LIKE_ONE)})"
    return f"""
        SELECT *, coalesce(nullif(c.step, ''), CASE WHEN d.proto != '' THEN 'denied' WHEN {broken} THEN 'broken'
                ELSE 'other' END) AS step,
            {_moment(year, zone)} AS moment,
            CASE WHEN c.id != '' THEN {_device()} END AS device,
            coalesce(nullif(regexp_extract({_FRAME}, '(?:^|[-| ])([0-9]{{6}}): ', 1), ''), 'without an id') AS number,
            c.direction AS direction, c.id AS id, c.why AS why,
            try_cast(c.hours AS INTEGER) * 3600 + try_cast(c.minutes AS INTEGER) * 60 + try_cast(c.seconds AS INTEGER)
                AS span,
            {line_sql.count("c.bytes")} AS size
        FROM ({found})"""


def _device() -> str:
    marks = ", ".join(literal(mark) for mark in _MARK)
    named = f"regexp_extract({_FRAME}, {literal(_DEVICE)}, 1)"
    return f"list_transform([{named}], lambda d: CASE WHEN d[1:4] NOT IN ({marks}) THEN d END)[1]"


def _extract(pattern: str, parts: Sequence[str]) -> str:
    names = ", ".join(literal(part) for part in parts)
    return f"regexp_extract(message, {literal(pattern)}, [{names}])"


def _stamp() -> str:
    """The text of the first stamp that names its year, else of the first one that does not."""
    named = f"nullif(regexp_extract({_FRAME}, {literal(f'{_ISO}|{_WITH_YEAR}')}), '')"
    return f"coalesce({named}, regexp_extract({_FRAME}, {literal(_WITHOUT_YEAR)}))"


def _moment(year: str, zone: str) -> str:
    """Epoch seconds of the stamp; a zone that stands behind it (``clock timezone EDT``) is the device's own."""
    spaced = "regexp_replace(stamp, ' +', ' ', 'g')"
    dated = f"try_strptime({spaced}, ['%b %d %Y %H:%M:%S'])"
    undated = f"try_strptime({year} || ' ' || {spaced}, ['%Y %b %d %H:%M:%S'])"
    naive = f"CASE WHEN length({spaced}) >= 19 THEN {dated} ELSE {undated} END"
    word = f"regexp_extract({_FRAME}, {literal(_ZONE)}, 1)"
    local = (
        f"list_transform([{{'t': {naive}, 'word': {word}}}], lambda m: {timestamps.zoned('m.t', 'm.word', zone)})[1]"
    )
    return f"CASE WHEN stamp[5] = '-' THEN {line_sql.offset_time('stamp')} ELSE {local} END"


def _cells() -> dict[str, Cell]:
    def either(part: str) -> str:
        return f"coalesce(nullif(c.{part}, ''), d.{part})"

    return {
        "seen": Cell("time stamp (a stamp without a year needs the year given)", "stamp", lambda _: "moment"),
        "one": Cell("first address", either("a"), line_sql.address),
        "one_port": Cell("first port", f"coalesce(nullif({either('ap')}, ''), '0')", line_sql.port),
        "two": Cell("second address", either("b"), line_sql.address),
        "two_port": Cell("second port", f"coalesce(nullif({either('bp')}, ''), '0')", line_sql.port),
        "hits": Cell("hit-cnt", "d.hits", line_sql.count, required=False),
        "transport": Cell("protocol", either("proto"), line_sql.protocol),
    }


def _joined(rows: str) -> str:
    """Built rows that have a Teardown are left out; the Teardown takes over the direction of its Built."""
    ends = "concat_ws(' ', device, transport, id, one, one_port, two, two_port)"
    one = f"CASE WHEN id != '' AND bad IS NULL THEN {ends} ELSE concat_ws(' ', file, n) END"
    order = "moment, step = 'Teardown', n"
    windowed = f"""
        SELECT *, lag(direction) OVER w AS built_direction, lag(step) OVER w AS before, lead(step) OVER w AS after,
            moment - lag(moment) OVER w AS since, lead(moment) OVER w - moment AS until
        FROM ({rows}) WINDOW w AS (PARTITION BY {one} ORDER BY {order})"""
    once = f"""
        SELECT * REPLACE (CASE WHEN {_AGAIN} THEN {literal(_SENT_TWICE)} ELSE passed END AS passed)
        FROM ({windowed})"""
    orphan = "bad IS NULL AND passed IS NULL AND step = 'Teardown' AND before IS DISTINCT FROM 'Built'"
    merged = "bad IS NULL AND passed IS NULL AND step = 'Built' AND coalesce(after = 'Teardown', false)"
    return f"""
        SELECT * REPLACE (
            CASE WHEN {orphan} THEN 'Teardown without its Built line: who began is unknown' ELSE bad END AS bad),
            CASE WHEN step = 'Teardown' AND before = 'Built' AND bad IS NULL AND passed IS NULL THEN 2 ELSE 1 END
              AS records,
            CASE WHEN step = 'Teardown' THEN built_direction ELSE direction END = 'outbound' AS turned
        FROM ({once}) WHERE NOT ({merged})"""


# Two relays hand on the same message, each with its own stamp.
_RELAYS_APART_S = 60
_AGAIN = (
    "bad IS NULL AND passed IS NULL AND id != '' "
    f"AND (step = 'Built' AND after = 'Built' AND until <= {_RELAYS_APART_S} "
    f"OR step = 'Teardown' AND before = 'Teardown' AND since <= {_RELAYS_APART_S})"
)
_SENT_TWICE = "the same message again, from another relay"


def _values() -> dict[str, str]:
    turned = "CASE WHEN coalesce(turned, false) THEN {} ELSE {} END"
    failed = "why != '' OR size = 0"
    return {
        "start": "seen - CASE WHEN step = 'Teardown' THEN span ELSE 0 END",
        "src_ip": turned.format("two", "one"),
        "src_port": turned.format("two_port", "one_port"),
        "dst_ip": turned.format("one", "two"),
        "dst_port": turned.format("one_port", "two_port"),
        "proto": "transport",
        "conns": "greatest(coalesce(hits, 1), 1)",
        "bytes_total": "CASE WHEN step = 'Teardown' THEN size END",
        "duration": "CASE WHEN step = 'Teardown' THEN span END",
        "answered": f"CASE WHEN step = 'Teardown' AND transport = 'tcp' THEN NOT ({failed}) END",
        "denied": "step = 'denied'",
        "records": "records",
    }
