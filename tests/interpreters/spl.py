"""Runs the part of Splunk's search language that our searches use, by its documented meaning, over events.

A search that passes here does not depend on what the manual leaves open: that is a Fault. Where each meaning is from
(Splunk's Search Reference): stats BY and a null or multivalue key, sum of nulls, dc, values, list() 100: stats · tstats
without fillnull_value, summariesonly, CIDR in WHERE: tstats · bin _time and its zone: bin · sort 10,000: sort ·
cidrmatch of a name, round, coalesce, case, if, in, match: the eval functions of those names. The order of evaluation
and NOT in a search: the Search Manual.
"""

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import pairwise, product
from typing import Any

from tests.interpreters.spl_eval import Fault, Parser, Row, Tree, in_network, number_of, text_of

_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SORTED_ROWS = 10_000  # sort without 0
LISTED_VALUES = 100  # list()


def run(query: str, events: Iterable[Row], zone_s: int = 0) -> list[Row]:
    """The rows that ``query`` gives; the scope is not applied. ``zone_s``: the searching user's offset from UTC.

    An event has ``_time`` (epoch seconds) and fields: text, list of texts, or no key. Events with ``_summarized``
    False lie in no summary yet.
    """
    rows = [{name: value for name, value in event.items() if value is not None} for event in events]
    for number, stage in enumerate(stages(query)):
        command, _, rest = stage.partition(" ")
        if command not in _COMMANDS or (command in ("search", "tstats")) != (number == 0):
            raise Fault(f"stage {number}: {command!r} is no command here")
        rows = _COMMANDS[command](rest, rows, zone_s)
    return rows


def results(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows as the interface sends them: every value text, several values a list, a null no key."""
    return [{name: text_of(value) for name, value in row.items() if value is not None} for row in rows]


def stages(query: str) -> list[str]:
    """The stages: split at pipes that stand in no quotes; remarks are left out, and a line break is a space."""
    query = re.sub(r"\n\s*", " ", re.sub(r"```.*?```", "", query))
    masked = re.sub(r'"(?:[^"\\]|\\.)*"', lambda m: "~" * len(m.group()), query)
    cuts = [-1, *(m.start() for m in re.finditer(r"\|", masked)), len(query)]
    found = [query[a + 1 : b].strip() for a, b in pairwise(cuts)]
    return found[1:] if found[0] == "" else found


def _search(rest: str, rows: list[Row], _zone: int) -> list[Row]:
    """The scope in its parentheses is taken as given; the terms after it confine the events."""
    test = _terms(_after_scope(rest))
    return [row for row in rows if test(row)]


def _after_scope(text: str) -> str:
    depth = 0
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', lambda m: "~" * len(m.group()), text)
    for place, character in enumerate(bare):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return text[place + 1 :].strip()
    raise Fault(f"no scope in parentheses: {text[:40]!r}")


def _terms(text: str) -> Callable[[Row], bool]:
    """``[NOT] FIELD IN (...)`` side by side, or alternatives in parentheses.

    NOT also keeps events without the field; a value with a mask is a network, and the field must be an address field;
    ``*`` stands for any characters.
    """
    if not text:
        return lambda row: True
    if text.startswith("(") and text.endswith(")"):
        parts = [_terms(part.strip()) for part in text[1:-1].split(" OR ")]
        return lambda row: any(part(row) for part in parts)
    found = re.match(r"(NOT )?([\w.]+) IN \(([^)]*)\)\s*", text)
    if not found:
        raise Fault(f"cannot read the terms {text!r}")
    wanted, rest = re.findall(r'"([^"]*)"', found.group(3)), _terms(text[found.end() :])
    no, name = bool(found.group(1)), found.group(2)
    return lambda row: _listed(row.get(name), wanted) != no and rest(row)


def _listed(value: Any, wanted: list[str]) -> bool:
    return any(
        in_network(item, text) if "/" in item else fnmatchcase(text_of(text).lower(), item.lower().replace("[", "[[]"))
        for text in _values(value)
        for item in wanted
    )


def _values(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _eval(rest: str, rows: list[Row], _zone: int) -> list[Row]:
    made = _assignments(rest)
    for row in rows:
        for name, tree in made:
            value = tree(row)
            if isinstance(value, bool):
                raise Fault(f"{name} is given a condition")
            if value is None:
                row.pop(name, None)
            else:
                row[name] = value
    return rows


@lru_cache(maxsize=1000)
def _assignments(text: str) -> list[tuple[str, Tree]]:
    return Parser(text).assignments()


@lru_cache(maxsize=1000)
def _condition(text: str) -> Tree:
    return Parser(text).whole()


def _where(rest: str, rows: list[Row], _zone: int) -> list[Row]:
    tree = _condition(rest)
    return [row for row in rows if tree(row) is True]


def _bin(rest: str, rows: list[Row], zone: int) -> list[Row]:
    """bin writes into the field itself unless AS names another, and snaps in the user's zone."""
    found = re.fullmatch(r"(\w+) span=(\d+)([smhd])(?: AS (\w+))?", rest)
    if not found:
        raise Fault(f"bin {rest}")
    span = int(found.group(2)) * _SPANS[found.group(3)]
    for row in rows:
        row[found.group(4) or found.group(1)] = snapped(row[found.group(1)], span, zone)
    return rows


def snapped(time: float, span: int, zone: int) -> float:
    """The beginning of the span that holds ``time``, counted from midnight in the user's zone."""
    return float((time + zone) // span * span - zone)


def _stats(rest: str, rows: list[Row], _zone: int) -> list[Row]:
    head, by = [*re.split(r" (?:BY|by) ", rest), ""][:2]
    return _grouped(_aggregates(head), by.split(), rows, _native)


def _aggregates(head: str) -> list[tuple[str, str, str]]:
    found = re.findall(r"(\w+)(?:\(([\w.]+)\))?(?: (?:AS|as) (\w+))?(?: |$)", head)
    if not found or any(how not in _AGGREGATES for how, _, _ in found):
        raise Fault(f"cannot read the aggregates {head!r}")
    return [(how, field, name or (f"{how}({field})" if field else how)) for how, field, name in found]


def _grouped(
    wanted: list[tuple[str, str, str]], by: list[str], rows: list[Row], typed: Callable[[str], Any]
) -> list[Row]:
    """stats BY: a row with a null key counts nowhere, one with several values counts for each."""
    made: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        for key in product(*(_values(row.get(name)) for name in by)):
            made.setdefault(tuple(text_of(value) for value in key), []).append(row)
    return [
        {name: typed(value) for name, value in zip(by, key, strict=True)}
        | {
            name: value
            for how, field, name in wanted
            if (
                value := _AGGREGATES[how](
                    [item for row in group for item in _values(row.get(field))] if field else group
                )
            )
            is not None
        }
        for key, group in made.items()
    ]


def _native(text: str) -> Any:
    """A group key is text; what looks like a number is used as one again."""
    return float(text) if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text) else text


def _sum(values: list[Any]) -> float | None:
    numbers = [number for value in values if (number := number_of(value)) is not None]
    return sum(numbers) if numbers else None


def _extreme(choose: Callable[..., float]) -> Callable[[list[Any]], float | None]:
    def of(values: list[Any]) -> float | None:
        numbers = [number_of(value) for value in values]
        if None in numbers:
            raise Fault("min and max of texts are lexicographic")
        return choose(numbers) if numbers else None

    return of


_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "count": lambda values: float(len(values)),
    "sum": _sum,
    "min": _extreme(min),
    "max": _extreme(max),
    "dc": lambda values: float(len({text_of(value) for value in values})),
    "values": lambda values: sorted({text_of(value) for value in values}) or None,
    "list": lambda values: [text_of(value) for value in values][:LISTED_VALUES] or None,
}


