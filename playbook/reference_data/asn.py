"""The embedded table of autonomous systems: which AS announces an address, offline and without a dependency.

IPv6 is kept at /64 granularity. Source, licence and attribution: ATTRIBUTION.md; rebuilt by scripts/build_asn_table.py.
"""

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, summarize_address_range
from math import ceil

from playbook.reference_data.address_ints import as_number, as_text
from playbook.reference_data.block_codec import Blocks, unpack_blocks
from playbook.reference_data.codec import RangeTable, unpack_column, unpack_ranges
from playbook.reference_data.sources import packed_table, source_of

FILE = "asn.bin"
SOURCE = source_of("asn")
AS_OF: date = SOURCE.as_of
STALE_AFTER = timedelta(days=180)
HEADER_END = b"\n"
# Bytes of a number, and of the place of its AS in the list of systems.
WIDTHS = {4: 4, 6: 8}
KEY_WIDTH = 3
# More than all blocks of the embedded table: none of them is unpacked twice.
_KEPT_BLOCKS = 1024


@dataclass(frozen=True, slots=True)
class AsnRow:
    """The announced range that covers an address: AS number, organisation, first and last address (inclusive)."""

    asn: int
    organisation: str
    first: str
    last: str


@dataclass(frozen=True, slots=True, eq=False)
class AsnTable:
    """Sections 4, 6 (ranges by IP version) and 0 (systems: AS number and name), in blocks of `size` rows."""

    size: int
    rows: dict[int, int]
    blocks: dict[int, Blocks]

    def rows_in(self, section: int, index: int) -> int:
        """Rows of one block; only a section's last one has fewer than `size`."""
        return min(self.size, self.rows[section] - index * self.size)


def look_up(address: str | IPv4Address | IPv6Address) -> AsnRow | None:
    """The row that covers `address` (::ffff:a.b.c.d is read as a.b.c.d), or None when nobody announced it.

    ValueError when `address` is text that is no IP address, or the table is damaged.
    """
    version, number = as_number(address)
    number = number if version == 4 else number >> 64
    table = _table()
    index = table.blocks[version].place(number)
    position = _ranges(table, version, index).find(number) if index >= 0 else -1
    return None if position < 0 else _row_at(version, index, position)


def organisation_of(asn: int) -> str | None:
    """The name registered for an AS number, or None when the table has no such AS."""
    found = _key_of(asn)
    return None if found is None else _system(_table(), found)[1]


def networks_of(asn: int) -> tuple[IPv4Network | IPv6Network, ...]:
    """Every network that an AS announces, v4 first; () when there is none.

    It scans the whole table (hundreds of ms): for checks, not for the path of a detection.
    """
    wanted = _key_of(asn)
    found: list[IPv4Network | IPv6Network] = []
    for version, start, last, key in ranges_of(_table()) if wanted is not None else ():
        if key == wanted:
            first, end = _bounds(version, start, last)
            kind = IPv4Address if version == 4 else IPv6Address
            found.extend(summarize_address_range(kind(first), kind(end)))
    return tuple(found)


def stale(today: date) -> bool:
    """True when the table is more than 180 days old on `today`: answers still hold, but with a warning."""
    return today - AS_OF > STALE_AFTER


def decode(packed: bytes) -> AsnTable:
    """The table of scripts/build_asn_table.py's `encode`. ValueError or KeyError when it is damaged."""
    header, _, body = packed.partition(HEADER_END)
    frame = json.loads(header)
    size, rows, blocks = int(frame["block"]), {}, {}
    for section, width in (*WIDTHS.items(), (0, 4)):
        rows[section], length = frame["sections"][str(section)]
        blocks[section] = unpack_blocks(body[:length], ceil(rows[section] / size), width)
        body = body[length:]
    return AsnTable(size, rows, blocks)


def ranges_of(table: AsnTable) -> Iterator[tuple[int, int, int, int]]:
    """(IP version, start, last, place of the system) of every row, rising, v4 first; version 6 counts in /64."""
    for version in WIDTHS:
        for index in range(len(table.blocks[version].firsts)):
            ranges = _ranges(table, version, index)
            for start, last, key in zip(ranges.starts, ranges.lasts, ranges.keys, strict=True):
                yield version, start, last, key


def systems_of(table: AsnTable) -> Iterator[tuple[int, str]]:
    """(AS number, name) of every system, rising."""
    for index in range(len(table.blocks[0].firsts)):
        yield from zip(*_systems(table, index), strict=True)


@cache
def _table() -> AsnTable:
    return decode(packed_table(SOURCE, FILE))


@lru_cache(maxsize=_KEPT_BLOCKS)
def _ranges(table: AsnTable, version: int, index: int) -> RangeTable:
    packed = table.blocks[version].read(index)
    return unpack_ranges(packed, table.rows_in(version, index), WIDTHS[version], KEY_WIDTH)


@lru_cache(maxsize=_KEPT_BLOCKS)
def _systems(table: AsnTable, index: int) -> tuple["array[int]", list[str]]:
    packed, count = table.blocks[0].read(index), table.rows_in(0, index)
    numbers, names = unpack_column(packed[: count * 4], 4), packed[count * 4 :].decode().split("\n")
    if len(names) != count:
        raise ValueError(f"block {index} of the AS table names {len(names)} systems, not {count}")
    return numbers, names


def _system(table: AsnTable, key: int) -> tuple[int, str]:
    index, place = divmod(key, table.size)
    numbers, names = _systems(table, index)
    return numbers[place], names[place]


def _key_of(asn: int) -> int | None:
    table = _table()
    index = table.blocks[0].place(asn)
    if index < 0:
        return None
    numbers = _systems(table, index)[0]
    place = bisect_left(numbers, asn)
    return index * table.size + place if place < len(numbers) and numbers[place] == asn else None


def _bounds(version: int, start: int, last: int) -> tuple[int, int]:
    return (start, last) if version == 4 else (start << 64, ((last + 1) << 64) - 1)


@lru_cache(maxsize=65_536)
def _row_at(version: int, index: int, position: int) -> AsnRow:
    ranges = _ranges(_table(), version, index)
    first, last = _bounds(version, ranges.starts[position], ranges.lasts[position])
    number, name = _system(_table(), ranges.keys[position])
    return AsnRow(number, name, as_text(version, first), as_text(version, last))
