"""A check of search text against what Splunk's language has and where it bites, without a server."""

import re
from collections.abc import Iterator

COMMANDS = frozenset({"search", "where", "eval", "stats", "tstats", "rename", "table", "fields", "sort", "head"})
FUNCTIONS = frozenset(
    {
        "case",
        "cidrmatch",
        "coalesce",
        "floor",
        "if",
        "in",
        "isnotnull",
        "isnull",
        "lower",
        "match",
        "max",
        "min",
        "mvcount",
        "mvindex",
        "null",
        "printf",
        "replace",
        "round",
        "split",
        "strftime",
        "tonumber",
        "tostring",
        "true",
    }
)
AGGREGATES = frozenset({"count", "dc", "sum", "min", "max", "values"})
WORDS = frozenset({"and", "or", "not", "in", "as", "by", "like", "true", "false", "null"})
# What the language has and what it costs here.
TRAPS = (
    (r"\bdate_(?:hour|mday|wday|minute)\b", "date_* fields are hours of the day in the event's zone, no buckets"),
    (r"^\s*bin\s+(?:span=\S+\s+)?_time\b(?!\s+AS\b)", "bin overwrites _time: first and last times are lost"),
    (r"^\s*sort\s+(?!0\b)", "sort keeps 10,000 rows: write sort 0"),
    (r"\blist\(", "list() keeps 100 values: write values()"),
    (r"\bestdc\(", "estdc() is an estimate: write dc()"),
    (r"\bsummariesonly=t", "summariesonly=true misses the newest minutes"),
    (r"\bdvc\b", "dvc is the device that logged, not the host"),
)
FOREIGN = {
    "timeslice": "timeslice is Sumo Logic's: write eval x=floor(_time/seconds)",
    "summarize": "summarize is Kusto's: write stats",
    "extend": "extend is Kusto's: write eval",
    "project": "project is Kusto's: write table",
    "count": "a count stands in stats",
    "join": "join drops rows past 50,000",
    "append": "append drops rows past 50,000",
    "transaction": "transaction drops what does not fit into memory",
}
_REMARK = re.compile(r"\s*```.*?```\s*", re.S)
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_FIELD = re.compile(r"'[^']*'")


def lint(query: str) -> tuple[str, ...]:
    """Every fault found, as ``stage N: what``; empty when the text uses only what Splunk has and hits no known trap.

    Not a parser: it knows the commands, functions, aggregates, balance, and names after an aggregation.
    """
    query = _REMARK.sub(" ", query)
    masked = _FIELD.sub(lambda found: "'" + "_" * (len(found.group()) - 2) + "'", _masked(query))
    if masked.count('"') % 2:
        return ("a double quote is not closed",)
    stages = [stage.strip() for stage in masked.removeprefix("| ").split("|")]
    return tuple(f"stage {number}: {fault}" for number, fault in _stage_faults(stages))


def _masked(query: str) -> str:
    return _STRING.sub(lambda found: '"' + "~" * (len(found.group()) - 2) + '"', query)


def _stage_faults(stages: list[str]) -> Iterator[tuple[int, str]]:
    known: set[str] | None = None
    for number, stage in enumerate(stages):
        command = _first_word(stage)
        if stage.count("(") != stage.count(")"):
            yield number, "the parentheses are not balanced"
        yield from ((number, why) for pattern, why in TRAPS if re.search(pattern, stage))
        if command not in COMMANDS:
            yield number, FOREIGN.get(command, f"{command or 'nothing'} is no command of these searches")
            continue
        yield from ((number, fault) for fault in _faults_of(command, stage, known))
        known = _known_after(command, stage, known)


def _first_word(stage: str) -> str:
    found = re.match(_NAME, stage)
    return found.group().lower() if found else ""


def _faults_of(command: str, stage: str, known: set[str] | None) -> Iterator[str]:
    if command in ("eval", "where"):
        yield from (f"{name} is no function" for name in re.findall(rf"({_NAME})\(", stage) if name not in FUNCTIONS)
    if command == "tstats" and " by " in stage.lower() and "fillnull_value=" not in stage:
        yield "tstats drops rows with a null group field: give fillnull_value"
    if command in ("stats", "tstats"):
        yield from (
            f"{name} is no aggregate"
            for name in re.findall(rf"({_NAME})\(", _head(stage))
            if name.lower() not in AGGREGATES
        )
    if known is not None:
        yield from (f"{name} is not defined" for name in _missing(command, stage, known))


def _missing(command: str, stage: str, known: set[str]) -> Iterator[str]:
    """The names that a stage reads and nothing before it gave; an eval reads what it has written itself."""
    if command == "eval":
        given = set(known)
        for name, expression in _assignments(stage):
            yield from (used for used in _used(expression) if used not in given)
            given.add(name)
    elif command == "where":
        yield from (used for used in _used(stage.removeprefix("where")) if used not in known)
    elif command == "stats":
        read = re.findall(rf"\(({_NAME})\)", _head(stage)) + _groups(stage)
        yield from (name for name in read if name not in known)
    elif command == "table":
        yield from (name for name in stage.split()[1:] if name not in known)


def _known_after(command: str, stage: str, known: set[str] | None) -> set[str] | None:
    if command == "stats":
        return {*re.findall(rf"\bAS\s+({_NAME})", _head(stage)), *_groups(stage)}
    if command == "table":
        return set(stage.split()[1:])
    if command == "eval" and known is not None:
        return known | {name for name, _ in _assignments(stage)}
    return known


def _head(stage: str) -> str:
    return re.split(r"\s(?i:by)\s", stage)[0]


def _groups(stage: str) -> list[str]:
    parts = re.split(r"\s(?i:by)\s", stage)
    return parts[1].split() if len(parts) > 1 else []


def _assignments(stage: str) -> Iterator[tuple[str, str]]:
    """``name, expression`` of an eval: cut at the commas that stand in no parentheses."""
    depth, start, body = 0, 0, stage.removeprefix("eval ")
    for place, character in enumerate(body + ","):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            name, _, expression = body[start:place].partition("=")
            yield name.strip(), expression
            start = place + 1


def _used(expression: str) -> Iterator[str]:
    bare = _FIELD.sub(" ", _STRING.sub(" ", expression))
    for found in re.finditer(rf"(?<![\w.])({_NAME})\b(?!\s*\()", bare):
        if found.group(1).lower() not in WORDS:
            yield found.group(1)
