"""Runs the part of Sumo Logic's language that our queries use, by its documented meaning, over raw log lines.

Strict where the documentation is silent: both branches of an if are evaluated and must have one type, num() refuses
what is no number, arithmetic and sum() refuse nulls and texts, a comparison refuses two types. A query that passes
here does not depend on how Sumo treats those.
"""

import json
import operator
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from math import floor
from typing import Any

from tests.emulators.sumo_parsing import Row, parser

_TOKEN = re.compile(
    r"""
    \s*(?: (?P<text>"(?:[^"\\]|\\.)*") | (?P<regex>(?<=matches\ )/(?:[^/\\]|\\.)*/) | (?P<number>\d+(?:\.\d+)?)
         | (?P<name>%"[^"]*"|[A-Za-z_]\w*) | (?P<mark>>=|<=|!=|[=<>+\-*/(),!]) )""",
    re.X,
)
_BLANK = {None, ""}


class Fault(AssertionError):
    """The query depends on something that is not documented, or is wrong."""


def run(query: str, lines: Iterable[tuple[float, str]], fields: Iterable[Row] = ()) -> list[Row]:
    """The rows that ``query`` gives over ``(message time in epoch seconds, raw text)``; the scope is not applied.

    ``fields`` are rows whose fields an extraction rule (or Cloud SIEM) has already made.
    """
    rows = [{"_raw": raw, "_messageTime": float(int(at * 1000))} for at, raw in lines]
    rows += [dict(row) for row in fields]
    for stage in stages(query)[1:]:
        rows = _stage(stage, rows)
    return rows


def stages(query: str) -> list[str]:
    """The stages: split at pipes in no quotes and no regex; remarks are left out, and a line break is a space."""
    query = re.sub(r"\n\s*", " ", re.sub(r"^\s*//.*\n", "", query, flags=re.M))
    masked = re.sub(r'"(?:[^"\\]|\\.)*"|(?<=matches )/(?:[^/\\]|\\.)*/', lambda m: "~" * len(m.group()), query)
    cuts = [-1, *(m.start() for m in re.finditer(r"\|", masked)), len(query)]
    return [query[a + 1 : b].strip() for a, b in pairwise(cuts)]


def _stage(stage: str, rows: list[Row]) -> list[Row]:
    word = stage.split(" ", 1)[0]
    if word == "where":
        tree = _tree(stage[6:])
        return [row for row in rows if _truth(tree(row))]
    if word == "sort":
        return _sorted(stage.removeprefix("sort by "), rows)
    if word == "limit":
        return rows[: int(stage[6:])]
    if word == "fields":
        names = [name.strip() for name in stage[7:].split(",")]
        return [{name: row[name] for name in names} for row in rows]
    if stage.endswith(" multi"):
        return [row | found for row in rows for found in _every(stage, row)]
    if word in ("json", "csv", "parse"):
        parse = parser(stage)
        return [row | found for row in rows if (found := parse(row["_raw"])) is not None]
    if re.match(r"(count as|sum\(|max\()", stage):
        return _aggregated(stage, rows)
    expression, _, name = stage.rpartition(" as ")
    tree = _tree(expression)
    for row in rows:
        row[name] = tree(row)
    return rows


@lru_cache(maxsize=1000)
def _tree(expression: str) -> Callable[[Row], Any]:
    return Parser(expression).whole()


def _sorted(keys: str, rows: list[Row]) -> list[Row]:
    """sort by NAME asc|desc, ...; numbers and texts have each their own order."""
    made = list(rows)
    for name, _, way in reversed([key.strip().partition(" ") for key in keys.split(",")]):
        made.sort(key=lambda row: row[name], reverse=way == "desc")
    return made


