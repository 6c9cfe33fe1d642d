"""JSON records read by paths: one column a field, whatever the nesting, as text that a format then checks.

A path is written ``source.ip``; it names the nested value and the flat key of that name, because exports write both.
A field has several paths where writers differ, and the first one with a value counts. A value that is null is absent,
one that is an object or array is its JSON text, of a key that stands twice the first one counts, and a number keeps
every digit that was written.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from connectors.sources.logs.line_sql import EARLIEST, LATEST, bounded, identifier, lines, offset_time, time
from connectors.sources.logs.schema import Scan, literal

_LOOKED_AT = 200
_US = ("%m/%d/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S.%f %p", "%m/%d/%Y %I:%M:%S %p")
_LOCAL = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", *_US)
# A number is seconds, milliseconds, microseconds or nanoseconds: the first one that gives a time before 2100.
_UNITS = (1, 1e3, 1e6, 1e9)

Paths = str | Sequence[str]


def records(paths: Sequence[str], scan: Scan, fields: Mapping[str, Paths]) -> str:
    """SELECT file, line, n, text, is_json (an object), and each field as VARCHAR: null where no path has a value."""
    pointers = {name: [one for path in _several(wanted) for one in _pointers(path)] for name, wanted in fields.items()}
    places = {one: place for place, one in enumerate(dict.fromkeys(chain(*pointers.values())), 1)}
    listed = ", ".join(literal(one) for one in places)
    values = ", ".join(
        f"coalesce({', '.join(f'v[{places[one]}]' for one in wanted)}, NULL) AS {identifier(name)}"
        for name, wanted in pointers.items()
    )
    # A text that begins otherwise may be sound JSON, and is no record.
    read = f"CASE WHEN starts_with(ltrim(text), '{{') THEN try(json_extract_string(text, [{listed}])) END"
    return (
        f"SELECT file, line, n, text, v IS NOT NULL AS is_json, {values} FROM "
        f"(SELECT *, {read} AS v FROM ({lines(paths, scan)}))"
    )


def moment(raw: str, zone: str = "UTC") -> str:
    """Epoch seconds of a stamp as exports write it; null for any other text.

    ISO 8601 and the American order, with an offset or UTC after them, else of ``zone``; or a number since 1970, of
    seconds, milli-, micro- or nanoseconds.
    """
    number = f"try_cast({raw} AS DOUBLE)"
    units = [f"WHEN {number} / {unit!r} <= {LATEST} THEN {number} / {unit!r}" for unit in _UNITS]
    counted = f"CASE WHEN {number} >= {EARLIEST} THEN CASE {' '.join(units)} END END"
    named = f"regexp_replace(trim({raw}), ' ?(UTC|GMT|Z)$', '+00:00')"
    american = (
        f"regexp_replace({named}, '^([0-9]{{2}})/([0-9]{{2}})/([0-9]{{4}}) (.*[0-9]) ?([+-])', '\\3-\\1-\\2 \\4\\5')"
    )
    spaced = f"regexp_replace({american}, ' ([+-][0-9:]{{4,6}})$', '\\1')"
    return f"coalesce({counted}, {offset_time(raw)}, {offset_time(spaced)}, {time(f'trim({raw})', zone, _LOCAL)})"


def nanoseconds(raw: str) -> str:
    """Seconds of a duration in nanoseconds; null when it is no number from 0."""
    return bounded(f"try_cast({raw} AS DOUBLE) / 1e9", 0, LATEST)


def objects(head: str) -> list[Mapping[str, Any]]:
    """The JSON objects among the first lines of a text."""
    records: list[Mapping[str, Any]] = []
    for line in head.lstrip("\ufeff").split("\n")[:_LOOKED_AT]:
        try:
            value = json.loads(line) if line.lstrip().startswith("{") else None
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            records.append(value)
    return records


def at(record: Mapping[str, Any], wanted: Paths) -> Any:
    """The first value of these paths in a record; None when none has one."""
    for path in _several(wanted):
        value: Any = record
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        value = record.get(path) if value is None else value
        if value is not None:
            return value
    return None


def _several(paths: Paths) -> Sequence[str]:
    return (paths,) if isinstance(paths, str) else paths


def _pointers(path: str) -> list[str]:
    escaped = path.replace("~", "~0").replace("/", "~1")
    return list(dict.fromkeys(("/" + escaped.replace(".", "/"), "/" + escaped)))
