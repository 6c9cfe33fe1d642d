"""Sysmon's connections (event 3) and name look-ups (event 22), as JSON, rendered XML or the text of the event.

Where its collectors keep the fields of an event (NXLog, winlogbeat, evtx_dump, Wazuh, Fluentd, XML ...) is in
connectors/sources/logs/sysmon_shapes.py. Sysmon counts no bytes, refuses nothing and sees no NAT, and a connection is
logged by both ends: only the row of the end that opened it is taken, the other one is passed over.

A look-up names no address, neither of the asker nor of the resolver. The asker's is the source of the host's latest
connection before it (or its first one after); ``server`` stays null, so that such an answer backs no name and such a
log covers nobody else's questions. ``failed`` is status 9003, no such name, and not a time-out or an empty answer, as
in every other format. Process starts (event 1) are no rows here: connectors/enrichers/sysmon.py joins them to the
connections.
"""

import re
from collections.abc import Sequence

from connectors.sources.logs import line_sql, sysmon_shapes
from connectors.sources.logs.line_sql import Cell
from connectors.sources.logs.schema import Recognised, Sample, Scan, literal

NAME = "sysmon"
ENDPOINT = True  # the machines' own record: the same connections may stand in a sensor's log as well

_EVENT = re.compile(
    r'^[ \t]*\{(?=.*"(EventID|event_id)"\s*:)(?=.*(Microsoft-Windows-Sysmon|"UtcTime"\s*:))', re.MULTILINE | re.ASCII
)
# XML, and JSON that names the event's number in other words.
_ELSEWHERE = ("<EventID", '"eventID"', '"EventId"', '"event.code"', '"code"')
_XML_EVENT = re.compile(r"^[ \t]*<(?=.*Microsoft-Windows-Sysmon).*<EventID", re.MULTILINE)
_OTHER_EVENT = re.compile(
    r'^[ \t]*\{(?=.*"(?:eventID|EventId|event[.]code|code)"\s*:)(?=.*Microsoft-Windows-Sysmon)', re.MULTILINE | re.ASCII
)
_CONNECTION, _LOOK_UP = "3", "22"
_NO_SUCH_NAME = "9003"
_PATTERNS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S")
_FIELDS = (
    "UtcTime",
    "Image",
    "Protocol",
    "Initiated",
    "SourceIp",
    "SourcePort",
    "DestinationIp",
    "DestinationPort",
    "QueryName",
    "QueryStatus",
    "QueryResults",
)
_ZEROS = "(^|:)0(:0)+(:|$)"  # the first run of zeros, which in a real address is the longest
_NOT_ITS_OWN = ("127.%", "::1", "0.0.0.0", "::", "169.254.%", "fe80:%")


SAMPLE = Sample(
    rows=(
        '{"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": ${event}, "Hostname": "ws-07", '
        '"UtcTime": "$date $clock.120", "Image": "C:\\\\Windows\\\\System32\\\\svchost.exe", ${rest}}',
    ),
    turns=(
        {
            "event": "3",
            "rest": '"Protocol": "tcp", "Initiated": "true", "SourceIp": "$client", "SourcePort": $port, '
            '"DestinationIp": "45.60.1.1", "DestinationPort": 443',
        },
        {"event": "22", "rest": '"QueryName": "a.example", "QueryStatus": "0", "QueryResults": "45.60.1.1;"'},
        {"event": "1", "rest": '"CommandLine": "svchost.exe -k netsvcs"'},
    ),
)


def recognise(head: str, path: str) -> tuple[Recognised, ...] | None:
    """Sysmon by an event number and its channel or UtcTime in one object; None for any other content."""
    known = any(name in head for name in ('"EventID"', '"event_id"')) and _EVENT.search(head)
    if not known and any(name in head for name in _ELSEWHERE):
        is_xml = head.lstrip("\ufeff \t\r\n").startswith("<")
        known = (_XML_EVENT if is_xml else _OTHER_EVENT).search(head)
    # An event inside another record's value is for envelopes.py.
    if not known or sysmon_shapes.is_wrapped(head):
        return None
    places = sysmon_shapes.places_in(head, _FIELDS)
    options = (("places", ",".join(places)),) if places else ()
    return tuple(Recognised(format=NAME, kind=kind, options=options) for kind in ("conn", "dns"))


