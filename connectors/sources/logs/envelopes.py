"""Log lines inside another product's record: where the line stands, learnt from the first records of a file.

Shippers and exports carry the original line as one value of a JSON object (Filebeat, Logstash and CloudWatch
``message``, Elastic Agent ``event.original``, Splunk and Sumo Logic ``_raw``, Graylog ``message``, Docker ``log``,
Elasticsearch ``_source``, Splunk ``result``) or of a CSV row. Any value that is recognised as a log is taken, the usual
names first; a value that is itself an envelope is opened too. A record without that value stays as it is and is then
rejected by name.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.sources.logs.documents import one_line

Keys = tuple[str, ...]
Recognises = Callable[[str], bool]

_USUAL: tuple[Keys, ...] = (
    ("message",),
    ("event", "original"),
    ("_raw",),
    ("result", "_raw"),
    ("map", "_raw"),
    ("_source", "message"),
    ("_source", "event", "original"),
    ("event.original",),
    ("@message",),
    ("textPayload",),
    ("full_message",),
    ("short_message",),
    ("log",),
    ("line",),
    ("msg",),
    ("MESSAGE",),
    ("Message",),
    ("full_log",),
    ("raw",),
    ("result",),
    ("_source",),
    ("map",),
    ("event",),
    ("jsonPayload",),
    ("json",),
    ("fields",),
)
_LOOKED_AT, _DEEPEST, _MOST_PLACES = 200, 3, 60
_FEWEST_CHARACTERS = 20
_WIDEST = 1 << 24


class Envelope(NamedTuple):
    """Where the lines stand: the keys of each envelope, the outer one first; ``column`` of a CSV file, -1 of JSON."""

    keys: tuple[Keys, ...] = ()
    column: int = -1

    @property
    def named(self) -> str:
        """The place, for messages."""
        return " / ".join(".".join(keys) for keys in self.keys)


def find(head: str, recognises: Recognises) -> Envelope | None:
    """The envelope in which the first records of a text carry lines that ``recognises``; None when there is none."""
    start = head.lstrip("\ufeff \t\r\n")
    if start.startswith("{"):
        keys = _in_objects(_objects(start.split("\n")[:_LOOKED_AT]), recognises, _DEEPEST)
        return Envelope(keys) if keys else None
    return _in_columns(start, recognises)


def pointer(keys: Keys) -> str:
    """The keys as a JSON pointer (RFC 6901)."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def csv_lines(lines: Iterator[str], envelope: Envelope) -> Iterator[str]:
    """The lines inside the rows of CSV text, whose first row is its header; a row without the column as it stands."""
    csv.field_size_limit(_WIDEST)
    rows = csv.reader(line.replace("\0", "") for line in lines)
    next(rows, None)
    inner = Envelope(envelope.keys[1:])
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as fault:
            yield f"not CSV: {fault}"
            continue
        if row:
            text = row[envelope.column] if len(row) > envelope.column else ",".join(row)
            yield one_line(opened(text, inner)).strip()


def opened(text: str, envelope: Envelope) -> str:
    """The line inside one JSON record; the record itself when it has not that shape."""
    for keys in envelope.keys:
        value = _at(_object(text), keys)
        if value is None:
            return text
        text = value
    return text


def _in_columns(head: str, recognises: Recognises) -> Envelope | None:
    rows = _rows(head)
    if len(rows) < 2:
        return None
    header, *body = rows
    usual = [".".join(keys) for keys in _USUAL]
    order = sorted(
        range(len(header)),
        key=lambda place: (usual.index(header[place]) if header[place] in usual else len(usual), place),
    )
    for place in order[:_MOST_PLACES]:
        texts = [row[place] for row in body if len(row) > place]
        if not any(len(text) >= _FEWEST_CHARACTERS for text in texts):
            continue
        if recognises(_joined(texts)):
            return Envelope(((header[place],),), place)
        inner = _in_objects(_objects(texts), recognises, _DEEPEST - 1)
        if inner:
            return Envelope(((header[place],), *inner), place)
    return None


def _in_objects(objects: Sequence[Mapping[str, Any]], recognises: Recognises, depth: int) -> tuple[Keys, ...]:
    for keys in _places(objects) if depth else ():
        values = [value for one in objects if (value := _at(one, keys)) is not None]
        if not any(len(value) >= _FEWEST_CHARACTERS for value in values):
            continue
        if recognises(_joined(values)):
            return (keys,)
        inner = _in_objects(_objects(values), recognises, depth - 1)
        if inner:
            return (keys, *inner)
    return ()


def _places(objects: Sequence[Mapping[str, Any]]) -> list[Keys]:
    """Where the objects hold texts and objects: the usual places first, then all of them."""
    present = dict.fromkeys(keys for one in objects[:5] for keys in _paths(one, ()))
    usual = [keys for keys in _USUAL if any(_at(one, keys) is not None for one in objects)]
    return [*usual, *(keys for keys in present if keys not in usual)][:_MOST_PLACES]


def _paths(value: Mapping[str, Any], above: Keys) -> Iterator[Keys]:
    for key, inner in value.items():
        if isinstance(inner, str) and len(inner) >= _FEWEST_CHARACTERS:
            yield (*above, key)
        if isinstance(inner, dict):
            yield (*above, key)
            if len(above) + 1 < _DEEPEST:
                yield from _paths(inner, (*above, key))


def _at(value: Any, keys: Keys) -> str | None:
    """The text at this place: a text itself, an object as JSON."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else None


def _objects(lines: Sequence[str]) -> list[Mapping[str, Any]]:
    return [value for line in lines if (value := _object(line))]


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line) if line.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _joined(texts: Sequence[str]) -> str:
    return "\n".join(one_line(text).strip() for text in texts) + "\n"


def _rows(head: str) -> list[list[str]]:
    csv.field_size_limit(_WIDEST)
    found: list[list[str]] = []
    try:
        for row in csv.reader(head.replace("\0", "").splitlines(keepends=True)):
            found.append(row)
            if len(found) > _LOOKED_AT:
                break
    except csv.Error:
        pass  # what came before it decides
    return found
