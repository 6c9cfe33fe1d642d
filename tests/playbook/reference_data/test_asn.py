"""The embedded AS table: facts known from elsewhere, gaps, age, speed of loading, and the script that builds it."""

from dataclasses import replace
from datetime import date, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.reference_data import asn
from playbook.reference_data.sources import packed_table
from tests.playbook.reference_data.scripts import script
from tests.support.examples import examples

build = script("build_asn_table")


@pytest.mark.parametrize(
    ("address", "number", "name"),
    [
        ("8.8.8.8", 15169, "Google"),
        ("1.1.1.1", 13335, "Cloudflare"),
        ("9.9.9.9", 19281, "Quad9"),
        ("193.0.14.129", 25152, "RIPE"),
        ("151.101.1.69", 54113, "Fastly"),
        ("140.82.112.3", 36459, "GitHub"),
        ("2001:4860:4860::8888", 15169, "Google"),
        ("2606:4700:4700::1111", 13335, "Cloudflare"),
        ("2620:fe::fe", 19281, "Quad9"),
        ("::ffff:8.8.8.8", 15169, "Google"),
    ],
)
def test_known_addresses(address, number, name):
    row = asn.look_up(address)
    assert (row.asn, name in row.organisation) == (number, True)
    assert asn.look_up(ip_address(address)) == row


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "0.255.255.255", "2001:4860:4860::8888", "2620:fe::fe", "91.189.91.157"]
)
def test_the_row_spans_the_address(address):
    row = asn.look_up(address)
    if row is not None:
        assert ip_address(row.first) <= ip_address(address) <= ip_address(row.last)
        assert asn.look_up(row.first) == row == asn.look_up(row.last)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "192.168.1.1",
        "127.0.0.1",
        "224.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "192.0.2.1",
        "198.51.100.7",
        "203.0.113.9",
        "::1",
        "fe80::1%eth0",
        "ff02::fb",
        "2001:db8::1",
        "fd00::1",
    ],
)
def test_what_nobody_announces_has_no_row(address):
    assert asn.look_up(address) is None


@pytest.mark.parametrize("text", ["", "8.8.8", "8.8.8.8/32", "08.8.8.8", "a host", "1::2::3", "8.8.8.8\n", "8.8.8.8\0"])
def test_text_that_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match="is not an IP address"):
        asn.look_up(text)


def test_every_answer_has_an_age():
    assert date(2026, 1, 1) <= asn.AS_OF
    assert not asn.stale(asn.AS_OF + timedelta(days=180))
    assert asn.stale(asn.AS_OF + timedelta(days=181))


def test_the_file_is_the_one_that_its_record_names():
    packed = packed_table(asn.SOURCE, asn.FILE)
    table = asn.decode(packed)
    assert table.rows[4] + table.rows[6] == asn.SOURCE.rows > 500_000
    assert len(packed) < 2_600_000


def test_every_row_of_the_table_is_found_where_it_stands():
    """All blocks are read: rising, apart, each with a known system, and a look-up at either end gives the row."""
    table = asn._table()
    numbers = [number for number, _ in asn.systems_of(table)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == table.rows[0]
    rows = list(asn.ranges_of(table))
    assert len(rows) == asn.SOURCE.rows
    assert all(a[0] < b[0] or a[2] < b[1] for a, b in pairwise(rows))
    for version, start, last, key in rows[:: len(rows) // 2000]:
        kind, shift = (IPv4Address, 0) if version == 4 else (IPv6Address, 64)
        for number in {start, last}:
            if (version, number) != (6, 0xFFFF):
                assert asn.look_up(kind(number << shift)).asn == numbers[key]


def test_networks_of_an_operator_hold_its_addresses():
    networks = asn.networks_of(19281)
    assert any(ip_address("9.9.9.9") in network for network in networks)
    assert any(ip_address("2620:fe::fe") in network for network in networks)
    assert asn.networks_of(0) == ()
    assert (asn.organisation_of(19281), asn.organisation_of(0)) == ("Quad9", None)


@pytest.mark.parametrize(
    "packed", [b"", b"not a table", b"[]\n", b'{"block": 2, "sections": {"4": [3, 9]}}\n' + bytes(9)]
)
def test_damage_is_an_error_not_an_empty_table(packed):
    with pytest.raises((ValueError, KeyError, TypeError)):
        asn.decode(packed)


def test_a_file_that_is_not_the_recorded_one_is_refused():
    record = replace(asn.SOURCE, sha256="0" * 64)
    with pytest.raises(ValueError, match=r"asn\.bin is damaged"):
        packed_table(record, asn.FILE)


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=12).filter(str.strip)
ROWS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 2**32 - 1)).map(
        lambda case: build.Row(min(case[:2]), max(case[:2]), case[2], "x")
    ),
    max_size=10,
)