def select(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """The SELECT of connections or look-ups; all other events are passed over, once, with the connections."""
    return _connections(form, paths, scan) if form.kind == "conn" else _look_ups(form, paths, scan)


def _connections(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    passed = f"""CASE WHEN channel NOT ILIKE '%sysmon%' THEN 'an event of another channel'
        WHEN id = {literal(_LOOK_UP)} THEN 'a look-up: its names are read'
        WHEN id != {literal(_CONNECTION)} THEN 'event ' || id || ' is no connection'
        WHEN lower(Initiated) = 'false' THEN 'the other end opened it' END"""
    rows = line_sql.checked(
        _events(form, paths, scan),
        _ends(),
        passed,
        faults=[
            ("NOT is_json AND NOT json_valid(text)", "'not JSON: ' || left(text, 60)"),
            ("id IS NULL", "'not a Sysmon event: ' || left(text, 60)"),
        ],
    )
    return line_sql.canonical(
        "conn",
        rows,
        {
            "start": "seen",
            "hostname": "computer",
            "src_ip": "src",
            "src_port": "sport",
            "dst_ip": "dst",
            "dst_port": "dport",
            "proto": "transport",
            "process_name": "process",
        },
    )


def _look_ups(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    events = _events(form, paths, scan)
    sysmon = "coalesce(channel ILIKE '%sysmon%', true)"
    cells = {
        "seen": Cell("UtcTime", "UtcTime", _moment),
        "question": Cell("QueryName", "QueryName", lambda raw: f"rtrim(lower({raw}), '.')"),
    }
    asked = line_sql.checked(f"SELECT * FROM ({events}) WHERE id = {literal(_LOOK_UP)} AND {sysmon}", cells)
    own = " AND ".join(f"src NOT LIKE {literal(pattern)}" for pattern in _NOT_ITS_OWN)
    used = f"""SELECT computer, {_moment("UtcTime")} AS used_at, {_address("SourceIp")} AS src FROM ({events})
        WHERE id = {literal(_CONNECTION)} AND {sysmon} AND lower(Initiated) = 'true' AND computer != ''"""
    sources = f"SELECT * FROM ({used}) WHERE used_at IS NOT NULL AND {own}"
    rows = f"""SELECT q.*, coalesce(before.src, after.src) AS asker FROM ({asked}) q
        ASOF LEFT JOIN ({sources}) before ON q.computer = before.computer AND q.seen >= before.used_at
        LEFT JOIN (SELECT computer, arg_min(src, used_at) AS src FROM ({sources}) GROUP BY computer) after
        ON q.computer = after.computer"""
    return line_sql.canonical(
        "dns",
        rows,
        {
            "start": "seen",
            "src_ip": "asker",
            "query": "question",
            "answers": _answers("QueryResults"),
            "failed": f"trim(QueryStatus) = {literal(_NO_SUCH_NAME)}",
            "hostname": "computer",
            "process_name": "process",
        },
    )


def _events(form: Recognised, paths: Sequence[str], scan: Scan) -> str:
    """SELECT file, line, text, is_json, id, computer, channel, process and the fields, as text, of every line."""
    places = dict(form.options).get("places", ",".join(sysmon_shapes.PLACES)).split(",")
    return f"""SELECT * REPLACE (nullif(regexp_extract(id, '[0-9]+'), '') AS id,
        rtrim(lower(trim(coalesce(computer, ''))), '.') AS computer),
        regexp_extract(coalesce(Image, ''), '[^\\\\/]*$') AS process
        FROM ({sysmon_shapes.events(paths, scan, _FIELDS, places)})"""


def _ends() -> dict[str, Cell]:
    return {
        "seen": Cell("UtcTime", "UtcTime", _moment),
        "opened": Cell("Initiated", "Initiated", lambda raw: f"CASE WHEN lower({raw}) = 'true' THEN true END"),
        "src": Cell("SourceIp", "SourceIp", _address),
        "sport": Cell("SourcePort", "SourcePort", line_sql.port, required=False),
        "dst": Cell("DestinationIp", "DestinationIp", _address),
        "dport": Cell("DestinationPort", "DestinationPort", line_sql.port),
        "transport": Cell("Protocol", "Protocol", line_sql.protocol, required=False),
    }


def _moment(raw: str) -> str:
    return f"coalesce({line_sql.time(raw, 'UTC', _PATTERNS)}, {line_sql.offset_time(raw)})"


def _address(raw: str) -> str:
    """The address in its usual form: Sysmon writes IPv6 in full (2001:db8:0:0:0:0:0:1) and IPv4 inside IPv6."""
    short = f"regexp_replace(t, {literal(_ZEROS)}, '::')"
    plain = f"CASE WHEN NOT contains(t, ':') THEN t WHEN contains(t, '::') THEN {_unwrapped('t')} ELSE {short} END"
    return f"list_transform([{line_sql.address(raw)}], lambda t: {plain})[1]"


def _unwrapped(text: str) -> str:
    return f"regexp_replace({text}, '^::ffff:([0-9.]+)$', '\\1')"


def _answers(raw: str) -> str:
    """``type:  5 edge.example;::ffff:192.0.2.1;`` as a list of names and addresses."""
    bare = "regexp_replace(lower(trim(a)), '^type: *[0-9]+ +', '')"
    parts = f"[{_unwrapped(bare)} FOR a IN string_split(coalesce({raw}, ''), ';')]"
    return f"list_filter({parts}, lambda a: a NOT IN ('', '-'))"
