"""The embedded address lists: what covers what, with which date, and what the build leaves out."""

import lzma
from dataclasses import replace
from datetime import date, timedelta
from ipaddress import ip_address, ip_network

import pytest

from playbook.reference_data import asn, lists
from playbook.reference_data.csv_reader import read_table
from playbook.reference_data.sources import packed_table
from tests.playbook.reference_data.scripts import script

build = script("build_list_table")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", {("public resolver: Google Public DNS", "resolver")}),
        ("::ffff:8.8.8.8", {("public resolver: Google Public DNS", "resolver")}),
        ("2606:4700:4700::1111", {("cloudflare", "cdn"), ("public resolver: Cloudflare", "resolver")}),
        ("52.216.0.1", {("amazon-aws", "cloud")}),
        ("151.101.1.69", {("fastly", "cdn")}),
        ("140.82.112.3", {("github", "shared")}),
        ("17.253.52.125", {("apple", "shared")}),
        ("148.81.111.10", {("sinkholes", "sinkhole")}),
        ("162.142.125.1", {("censys-scanning", "scanner")}),
        ("192.0.2.1", set()),
        ("10.0.0.1", set()),
        ("2001:db8::1", set()),
    ],
)
def test_all_lists_that_cover_an_address(address, expected):
    assert {(row.name, row.category) for row in lists.covering(address)} == expected


def test_a_sinkhole_behind_a_cdn_shows_both():
    assert [row.category for row in lists.covering("172.67.139.94")] == ["cdn", "sinkhole"]


def test_a_block_page_is_no_sinkhole():
    for last in range(104, 112):
        assert "sinkhole" not in {row.category for row in lists.covering(f"146.112.61.{last}")}
    assert {row.category for row in lists.covering("146.112.61.106")} == {"block_page"}


def test_every_list_has_a_category_a_source_and_a_date():
    rows = lists.every_list()
    assert {row.category for row in rows} == set(lists.CATEGORIES)
    assert all(row.source and date(2020, 1, 1) <= row.as_of <= lists.RESOLVERS_REVIEWED for row in rows)
    assert {row.name: row.as_of for row in rows}["microsoft-azure"] == date(2024, 12, 3)


def test_the_huge_lists_are_not_evidence():
    names = {row.name for row in lists.every_list()}
    assert not [name for name in names if "vpn" in name or "public-dns" in name]


def test_age():
    assert not lists.stale(lists.AS_OF + timedelta(days=180))
    assert lists.stale(lists.AS_OF + timedelta(days=181))


def test_the_file_is_the_one_that_its_record_names():
    with pytest.raises(ValueError, match=r"lists\.bin\.xz is damaged"):
        packed_table(replace(lists.SOURCE, sha256="0" * 64), lists.FILE)
    coverages = lists.decode(packed_table(lists.SOURCE, lists.FILE), "test")
    assert min(len(coverage.starts) for coverage in coverages.values()) > 5_000


def test_at_most_sixty_resolvers_each_announced_by_its_operator():
    rows = read_table("resolvers.csv", dict)
    assert 40 <= len(rows) <= 60
    assert len({row["address"] for row in rows}) == len(rows)
    for row in rows:
        assert row["source"].startswith("https://")
        assert asn.look_up(row["address"]).asn == int(row["asn"]), row
        assert "resolver" in {listed.category for listed in lists.covering(row["address"])}


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"not a table",
        lzma.compress(b"[]\n"),
        lzma.compress(b'{"lists": [["a", "nonsense", "2026-01-01"]], "covers": [], "stretches": {"4": 0, "6": 0}}\n'),
        lzma.compress(b'{"lists": [["a", "cdn", "2026-01-01"]], "covers": [[0]], "stretches": {"4": 2, "6": 0}}\n'),
    ],
)
def test_damage_is_an_error_not_an_empty_table(damaged):
    with pytest.raises((ValueError, KeyError, TypeError, lzma.LZMAError)):
        lists.decode(damaged, "test")


def test_the_build_takes_global_networks_only():
    entries = [
        "8.8.8.0/24",
        "8.8.4.4",
        "10.0.0.0/8",
        "0.0.0.0/0",
        "sink.example",
        "::ffff:9270:3d68",
        "176.31.62.77/30",
    ]
    taken, refused = build.networks_in(entries)
    assert [str(network) for network in taken] == ["8.8.8.0/24", "8.8.4.4/32", "146.112.61.104/32", "176.31.62.76/30"]
    assert refused == ["10.0.0.0/8", "0.0.0.0/0", "sink.example"]


@pytest.mark.parametrize(
    ("version", "day"), [(20251223, date(2025, 12, 23)), (25121022, date(2025, 12, 10)), (2, None), (1, None)]
)
def test_a_lists_date_comes_from_its_version(version, day):
    assert build.list_date(version) == day


LAB = [
    ("198.51.100.0/25", "198.51.100.128/25", "2001:db8::/33", "192.0.2.1"),
    ("198.51.100.64/26", "2001:db8::1", "255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    (),
]
TAKEN = [
    build.Taken(f"lab {place}", category, day, tuple(map(ip_network, networks)), ())
    for place, (category, day, networks) in enumerate(
        zip(("shared", "cdn", "sinkhole"), (None, date(2025, 3, 4), None), LAB, strict=True)
    )
]


@pytest.fixture(scope="module")
def written_and_read():
    return lists.decode(build.encode(TAKEN, date(2026, 1, 2)), "test")


@pytest.mark.parametrize(
    "address",
    [
        "192.0.2.0",
        "192.0.2.1",
        "192.0.2.2",
        "198.51.99.255",
        "198.51.100.0",
        "198.51.100.63",
        "198.51.100.64",
        "198.51.100.127",
        "198.51.100.128",
        "198.51.100.255",
        "198.51.101.0",
        "255.255.255.254",
        "255.255.255.255",
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8::",
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8:8000::",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ],
)
def test_what_the_build_writes_is_what_the_loader_reads(address, written_and_read):
    """By category, then by name: what a plain scan of the networks finds, each with its own day or the package's."""
    wanted = ip_address(address)
    expected = {
        (taken.name, taken.category, taken.as_of or date(2026, 1, 2))
        for taken in TAKEN
        if any(wanted in network for network in taken.networks if network.version == wanted.version)
    }
    found = written_and_read[wanted.version].at(int(wanted))
    assert {(row.name, row.category, row.as_of) for row in found} == expected
    assert [row.category for row in found] == sorted((row.category for row in found), key=lists.CATEGORIES.index)
    assert {row.source for row in found} <= {"test"}


def test_the_same_lists_give_the_same_bytes():
    assert build.encode(TAKEN, date(2026, 1, 2)) == build.encode(TAKEN, date(2026, 1, 2))
