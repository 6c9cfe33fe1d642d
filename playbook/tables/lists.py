"""The embedded address lists: which cloud, CDN, resolver, sinkhole, shared-service or scanner ranges cover an address.

Membership is context, never a reason to close a case. Two uses are safe: `SHARED` categories say that an address may
not be blocked by address, and a sinkhole raises a verdict (unless a CDN covers it too: then its address says nothing).
Rebuilt by scripts/build_list_table.py; resolvers.csv is kept by hand.
"""

import csv
import lzma
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Literal, cast, get_args

from playbook.tables.coverage import Coverage, Span, by_version
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


def covering(address: str | IPv4Address | IPv6Address) -> tuple[ListRow, ...]:
    """All lists that hold `address`, by category and name; () when none does. ValueError when it is no address.

    ::ffff:a.b.c.d is read as a.b.c.d.
    """
    version, number = as_number(address)
    return _coverages()[version].at(number)


def every_list() -> tuple[ListRow, ...]:
    """All lists in the table, by category and name."""
    return tuple(dict.fromkeys(span.row for span in _spans()))


def stale(today: date) -> bool:
    """True when the lists are more than 180 days old on `today`."""
    return today - AS_OF > STALE_AFTER


def read_lists(lines: Iterable[str], source: str) -> Iterator[Span[ListRow]]:
    """Spans of the packed text: a line `L,name,category,as_of` and below it its ranges `4|6,first,last` in hexadecimal.

    ValueError naming the line when one is not of that form.
    """
    row = None
    for number, line in enumerate(lines, 1):
        kind, *fields = line.rstrip("\n").split(",")
        if kind == "L" and len(fields) == 3 and fields[1] in CATEGORIES:
            row = ListRow(fields[0], cast(Category, fields[1]), source, date.fromisoformat(fields[2]))
        elif kind in ("4", "6") and len(fields) == 2 and row is not None:
            yield Span(int(kind), int(fields[0], 16), int(fields[1], 16), row)
        else:
            raise ValueError(f"address lists, line {number}: expected a list or a range, found {line[:80]!r}")


def read_resolvers(lines: Iterable[str]) -> Iterator[Span[ListRow]]:
    """Spans of resolvers.csv: one address each, one list per operator."""
    for row in csv.DictReader(lines):
        version, number = as_number(row["address"])
        listed = ListRow(f"public resolver: {row['operator']}", "resolver", row["source"], RESOLVERS_REVIEWED)
        yield Span(version, number, number, listed)


def _order(row: ListRow) -> tuple[int, str]:
    return CATEGORIES.index(row.category), row.name


@cache
def _spans() -> tuple[Span[ListRow], ...]:
    folder = Path(__file__).parent
    packed = lzma.decompress((folder / "lists.csv.xz").read_bytes()).decode()
    source = f"MISP warning lists ({SOURCE.package} {SOURCE.version})"
    resolvers = (folder / "resolvers.csv").read_text(encoding="utf-8").splitlines()
    spans = (*read_lists(packed.splitlines(), source), *read_resolvers(resolvers))
    return tuple(sorted(spans, key=lambda span: _order(span.row)))


@cache
def _coverages() -> dict[int, Coverage[ListRow]]:
    return by_version(_spans())
