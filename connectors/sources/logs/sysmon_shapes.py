"""The fields of a Windows event in each shape that its collectors write: JSON by place, name-value lists, XML, text.

Where a file keeps its fields is learnt from its first records (``places_in``), because to look for every field in every
place costs more than the reading.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.sources.logs import json_paths
from connectors.sources.logs.line_sql import identifier, lines
from connectors.sources.logs.schema import Scan, literal

XML = "xml"
# Where JSON keeps the event's own fields: at the top (NXLog, flat exports), winlogbeat 6, winlogbeat 7 and 8,
# evtx_dump, xml2json, Wazuh (names begin with a small letter), OpenTelemetry.
PLACES = (
    "",
    "event_data",
    "winlog.event_data",
    "Event.EventData",
    "EventData",
    "data.win.eventdata",
    "win.eventdata",
    "body.event_data",
    "attributes.event_data",
)
_SMALL = frozenset(("data.win.eventdata", "win.eventdata"))
# Lists of names and values, and the rendered message, are read with expressions.
LISTED, MESSAGE = "listed", "message"
ABOUT: Mapping[str, json_paths.Paths] = {
    "id": (
        "EventID",
        "event_id",
        "winlog.event_id",
        "Event.System.EventID",
        "Event.System.EventID.#text",
        "EventId",
        "System.EventID",
        "data.win.system.eventID",
        "win.system.eventID",
        "event.code",
        "body.event_id.id",
    ),
    "computer": (
        "Hostname",
        "Computer",
        "computer_name",
        "winlog.computer_name",
        "Event.System.Computer",
        "ComputerName",
        "System.Computer",
        "data.win.system.computer",
        "win.system.computer",
        "body.computer",
    ),
    "channel": (
        "Channel",
        "log_name",
        "winlog.channel",
        "Event.System.Channel",
        "System.Channel",
        "ProviderName",
        "SourceName",
        "data.win.system.channel",
        "win.system.channel",
        "body.channel",
    ),
}
_MESSAGES = ("Message", "message", "Description", "data.win.system.message", "body.message")
_LIST_KEYS = r'"@?[Nn]ame"\s*:\s*"(\w+)"\s*,\s*"(?:#?text|\$|content|[Vv]alue)"\s*:\s*"?((?:[^"\\]|\\.)*)'
_XML_KEYS = r"<Data\s+Name=['\"](\w+)['\"]\s*>([^<]*)<"


def places_in(head: str, fields: Sequence[str]) -> tuple[str, ...]:
    """Where the first records keep the fields, the usual place first; ``(XML,)`` for XML, empty when nowhere."""
    if head.lstrip("\ufeff \t\r\n").startswith("<"):
        return (XML,)
    records = json_paths.objects(head)
    found = [place for place in PLACES if any(_has(one, place, fields) for one in records)]
    if any(
        _is_list(json_paths.at(one, ("Event.EventData.Data", "EventData.Data", "event_data.Data"))) for one in records
    ):
        found.append(LISTED)
    if not found and any("UtcTime: " in str(json_paths.at(one, _MESSAGES)) for one in records):
        found.append(MESSAGE)
    return tuple(found)


def is_wrapped(head: str) -> bool:
    """Whether no record names an event's number where an event has it."""
    records = json_paths.objects(head)
    return bool(records) and all(json_paths.at(one, ABOUT["id"]) is None for one in records)


def events(paths: Sequence[str], scan: Scan, fields: Sequence[str], places: Sequence[str]) -> str:
    """SELECT file, line, n, text, is_json, id, computer, channel and the fields, as text, of every line."""
    if XML in places:
        return _xml(paths, scan, fields)
    inside = [place for place in places if place in PLACES]
    wanted: dict[str, json_paths.Paths] = {
        name: tuple(_named(place, name) for place in inside) or ("\0",) for name in fields
    }
    rows = json_paths.records(paths, scan, {**ABOUT, **wanted, "rendered": _MESSAGES if MESSAGE in places else ("\0",)})
    if LISTED in places:
        return _with(rows, fields, _pairs("text", _LIST_KEYS))
    if MESSAGE in places:
        return _with(rows, fields, _pairs("rendered", r"(\w+): ([^\r\n]*)"))
    return rows


def _xml(paths: Sequence[str], scan: Scan, fields: Sequence[str]) -> str:
    about = {
        "id": r"<EventID[^>]*>\s*([0-9]+)",
        "computer": r"<Computer>([^<]*)<",
        "channel": r"<Channel>([^<]*)<",
    }
    chosen = ", ".join(f"nullif(regexp_extract(text, {literal(one)}, 1), '') AS {name}" for name, one in about.items())
    empty = ", ".join(f"NULL::VARCHAR AS {identifier(name)}" for name in fields)
    rows = (
        f"SELECT file, line, n, text, contains(text, '<Event') AS is_json, {chosen}, {empty} "
        f"FROM ({lines(paths, scan)})"
    )
    return _with(rows, fields, _pairs("text", _XML_KEYS), _plain)


def _with(rows: str, fields: Sequence[str], pairs: str, value: Any = str) -> str:
    """The rows with the fields that they lack taken from lists ``names`` and ``contents``."""
    chosen = ", ".join(
        f"coalesce({identifier(name)}, {value(f'contents[list_position(names, {literal(name)})]')}) "
        f"AS {identifier(name)}"
        for name in fields
    )
    return f"SELECT * REPLACE ({chosen}) FROM (SELECT *, {pairs} FROM ({rows}))"


def _pairs(text: str, expression: str) -> str:
    return (
        f"regexp_extract_all({text}, {literal(expression)}, 1) AS names, "
        f"regexp_extract_all({text}, {literal(expression)}, 2) AS contents"
    )


def _plain(raw: str) -> str:
    """XML text without its entities."""
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        raw = f"replace({raw}, '{entity}', {literal(character)})"
    return raw


def _named(place: str, name: str) -> str:
    name = name[:1].lower() + name[1:] if place in _SMALL else name
    return f"{place}.{name}" if place else name


def _has(record: Mapping[str, Any], place: str, fields: Sequence[str]) -> bool:
    return any(json_paths.at(record, _named(place, name)) is not None for name in fields)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
