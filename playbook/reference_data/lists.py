"""The embedded address lists: which cloud, CDN, resolver, sinkhole, shared-service or scanner ranges cover an address.

Membership is context, never a reason to close a case. Two uses are safe: `SHARED` categories say that an address may
not be blocked by address, and a sinkhole raises a verdict (unless a CDN covers it too: then its address says nothing).
Rebuilt by scripts/build_list_table.py; resolvers.csv is kept by hand.
"""

import csv
import json
import lzma
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Literal, cast, get_args

from playbook.reference_data.address_ints import as_number
from playbook.reference_data.codec import unpack_column
from playbook.reference_data.intervals import Coverage, Span, by_version
from playbook.reference_data.sources import packed_table, source_of

Category = Literal["cloud", "cdn", "resolver", "shared", "sinkhole", "block_page", "scanner"]
CATEGORIES: tuple[str, ...] = get_args(Category)
# Behind one address of these live many customers: blocking it hits bystanders, listing it convicts nobody.
SHARED: frozenset[str] = frozenset({"cloud", "cdn", "resolver", "shared"})

FILE = "lists.bin.xz"
SOURCE = source_of("lists")
AS_OF: date = SOURCE.as_of
RESOLVERS_REVIEWED = date(2026, 11, 24)
STALE_AFTER = timedelta(days=180)
HEADER_END = b"\n"
# Bytes of an address of each IP version, and of the place of what covers it.
WIDTHS = {4: 4, 6: 16}
KEY_WIDTH = 2


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
    found, resolvers = _embedded()[version].at(number), _resolvers()[version].at(number)
    return tuple(sorted((*found, *resolvers), key=_order)) if resolvers else found


def every_list() -> tuple[ListRow, ...]:
    """All lists in the table, by category and name."""
    coverages = (*_embedded().values(), *_resolvers().values())
    return tuple(sorted({row for coverage in coverages for rows in coverage.covers for row in rows}, key=_order))


def stale(today: date) -> bool:
    """True when the lists are more than 180 days old on `today`."""
    return today - AS_OF > STALE_AFTER


def decode(packed: bytes, source: str) -> dict[int, Coverage[ListRow]]:
    """The coverage of each IP version in what scripts/build_list_table.py's `encode` wrote.

    ValueError, KeyError or lzma.LZMAError when it is damaged.
    """
    header, _, body = lzma.decompress(packed).partition(HEADER_END)
    frame = json.loads(header)
    rows = [ListRow(name, _category(kind), source, date.fromisoformat(day)) for name, kind, day in frame["lists"]]
    covers = [tuple(sorted((rows[place] for place in places), key=_order)) for places in frame["covers"]]
    coverages = {}
    for version in WIDTHS:
        starts, body = _starts(body, frame["stretches"][str(version)], WIDTHS[version])
        keys, body = _cut(body, len(starts), KEY_WIDTH)
        coverages[version] = Coverage(starts, tuple(covers[key] for key in keys))
    return coverages


def read_resolvers(lines: Iterable[str]) -> Iterator[Span[ListRow]]:
    """Spans of resolvers.csv: one address each, one list per operator."""
    for row in csv.DictReader(lines):
        version, number = as_number(row["address"])
        listed = ListRow(f"public resolver: {row['operator']}", "resolver", row["source"], RESOLVERS_REVIEWED)
        yield Span(version, number, number, listed)


@cache
def resolver_addresses() -> tuple[str, ...]:
    """Every address of the shipped list of public resolvers, as text in its usual form."""
    with Path(__file__).with_name("resolvers.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(str(ip_address(row["address"])) for row in csv.DictReader(lines))


def _order(row: ListRow) -> tuple[int, str]:
    return CATEGORIES.index(row.category), row.name


def _category(text: str) -> Category:
    if text not in CATEGORIES:
        raise ValueError(f"the address lists hold an unknown category {text[:80]!r}")
    return cast(Category, text)


def _starts(body: bytes, count: int, width: int) -> tuple[tuple[int, ...], bytes]:
    """Numbers of up to 16 bytes: two columns of 8 when they do not fit one."""
    if width <= 8:
        column, body = _cut(body, count, width)
        return tuple(column), body
    upper, body = _cut(body, count, 8)
    lower, body = _cut(body, count, 8)
    return tuple(high << 64 | low for high, low in zip(upper, lower, strict=True)), body


def _cut(body: bytes, count: int, width: int) -> tuple["array[int]", bytes]:
    column = unpack_column(body[: count * width], width)
    if len(column) != count:
        raise ValueError(f"the address lists end after {len(column)} of {count} numbers")
    return column, body[count * width :]


@cache
def _embedded() -> dict[int, Coverage[ListRow]]:
    return decode(packed_table(SOURCE, FILE), f"MISP warning lists ({SOURCE.package} {SOURCE.version})")


@cache
def _resolvers() -> dict[int, Coverage[ListRow]]:
    with Path(__file__).with_name("resolvers.csv").open(encoding="utf-8", newline="") as lines:
        return by_version(read_resolvers(lines))