@examples(30)
@given(st.dictionaries(st.integers(1, 2**32 - 1), NAMES, min_size=1, max_size=6), st.data())
def test_a_small_table_comes_back(names, data):
    def draw(bits):
        edges = sorted(data.draw(st.sets(st.integers(0, 2**bits - 1), max_size=12)))
        pairs = zip(edges[0::2], edges[1::2], strict=False)
        numbers = st.sampled_from(sorted(names))
        return [build.Row(first, last, (n := data.draw(numbers)), names[n]) for first, last in pairs]

    v4, v6 = draw(32), draw(64)
    used = {row.asn: row.name for row in v4 + v6}
    if not used:
        return
    size = data.draw(st.integers(1, 4), label="rows in a block")
    table = asn.decode(build.encode(v4, v6, size))
    systems = list(asn.systems_of(table))
    assert systems == sorted(used.items())
    expected = [(version, row.start, row.last, row.asn) for version, rows in ((4, v4), (6, v6)) for row in rows]
    assert [(v, start, last, systems[key][0]) for v, start, last, key in asn.ranges_of(table)] == expected
    assert [len(table.blocks[v].firsts) for v in (4, 6)] == [ceil(len(v4) / size), ceil(len(v6) / size)]


@given(ROWS)
def test_overlaps_are_cut_so_that_the_inner_row_wins(rows):
    faults = build.Faults()
    pieces = build.disjoint(rows, faults, "test")
    assert all(before.last < after.start for before, after in pairwise(pieces))
    held = {number: row.asn for row in pieces for number in range(row.start, row.last + 1)}
    for number in range(42):
        covering = [row for row in rows if row.start <= number <= row.last]
        assert (number in held) == bool(covering)
        if covering:
            inner = max((row.start, -row.last) for row in covering)
            assert held[number] in {row.asn for row in covering if (row.start, -row.last) == inner}
    separate = all(a.last < b.start for a, b in pairwise(sorted(rows)))
    assert bool(faults.counts) != separate


def test_broken_rows_are_counted_with_their_line():
    lines = [
        "1,2,3,Good",
        "x,2,3,Text",
        "5,4,3,Backwards",
        "6,7,0,No AS",
        "8,9",
        f"1,{2**33},3,Wide",
        '10,11,4,"A,  B"',
    ]
    faults = build.Faults()
    rows = list(build.parse(lines, 32, faults, "file.csv"))
    assert [(row.start, row.name) for row in rows] == [(1, "Good"), (10, "A, B")]
    assert faults.counts == {"does not parse": 2, "out of range": 3}
    assert faults.examples["does not parse"] == ["file.csv:2", "file.csv:5"]


def test_version_6_is_kept_by_64_bits():
    net = ip_network("2001:db8::/48")
    [row] = build.parse([f"{int(net[0])},{int(net[-1])},64500,Lab"], 128, build.Faults(), "v6")
    assert (row.start, row.last) == (int(net[0]) >> 64, (int(net[0]) >> 64) + 0xFFFF)


@pytest.mark.parametrize("version", ["2.3.20260617", "latest", "2.3.2026139919"])
def test_a_version_without_a_day_stops_the_build(version):
    assert build.as_of("2.3.2026061719") == date(2026, 6, 17)
    with pytest.raises(ValueError, match=r"no date|month must be|day is out"):
        build.as_of(version)
