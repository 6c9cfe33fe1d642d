"""Blocks come back one by one as they went in; damage of one is an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.reference_data.block_codec import pack_blocks, unpack_blocks


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=40)), unique_by=lambda one: one[0]))
def test_blocks_come_back_and_are_found(blocks):
    blocks.sort(key=lambda one: one[0])
    table = unpack_blocks(pack_blocks(blocks, 4), len(blocks), 4)
    assert [(first, table.read(index)) for index, first in enumerate(table.firsts)] == blocks
    for index, (first, _) in enumerate(blocks):
        assert table.place(first) == index
        assert table.place(first - 1) == index - 1 or blocks[index - 1][0] == first - 1


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_count_is_refused(count):
    with pytest.raises(ValueError, match=r"expected|multiple"):
        unpack_blocks(pack_blocks([(1, b"one"), (5, b"five")], 4), count, 4)


def test_a_damaged_block_is_an_error_and_the_others_stand():
    packed = bytearray(pack_blocks([(1, b"one"), (5, b"five")], 4))
    packed[-3] ^= 0xFF
    table = unpack_blocks(bytes(packed), 2, 4)
    assert table.read(0) == b"one"
    with pytest.raises(ValueError, match="block 1 is damaged"):
        table.read(1)