def _every(stage: str, row: Row) -> list[Row]:
    """parse regex with field and multi: a copy of the row for each match (the page on parse regex)."""
    name, pattern = re.fullmatch(r'parse regex field=(\w+) "((?:[^"\\]|\\.)*)" multi', stage).groups()
    if not isinstance(row[name], str):
        raise Fault(f"parse of {row[name]!r}")
    return [found.groupdict() for found in re.finditer(pattern.replace("(?<", "(?P<"), row[name])]


def _aggregated(stage: str, rows: list[Row]) -> list[Row]:
    head, _, groups = stage.rpartition(" by ")
    by = [name.strip() for name in groups.split(",")]
    wanted = re.findall(r"(\w+)(?:\((\w+)\))? as (\w+)", head)
    made: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = tuple(row[name] for name in by)
        if None in key:
            raise Fault(f"a null group key: {dict(zip(by, key, strict=True))}")
        made.setdefault(key, []).append(row)
    return [
        dict(zip(by, key, strict=True)) | {name: _AGGREGATE[how](group, field) for how, field, name in wanted}
        for key, group in made.items()
    ]


def _numbers(group: list[Row], name: str) -> list[float]:
    values = [row[name] for row in group]
    if not all(isinstance(value, float) for value in values):
        raise Fault(f"an aggregate over {name} meets a null or a text")
    return values


def _distinct(group: list[Row], name: str) -> float:
    """Exact below 100, as the manual says of count_distinct; above it an estimate, here always a wrong one."""
    count = len({row[name] for row in group})
    return float(count if count < 100 else count * 0.9)


_AGGREGATE: dict[str, Callable[[list[Row], str], Any]] = {
    "count": lambda group, _: float(len(group)),
    "sum": lambda group, name: sum(_numbers(group, name)),
    "min": lambda group, name: min(_numbers(group, name)),
    "max": lambda group, name: max(_numbers(group, name)),
    "count_distinct": _distinct,
    "values": lambda group, name: "\n".join(dict.fromkeys(row[name] for row in group)),
}


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Fault(f"a condition gave {value!r}")
    return value


def _num(value: Any) -> float:
    if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    if isinstance(value, float):
        return value
    raise Fault(f"num({value!r})")


def _concat(*values: Any) -> str:
    whole = lambda v: str(int(v)) if isinstance(v, float) and v == int(v) else str(v)  # noqa: E731
    return "".join("" if value is None else whole(value) for value in values)


def _choose(condition: Any, yes: Any, no: Any) -> Any:
    if yes is not None and no is not None and type(yes) is not type(no):
        raise Fault(f"the branches {yes!r} and {no!r} have two types")
    return yes if _truth(condition) else no


def _parse_date(text: str, form: str, zone: str) -> float:
    if zone != "UTC" or not text:
        raise Fault(f"parseDate({text!r}, {zone!r})")
    forms = {"yyyy/MM/dd HH:mm:ss": "%Y/%m/%d %H:%M:%S", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX": "%Y-%m-%dT%H:%M:%S.%f%z"}
    found = datetime.strptime(text, forms[form])
    return float(round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000))


def _format_date(at: float, form: str, zone: str) -> str:
    if zone != "UTC" or form != "yyyy-MM-dd HH:mm:ss":
        raise Fault(f"formatDate({form!r}, {zone!r})")
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "if": _choose,
    "num": _num,
    "concat": _concat,
    "parseDate": _parse_date,
    "formatDate": _format_date,
    "floor": lambda x: float(floor(x)),
    "toLong": lambda x: float(int(x)),
    "toLowerCase": lambda x: None if x is None else x.lower(),
    "isBlank": lambda x: x is None or not x.strip(),
}


