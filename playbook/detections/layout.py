"""Query text that a person can read: parts with a heading, long stages broken where a reader would break them."""

import re
from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import NamedTuple

WIDTH = 110
_OPAQUE = re.compile(r'"(?:[^"\\]|\\.)*"' r"|'[^']*'" r"|(?<=matches )/(?:[^/\\]|\\.)*/")
# A break is possible after a comma, and before these words; between the aggregates of a stats no comma stands.
_BREAK = re.compile(
    r"(?<=,) | (?=(?:and|or|AND|OR|by|BY|from|where)\b)|(?<=[\w)]) (?=(?:sum|min|max|dc|values|count)\()"
)
_INDENT = "    "


class Part(NamedTuple):
    """A few stages of a query that do one thing, and a heading that says which."""

    heading: str
    stages: tuple[str, ...]


def laid_out(parts: Sequence[Part], comment: Callable[[str], str]) -> str:
    """The stages of all parts joined by pipes, each part below its heading as ``comment`` writes one.

    The first part holds the first stage, which no comment may stand before in every language: its heading follows it.
    """
    lines: list[str] = []
    for number, part in enumerate(parts):
        stages = [
            wrapped(stage) if number == 0 and place == 0 else f"| {wrapped(stage)}"
            for place, stage in enumerate(part.stages)
        ]
        remarks = [comment(line) for line in wrap(part.heading, WIDTH - 10)]
        lines += [stages[0], *remarks, *stages[1:]] if number == 0 else [*remarks, *stages]
    return "\n".join(lines)


def wrapped(stage: str) -> str:
    """The stage in lines of ``WIDTH`` characters where it has places to break; quotes and regexes stay whole."""
    bare = _OPAQUE.sub(lambda found: "~" * len(found.group()), stage)
    depths, depth = [], 0
    for character in bare:
        depth += {"(": 1, ")": -1}.get(character, 0)
        depths.append(depth)
    places = [found.start() for found in _BREAK.finditer(bare)]
    lines: list[str] = []
    start = 0
    while len(stage) - start > WIDTH - (len(_INDENT) if lines else 0):
        room = [place for place in places if start < place <= start + WIDTH - len(_INDENT)]
        later = [place for place in places if place > start]
        if not later:
            break
        shallow = min((depths[place] for place in room), default=0)
        # The last of the outermost breaks, unless it would leave most of the line empty.
        good = [place for place in room if depths[place] == shallow and place > start + WIDTH // 3]
        cut = (good or room[-1:] or later[:1])[-1]
        lines.append(stage[start:cut])
        start = cut + 1
    return f"\n{_INDENT}".join([*lines, stage[start:]])
