"""The stages of Sumo Logic's language that take a raw line apart: json, csv, parse and parse regex."""

import csv
import json
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

Row = dict[str, Any]
_document = lru_cache(maxsize=10_000)(json.loads)


def parser(stage: str) -> Callable[[str], Row | None]:
    """What a parsing stage makes of a raw text; None drops the row."""
    if stage.startswith("csv"):
        return partial(_csv, wanted=re.findall(r"(\d+) as (\w+)", stage))
    if stage.startswith("parse regex"):
        pattern = re.compile(re.search(r'"((?:[^"\\]|\\.)*)"', stage).group(1).replace("(?<", "(?P<"))
        return lambda raw: found.groupdict() if (found := pattern.search(raw)) else None
    keys, _, names = stage.rpartition(" as ")
    names = [name.strip() for name in names.removesuffix(" nodrop").split(",")]
    if stage.startswith("parse"):
        anchors = re.search(r'"(.*)"', keys).group(1).split("*")
        whole = re.compile("(.*?)".join(re.escape(a) for a in anchors))
        return lambda raw: dict(zip(names, found.groups(), strict=True)) if (found := whole.fullmatch(raw)) else None
    steps = [[key[2:-2]] if key.startswith("['") else key.split(".") for key in re.findall(r'"([^"]*)"', keys)]
    return partial(_json, steps=steps, names=names, keep=stage.endswith(" nodrop"))


def _csv(raw: str, wanted: list[tuple[str, str]]) -> Row | None:
    cells = next(csv.reader([raw]))
    return {name: cells[int(n) - 1] for n, name in wanted} if len(cells) >= int(wanted[-1][0]) else None


def _json(raw: str, steps: list[list[str]], names: list[str], keep: bool) -> Row | None:
    try:
        document = _document(raw)
    except ValueError:
        return dict.fromkeys(names) if keep else None
    found: Row = {}
    for path, name in zip(steps, names, strict=True):
        value = document
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None and not keep:
            return None
        found[name] = value if value is None or isinstance(value, str) else json.dumps(value)
    return found
