"""Overlapping ranges flattened once, so that one bisection answers with everything that covers a number."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Span(Generic[Row]):
    """One range of one row, numbers inclusive; `version` is 4 or 6."""

    version: int
    first: int
    last: int
    row: Row


@dataclass(frozen=True, slots=True)
class Coverage(Generic[Row]):
    """`covers[i]` holds from `starts[i]` up to the next start; before the first start nothing does."""

    starts: tuple[int, ...]
    covers: tuple[tuple[Row, ...], ...]

    def at(self, number: int) -> tuple[Row, ...]:
        """The rows that hold at `number`, in the order in which they were first given."""
        position = bisect_right(self.starts, number) - 1
        return self.covers[position] if position >= 0 else ()


def flatten(spans: Iterable[Span[Row]]) -> Coverage[Row]:
    """Spans of one IP version as consecutive stretches, each with all rows that hold there (a row once)."""
    rank: dict[Row, int] = {}
    opening: dict[int, list[Row]] = {}
    closing: dict[int, list[Row]] = {}
    for span in spans:
        rank.setdefault(span.row, len(rank))
        opening.setdefault(span.first, []).append(span.row)
        closing.setdefault(span.last + 1, []).append(span.row)
    starts, covers = [], []
    active: list[Row] = []
    for boundary in sorted(opening.keys() | closing.keys()):
        for row in closing.get(boundary, ()):
            active.remove(row)
        active.extend(opening.get(boundary, ()))
        starts.append(boundary)
        covers.append(tuple(sorted(set(active), key=rank.__getitem__)) if len(active) > 1 else tuple(active))
    return Coverage(tuple(starts), tuple(covers))


def by_version(spans: Iterable[Span[Row]]) -> dict[int, Coverage[Row]]:
    """One coverage for version 4 and one for version 6."""
    kept = tuple(spans)
    return {version: flatten(span for span in kept if span.version == version) for version in (4, 6)}
