"""The embedded address lists: which cloud, CDN, resolver, sinkhole, shared-service or scanner ranges cover an address.

Membership is context. Two uses are safe: `SHARED` categories say an address may not be blocked by address, and a sinkhole
raises a verdict. Never a reason to close a case. Rebuilt by scripts/build_list_table.py; resolvers.csv is kept by hand.
"""

import csv
import lzma
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Literal, get_args

from playbook.tables.numbers import as_number
from playbook.tables.sources import source_of

Category = Literal["cloud", "cdn", "resolver", "shared", "sinkhole", "block_page", "scanner"]
CATEGORIES: tuple[str, ...] = get_args(Category)
# Behind one address of these live many customers: blocking it hits bystanders, listing it convicts nobody.
SHARED: frozenset[str] = frozenset({"cloud", "cdn", "resolver", "shared"})

SOURCE = source_of("lists")
AS_OF: date = SOURCE.as_of
RESOLVERS_REVIEWED = date(2026, 11, 24)
STALE_AFTER = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class ListRow:
    """One list that covers an address; `as_of` is the list's own date, or its package's where the list has none."""

    name: str
    category: Category
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Coverage:
    """`covers[i]` holds from `starts[i]` up to the next start; before the first start nothing does."""

    starts: tuple[int, ...]
    covers: tuple[tuple[ListRow, ...], ...]

    def at(self, number: int) -> tuple[ListRow, ...]:
        """The lists that hold at `number`."""
        position = bisect_right(self.starts, number) - 1
        return self.covers[position] if position >= 0 else ()


@dataclass(frozen=True, slots=True)
class Span:
    """One range of one list, numbers inclusive; `version` is 4 or 6."""

    version: int
    first: int
    last: int
    row: ListRow


def covering(address: str | IPv4Address | IPv6Address) -> tuple[ListRow, ...]:
    """All lists that hold `address`, by category and name; () when none does. ValueError when it is no address.

    ::ffff:a.b.c.d is read as a.b.c.d.
    """
    version, number = as_number(address)
    return _coverages()[version].at(number)


def every_list() -> tuple[ListRow, ...]:
    """All lists in the table, by category and name."""
    return tuple(sorted({span.row for span in _spans()}, key=_order))


def stale(today: date) -> bool:
    """True when the lists are more than 180 days old on `today`."""
    return today - AS_OF > STALE_AFTER


def flatten(spans: Iterable[Span]) -> Coverage:
    """Overlapping spans of one IP version as consecutive stretches, each with all rows that hold there."""
    opening: dict[int, list[ListRow]] = {}
    closing: dict[int, list[ListRow]] = {}
    for span in spans:
        opening.setdefault(span.first, []).append(span.row)
        closing.setdefault(span.last + 1, []).append(span.row)
    starts, covers = [], []
    active: list[ListRow] = []
    for boundary in sorted(opening.keys() | closing.keys()):
        for row in closing.get(boundary, ()):
            active.remove(row)
        active.extend(opening.get(boundary, ()))
        starts.append(boundary)
        covers.append(tuple(sorted(set(active), key=_order)) if len(active) > 1 else tuple(active))
    return Coverage(tuple(starts), tuple(covers))


def read_lists(lines: Iterable[str], source: str) -> Iterator[Span]:
    """Spans of the packed text: a line `L,name,category,as_of` and below it its ranges `4|6,first,last` in hexadecimal.

    ValueError naming the line when one is not of that form.
    """
    row = None
    for number, line in enumerate(lines, 1):
        kind, *fields = line.rstrip("\n").split(",")
        if kind == "L" and len(fields) == 3 and fields[1] in CATEGORIES:
            row = ListRow(fields[0], fields[1], source, date.fromisoformat(fields[2]))
        elif kind in ("4", "6") and len(fields) == 2 and row is not None:
            yield Span(int(kind), int(fields[0], 16), int(fields[1], 16), row)
        else:
            raise ValueError(f"address lists, line {number}: expected a list or a range, found {line[:80]!r}")


def read_resolvers(lines: Iterable[str]) -> Iterator[Span]:
    """Spans of resolvers.csv: one address each, one list per operator."""
    for row in csv.DictReader(lines):
        version, number = as_number(row["address"])
        listed = ListRow(f"public resolver: {row['operator']}", "resolver", row["source"], RESOLVERS_REVIEWED)
        yield Span(version, number, number, listed)


def _order(row: ListRow) -> tuple[int, str]:
    return CATEGORIES.index(row.category), row.name


@cache
def _spans() -> tuple[Span, ...]:
    folder = Path(__file__).parent
    packed = lzma.decompress((folder / "lists.csv.xz").read_bytes()).decode()
    source = f"MISP warning lists ({SOURCE.package} {SOURCE.version})"
    resolvers = (folder / "resolvers.csv").read_text(encoding="utf-8").splitlines()
    return (*read_lists(packed.splitlines(), source), *read_resolvers(resolvers))


@cache
def _coverages() -> dict[int, Coverage]:
    return {version: flatten(span for span in _spans() if span.version == version) for version in (4, 6)}
