"""The embedded table of autonomous systems: which AS announces an address, offline and without a dependency.

IPv6 is kept at /64 granularity. Source, licence and attribution: ATTRIBUTION.md; rebuilt by scripts/build_asn_table.py.
"""

import json
import lzma
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, summarize_address_range
from pathlib import Path

from playbook.tables.numbers import as_number, as_text
from playbook.tables.packing import Ranges, unpack_column, unpack_ranges
from playbook.tables.sources import source_of

SOURCE = source_of("asn")
AS_OF: date = SOURCE.as_of
STALE_AFTER = timedelta(days=180)
HEADER_END = b"\n"


@dataclass(frozen=True, slots=True)
class AsnRow:
    """The announced range that covers an address: AS number, organisation, first and last address (inclusive)."""

    asn: int
    organisation: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class _Table:
    v4: Ranges
    v6: Ranges
    numbers: "array[int]"
    names: tuple[str, ...]


def look_up(address: str | IPv4Address | IPv6Address) -> AsnRow | None:
    """The row that covers `address` (::ffff:a.b.c.d is read as a.b.c.d), or None when nobody announced it.

    ValueError when `address` is text that is no IP address.
    """
    version, number = as_number(address)
    position = _table().v4.find(number) if version == 4 else _table().v6.find(number >> 64)
    return None if position < 0 else _row_at(version, position)


def organisation_of(asn: int) -> str | None:
    """The name registered for an AS number, or None when the table has no such AS."""
    position = _position_of(asn)
    return None if position is None else _table().names[position]


def networks_of(asn: int) -> tuple[IPv4Network | IPv6Network, ...]:
    """Every network that an AS announces, v4 first; () when there is none.

    It scans the whole table (tens of ms): for checks, not for the path of a detection.
    """
    position = _position_of(asn)
    if position is None:
        return ()
    found: list[IPv4Network | IPv6Network] = []
    table = _table()
    for ranges, kind, shift in ((table.v4, IPv4Address, 0), (table.v6, IPv6Address, 64)):
        for index, key in enumerate(ranges.keys):
            if key == position:
                first, last = ranges.starts[index] << shift, ((ranges.lasts[index] + 1) << shift) - 1
                found.extend(summarize_address_range(kind(first), kind(last)))
    return tuple(found)


def stale(today: date) -> bool:
    """True when the table is more than 180 days old on `today`: answers still hold, but with a warning."""
    return today - AS_OF > STALE_AFTER


def decode(packed: bytes) -> _Table:
    """The table of scripts/build_asn_table.py's `encode`. ValueError or lzma.LZMAError when it is damaged."""
    header, _, body = lzma.decompress(packed).partition(HEADER_END)
    sizes = json.loads(header)
    v4_end = sizes["v4"] * 11
    v6_end = v4_end + sizes["v6"] * 19
    numbers_end = v6_end + sizes["systems"] * 4
    names = tuple(body[numbers_end:].decode().split("\n"))
    if len(names) != sizes["systems"]:
        raise ValueError(f"the AS table names {len(names)} systems, its header {sizes['systems']}")
    return _Table(
        v4=unpack_ranges(body[:v4_end], sizes["v4"], width=4, key_width=3),
        v6=unpack_ranges(body[v4_end:v6_end], sizes["v6"], width=8, key_width=3),
        numbers=unpack_column(body[v6_end:numbers_end], 4),
        names=names,
    )


@cache
def _table() -> _Table:
    return decode(Path(__file__).with_name("asn.bin.xz").read_bytes())


def _position_of(asn: int) -> int | None:
    numbers = _table().numbers
    position = bisect_left(numbers, asn)
    return position if position < len(numbers) and numbers[position] == asn else None


@lru_cache(maxsize=65_536)
def _row_at(version: int, position: int) -> AsnRow:
    table = _table()
    ranges = table.v4 if version == 4 else table.v6
    start, last, key = ranges.starts[position], ranges.lasts[position], ranges.keys[position]
    if version == 6:
        start, last = start << 64, ((last + 1) << 64) - 1
    return AsnRow(table.numbers[key], table.names[key], as_text(version, start), as_text(version, last))