class Parser:
    """Recursive descent over one expression; each method gives a function from a row to a value."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if not found:
                raise Fault(f"cannot read {text[at : at + 30]!r}")
            self.tokens.append((found.lastgroup or "", found.group(found.lastgroup or 0)))
            at = found.end()
        self.at = 0

    def whole(self) -> Callable[[Row], Any]:
        """The expression; Fault when something is left over."""
        tree = self._or()
        if self.at != len(self.tokens):
            raise Fault(f"left over: {self.tokens[self.at :]}")
        return tree

    def _take(self, *wanted: str) -> str:
        text = self.tokens[self.at][1] if self.at < len(self.tokens) else ""
        if text not in wanted:
            return ""
        self.at += 1
        return text

    def _or(self) -> Callable[[Row], Any]:
        left = self._and()
        while self._take("or"):
            left = (lambda a, b: lambda row: _truth(a(row)) | _truth(b(row)))(left, self._and())
        return left

    def _and(self) -> Callable[[Row], Any]:
        left = self._not()
        while self._take("and"):
            left = (lambda a, b: lambda row: _truth(a(row)) & _truth(b(row)))(left, self._not())
        return left

    def _not(self) -> Callable[[Row], Any]:
        if self._take("!"):
            inner = self._not()
            return lambda row: not _truth(inner(row))
        return self._comparison()

    def _comparison(self) -> Callable[[Row], Any]:
        left = self._sum()
        if mark := self._take("=", ">=", "<=", ">", "<"):
            return _compared(mark, left, self._sum())
        if self._take("matches"):
            kind, text = self.tokens[self.at]
            self.at += 1
            pattern = text[1:-1] if kind == "regex" else ".*".join(re.escape(p) for p in json.loads(text).split("*"))
            test = re.compile(pattern).search if kind == "regex" else re.compile(pattern, re.S).fullmatch
            return lambda row: left(row) not in _BLANK and bool(test(left(row)))
        if self._take("in"):
            start, items = self.at, self._arguments()
            if {kind for kind, _ in self.tokens[start : self.at]} <= {"text", "mark"}:
                values = [item({}) for item in items]
                return lambda row: left(row) in values
            return lambda row: left(row) in [item(row) for item in items]
        return left

    def _sum(self) -> Callable[[Row], Any]:
        left = self._product()
        while mark := self._take("+", "-"):
            left = _computed(mark, left, self._product())
        return left

    def _product(self) -> Callable[[Row], Any]:
        left = self._atom()
        while mark := self._take("*", "/"):
            left = _computed(mark, left, self._atom())
        return left

    def _arguments(self) -> list[Callable[[Row], Any]]:
        self._take("(") or self._fail()
        items = [self._or()]
        while self._take(","):
            items.append(self._or())
        self._take(")") or self._fail()
        return items

    def _fail(self) -> None:
        raise Fault(f"unexpected {self.tokens[self.at : self.at + 1]}")

    def _atom(self) -> Callable[[Row], Any]:
        if self._take("("):
            tree = self._or()
            self._take(")") or self._fail()
            return tree
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind in ("text", "number"):
            value = json.loads(text) if kind == "text" else float(text)
            return lambda row: value
        if self.at < len(self.tokens) and self.tokens[self.at][1] == "(":
            call, items = _FUNCTIONS[text], self._arguments()
            return lambda row: call(*(item(row) for item in items))
        name = text.removeprefix('%"').removesuffix('"')
        return lambda row: row[name]


_COMPARE = {"=": operator.eq, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def _compared(mark: str, left: Callable[[Row], Any], right: Callable[[Row], Any]) -> Callable[[Row], bool]:
    test = _COMPARE[mark]

    def compare(row: Row) -> bool:
        a, b = left(row), right(row)
        if type(a) is not type(b) and a is not None:
            raise Fault(f"{a!r} {mark} {b!r} compares two types")
        return test(a, b)

    return compare


def _computed(mark: str, left: Callable[[Row], Any], right: Callable[[Row], Any]) -> Callable[[Row], float]:
    def compute(row: Row) -> float:
        a, b = left(row), right(row)
        if not (isinstance(a, float) and isinstance(b, float)):
            raise Fault(f"{a!r} {mark} {b!r}")
        return {"+": a + b, "-": a - b, "*": a * b}[mark] if mark != "/" else a / b

    return compute
