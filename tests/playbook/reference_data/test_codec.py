"""Columns and ranges come back from their packed form exactly as they went in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.reference_data.codec import pack_column, pack_ranges, unpack_column, unpack_ranges


@given(
    st.sampled_from([1, 3, 4, 8]).flatmap(
        lambda width: st.tuples(st.just(width), st.lists(st.integers(0, 256**width - 1)))
    )
)
def test_a_column_comes_back(case):
    width, numbers = case
    assert list(unpack_column(pack_column(numbers, width), width)) == numbers


@st.composite
def ranges(draw, bits):
    """Disjoint rising (start, last, key) rows inside `bits` bits, neighbours and full width included."""
    edges = sorted(draw(st.sets(st.integers(0, 2**bits - 1), max_size=40)))
    rows = []
    for first, last in zip(edges[0::2], edges[1::2], strict=False):
        rows.append((first, draw(st.sampled_from([first, last])), draw(st.integers(0, 2**24 - 1))))
    return rows


@pytest.mark.parametrize(("bits", "width"), [(32, 4), (64, 8), (6, 4)])
def test_ranges_come_back_and_are_found(bits, width):
    @given(ranges(bits), st.integers(0, 2**bits - 1))
    def check(rows, number):
        table = unpack_ranges(pack_ranges(rows, width, 3), len(rows), width, 3)
        assert list(zip(table.starts, table.lasts, table.keys, strict=True)) == rows
        probes = {number, *(edge for row in rows for edge in (row[0], row[1], row[1] + 1, max(0, row[0] - 1)))}
        for probe in probes:
            expected = next((i for i, row in enumerate(rows) if row[0] <= probe <= row[1]), -1)
            assert table.find(probe) == expected

    check()


def test_the_whole_address_space_fits():
    table = unpack_ranges(pack_ranges([(0, 2**32 - 1, 7)], 4, 3), 1, 4, 3)
    assert (table.find(0), table.find(2**32 - 1)) == (0, 0)


@pytest.mark.parametrize("rows", [[(5, 4, 0)], [(0, 5, 0), (5, 9, 0)], [(9, 9, 0), (1, 2, 0)], [(0, 0, 0), (0, 0, 1)]])
def test_rows_out_of_order_are_refused(rows):
    with pytest.raises(ValueError, match="overlaps or precedes"):
        pack_ranges(rows, 4, 3)


def test_a_damaged_column_is_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        unpack_column(b"12345", 4)
    with pytest.raises(ValueError, match="need 11 bytes"):
        unpack_ranges(b"1234567890", 1, 4, 3)
