"""A check of query text against what Sumo Logic's language has, without a tenant."""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise

# First words of stages in the queries of Sumo's own published apps, by group.
STATEMENTS = frozenset(
    {
        "parse",
        "where",
        "json",
        "csv",
        "kv",
        "xml",
        "split",
        "extract",
        "fields",
        "sort",
        "order",
        "limit",
        "timeslice",
        "transpose",
        "lookup",
        "join",
        "filter",
        "fillmissing",
        "compare",
        "withtime",
        "outlier",
        "predict",
        "smooth",
        "accum",
        "backshift",
        "diff",
        "rollingstd",
        "logreduce",
        "total",
        "topk",
        "top",
    }
)
AGGREGATES = frozenset(
    {
        "count",
        "sum",
        "min",
        "max",
        "avg",
        "values",
        "count_distinct",
        "count_frequent",
        "first",
        "last",
        "most_recent",
        "least_recent",
        "pct",
        "stddev",
        "median",
    }
)
# Words of other languages that were written into Sumo queries, and what Sumo has instead.
FOREIGN = {
    "eval": "eval is Splunk's: write <expression> as <name>",
    "stats": "stats is Splunk's: write the aggregates alone, with by",
    "dc": "dc() is Splunk's: write count_distinct()",
    "table": "table is Splunk's: write fields",
    "rex": "rex is Splunk's: write parse regex",
    "rename": "rename is Splunk's: write <name> as <name>",
    "tstats": "tstats is Splunk's",
    "search": "search is Splunk's: write where",
    "summarize": "summarize is Kusto's: write the aggregates alone, with by",
    "extend": "extend is Kusto's: write <expression> as <name>",
    "project": "project is Kusto's: write fields",
}
WORDS = frozenset(
    {
        "as",
        "by",
        "and",
        "or",
        "not",
        "in",
        "matches",
        "desc",
        "asc",
        "if",
        "true",
        "false",
        "null",
        "nodrop",
        "group",
    }
)
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_QUOTED = re.compile(r'%?"(?:[^"\\]|\\.)*"')
_REGEX = re.compile(r"(?<=matches )/(?:[^/\\]|\\.)*/")
_REMARK = re.compile(r"^\s*//.*\n?", re.M)
_ALIAS = re.compile(rf"\bas\s+({_NAME})\s*$")
_GROUP = re.compile(rf"\(\?<({_NAME})>")
# What stands between the operator parse and its pattern, but for the field that it reads.
_PARSING = re.compile(r"\b(regex|field=|multi)")
_AGGREGATE = re.compile(rf"\b(?:{'|'.join(sorted(AGGREGATES))})\b\s*(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?")


def lint(query: str) -> tuple[str, ...]:
    """Every fault found, as ``stage N: what``; empty when the text uses only what Sumo Logic has.

    Not a parser: it knows the stages, the foreign words, balance, aliases, and names after an aggregation.
    """
    query = _REMARK.sub("", query)
    masked, balanced = _masked(query)
    if not balanced:
        return ("a double quote is not closed",)
    stages = [stage.strip() for stage in masked.split("|")]
    starts = accumulate((len(stage) + 1 for stage in masked.split("|")), initial=0)
    named = [set(_GROUP.findall(query[start:end])) for start, end in pairwise(starts)]
    faults = [f"stage {number}: {fault}" for number, fault in _stage_faults(stages, named)]
    faults += [f"pattern {found!r}: [ is literal text in a quoted pattern" for found in _bracketed(query)]
    return tuple(faults)


def _masked(query: str) -> tuple[str, bool]:
    """The text with what stands in quotes and regexes replaced by ``~``, and whether every quote is closed."""
    bare = _QUOTED.sub(lambda found: '"' + "~" * (len(found.group()) - 2) + '"', query)
    bare = _REGEX.sub(lambda found: '"' + "~" * (len(found.group()) - 2) + '"', bare)
    return bare, bare.count('"') % 2 == 0


def _bracketed(query: str) -> list[str]:
    return re.findall(r'\bmatches\s+"((?:[^"\\]|\\.)*\[(?:[^"\\]|\\.)*)"', query)


def _stage_faults(stages: list[str], named: list[set[str]]) -> Iterator[tuple[int, str]]:
    known: set[str] | None = None
    for number, stage in enumerate(stages):
        if stage.count("(") != stage.count(")"):
            yield number, "the parentheses are not balanced"
        if number == 0:
            continue
        yield from ((number, fault) for fault in _foreign(stage))
        first = _first_word(stage)
        if not stage:
            yield number, "empty"
        elif first in AGGREGATES:
            yield from ((number, fault) for fault in _aggregate_faults(stage, known))
            known = _given(stage)
        else:
            yield from ((number, fault) for fault in _expression_faults(stage, first))
            if known is not None:
                yield from ((number, f"{name} is not defined") for name in _used(stage) if name not in known)
                known |= set(_ALIAS.findall(stage)) | named[number]


def _first_word(stage: str) -> str:
    found = re.match(_NAME, stage)
    return found.group().lower() if found else ""


def _foreign(stage: str) -> Iterator[str]:
    first = _first_word(stage)
    if first in FOREIGN:
        yield FOREIGN[first]
    elif re.search(r"\bdc\s*\(", stage):
        yield FOREIGN["dc"]


def _expression_faults(stage: str, first: str) -> Iterator[str]:
    if first in STATEMENTS or first in FOREIGN:
        return
    if re.match(rf"{_NAME}\s*=[^=]", stage):
        yield "x = y compares; an assignment is y as x"
    elif not _ALIAS.search(stage):
        yield "an expression needs as <name>"


def _aggregate_faults(stage: str, known: set[str] | None) -> Iterator[str]:
    head, _, groups = stage.partition(" by ")
    for argument in (found.group(1) for found in _AGGREGATE.finditer(head)):
        if argument and not re.fullmatch(rf"\s*{_NAME}\s*", argument.split(",")[0]):
            yield f"an aggregate takes a field, not an expression: {argument.strip()}"
        elif argument and known is not None and argument.strip() not in known:
            yield f"{argument.strip()} is not defined"
    if known is not None:
        yield from (f"{name} is not defined" for name in _listed(groups) if name not in known)


def _given(stage: str) -> set[str]:
    head, _, groups = stage.partition(" by ")
    aliases = re.findall(rf"\bas\s+({_NAME})", head)
    return {*aliases, *_listed(groups)}


def _listed(groups: str) -> list[str]:
    return [name.strip() for name in groups.split(",") if name.strip()]


def _used(stage: str) -> Iterator[str]:
    """Field names a stage reads: words that are neither functions, aliases, keywords nor the stage's own operator."""
    body = _ALIAS.sub("", re.sub(r'"~*"', " ", stage))
    operator = _first_word(stage) if _first_word(stage) in STATEMENTS else ""
    body = _PARSING.sub(" ", body) if operator == "parse" else body
    for found in re.finditer(rf"(?<![\w.])({_NAME})\b(?!\s*\()", body):
        name = found.group(1)
        if name.lower() not in WORDS and name.lower() != operator:
            yield name
