"""Pack and unpack disjoint, sorted number ranges so that reading them back runs at the speed of the C library.

A column of integers is stored as byte planes (all lowest bytes, then all second bytes, ...): that compresses as well as
variable-length integers, and unpacking is slice assignment instead of a Python loop per number.
"""

import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class RangeTable:
    """Sorted disjoint ranges: `starts[i]..lasts[i]`, both inclusive, carry `keys[i]`."""

    starts: "array[int]"
    lasts: "array[int]"
    keys: "array[int]"

    def find(self, number: int) -> int:
        """Position of the range that holds `number`, or -1 when it lies in a gap."""
        position = bisect_right(self.starts, number) - 1
        return position if position >= 0 and number <= self.lasts[position] else -1


def pack_column(numbers: Sequence[int], width: int) -> bytes:
    """Byte planes of non-negative integers below 256**width. OverflowError when one does not fit."""
    flat = b"".join(number.to_bytes(width, "little") for number in numbers)
    return b"".join(flat[plane::width] for plane in range(width))


def unpack_column(packed: bytes, width: int) -> "array[int]":
    """The integers of `pack_column`. ValueError when the length is not a multiple of `width`."""
    count, rest = divmod(len(packed), width)
    if rest:
        raise ValueError(f"a packed column of {len(packed)} bytes is not a multiple of {width} bytes")
    numbers = array("Q" if width > 4 else "I")
    size = numbers.itemsize
    flat = bytearray(count * size)
    for plane in range(width):
        flat[plane::size] = packed[plane * count : (plane + 1) * count]
    numbers.frombytes(flat)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def pack_ranges(rows: Iterable[tuple[int, int, int]], width: int, key_width: int) -> bytes:
    """(start, last, key) rows, rising and without overlap, as three columns. ValueError when they are out of order."""
    gaps: list[int] = []
    lengths: list[int] = []
    keys: list[int] = []
    previous = 0
    for start, last, key in rows:
        if last < start or (gaps and start <= previous):
            raise ValueError(f"range {start}..{last} overlaps or precedes the range that ends at {previous}")
        gaps.append(start - previous)
        lengths.append(last - start)
        keys.append(key)
        previous = last
    return pack_column(gaps, width) + pack_column(lengths, width) + pack_column(keys, key_width)


def unpack_ranges(packed: bytes, count: int, width: int, key_width: int) -> RangeTable:
    """The ranges of `pack_ranges`; `count` rows are expected and ValueError is raised for any other length."""
    if len(packed) != count * (2 * width + key_width):
        raise ValueError(f"{count} packed ranges need {count * (2 * width + key_width)} bytes, not {len(packed)}")
    column = count * width
    gaps = unpack_column(packed[:column], width)
    lengths = unpack_column(packed[column : 2 * column], width)
    keys = unpack_column(packed[2 * column :], key_width)
    steps = array(gaps.typecode, bytes(2 * count * gaps.itemsize))
    steps[0::2] = gaps
    steps[1::2] = lengths
    # start = previous last + gap, last = start + length: one running sum gives both, alternating.
    ends = array(gaps.typecode, accumulate(steps))
    return RangeTable(ends[0::2], ends[1::2], keys)