def _tstats(rest: str, rows: list[Row], zone: int) -> list[Row]:
    """tstats: a null group field drops the row unless fillnull_value names a text; summaries lag behind."""
    options = dict(re.findall(r'(summariesonly|fillnull_value)="?(\w+)"?', rest))
    body = re.sub(r'(?:summariesonly|fillnull_value)="?\w+"? ', "", rest)
    head, _, tail = body.partition(" from datamodel=")
    confined, _, by = tail.partition(" by ")
    model, _, condition = confined.partition(" where ")
    if not model:
        raise Fault("tstats without a data model")
    grouped = by.replace("span=", "span ").split()
    test = _terms(_after_scope(condition)) if condition else lambda row: True
    kept = [
        dict(row)
        for row in rows
        if test(row) and (row.get("_summarized", True) or options.get("summariesonly", "false")[0] == "f")
    ]
    if "span" in grouped:
        place = grouped.index("span")
        count, unit = re.fullmatch(r"(\d+)([smhd])", grouped[place + 1]).groups()
        grouped[place : place + 2] = []
        for row in kept:
            row["_slot"] = snapped(row["_time"], int(count) * _SPANS[unit], zone)
        grouped = ["_slot" if name == "_time" else name for name in grouped]
    if "fillnull_value" in options:
        kept = [{name: options["fillnull_value"] for name in grouped if name not in row} | row for row in kept]
    made = _grouped(_aggregates(head), grouped, kept, str)  # indexed terms are text
    return [row | {"_time": float(row["_slot"])} if "_slot" in row else row for row in made]


def _sort(rest: str, rows: list[Row], _zone: int) -> list[Row]:
    """Fields in their order of weight, ``-`` descending; without 0 only the first 10,000 rows stay."""
    found = re.fullmatch(r"(?:(\d+) )?(-?\w+(?:, -?\w+)*)", rest)
    if not found:
        raise Fault(f"sort {rest}")
    limit, made = int(found.group(1) or SORTED_ROWS), list(rows)
    for name in reversed(found.group(2).split(", ")):
        made.sort(key=lambda row: _weight(row.get(name.lstrip("-"))), reverse=name.startswith("-"))
    return made[:limit] if limit else made


def _weight(value: Any) -> tuple[bool, float, str]:
    number = number_of(value)
    return number is None, number or 0.0, "" if number is not None else str(value)


def _fillnull(rest: str, rows: list[Row], _zone: int) -> list[Row]:
    found = re.fullmatch(r"value=(\S+) (.+)", rest)
    if not found:
        raise Fault(f"fillnull {rest}")
    value = _native(found.group(1).strip('"'))
    return [dict.fromkeys(found.group(2).split(), value) | row for row in rows]


def _table(rest: str, rows: list[Row], _zone: int) -> list[Row]:
    return [{name: row[name] for name in rest.split() if name in row} for row in rows]


_COMMANDS: dict[str, Callable[[str, list[Row], int], list[Row]]] = {
    "search": _search,
    "eval": _eval,
    "where": _where,
    "bin": _bin,
    "stats": _stats,
    "tstats": _tstats,
    "sort": _sort,
    "fillnull": _fillnull,
    "table": _table,
    "head": lambda rest, rows, _: rows[: int(rest)],
}
