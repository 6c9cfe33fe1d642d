"""A sorted table in compressed blocks: a look-up unpacks the one block that may hold its answer."""

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from playbook.reference_data.codec import pack_column, unpack_column


@dataclass(frozen=True, slots=True)
class Blocks:
    """`firsts[i]` is the lowest number of block i, which ends before `ends[i]` in `body`."""

    firsts: "array[int]"
    ends: tuple[int, ...]
    body: bytes

    def place(self, number: int) -> int:
        """Index of the block that may hold `number`, or -1 when it lies before the first."""
        return bisect_right(self.firsts, number) - 1

    def read(self, index: int) -> bytes:
        """The unpacked bytes of one block. ValueError when they are damaged."""
        begin = self.ends[index - 1] if index else 0
        try:
            return zlib.decompress(self.body[begin : self.ends[index]])
        except zlib.error as fault:
            raise ValueError(f"block {index} is damaged: {fault}") from fault


def pack_blocks(blocks: Iterable[tuple[int, bytes]], width: int) -> bytes:
    """(lowest number, bytes) of each block, rising: the numbers of `width` bytes, the sizes, the compressed blocks."""
    kept = [(first, zlib.compress(content, 9)) for first, content in blocks]
    firsts, sizes = [first for first, _ in kept], [len(packed) for _, packed in kept]
    return pack_column(firsts, width) + pack_column(sizes, 4) + b"".join(packed for _, packed in kept)


def unpack_blocks(packed: bytes, count: int, width: int) -> Blocks:
    """The blocks of `pack_blocks`, still compressed. ValueError when `packed` does not hold `count` of them."""
    index_end = count * (width + 4)
    firsts = unpack_column(packed[: count * width], width)
    ends = tuple(accumulate(unpack_column(packed[count * width : index_end], 4)))
    body = packed[index_end:]
    if len(ends) != count or len(body) != (ends[-1] if ends else 0):
        raise ValueError(f"{count} blocks of {ends[-1] if ends else 0} bytes expected, found {len(body)} bytes")
    return Blocks(firsts, ends, body)
