"""The embedded address lists: what covers what, with which date, and what the build leaves out."""

import hashlib
from datetime import date, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from playbook.tables import asn, lists
from playbook.tables.columns import read_table
from tests.playbook.tables.scripts import script

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
    packed = (Path(lists.__file__).parent / "lists.csv.xz").read_bytes()
    assert hashlib.sha256(packed).hexdigest() == lists.SOURCE.sha256


def test_at_most_sixty_resolvers_each_announced_by_its_operator():
    rows = read_table("resolvers.csv", dict)
    assert 40 <= len(rows) <= 60
    assert len({row["address"] for row in rows}) == len(rows)
    for row in rows:
        assert row["source"].startswith("https://")
        assert asn.look_up(row["address"]).asn == int(row["asn"]), row
        assert "resolver" in {listed.category for listed in lists.covering(row["address"])}


@pytest.mark.parametrize("line", ["L,name,nonsense,2026-01-01", "4,1,2", "5,1,2", "L,a,cdn", ""])
def test_a_damaged_table_names_the_line(line):
    with pytest.raises(ValueError, match="line 1: expected a list or a range"):
        list(lists.read_lists([line], "test"))


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


def test_what_the_build_writes_is_what_the_loader_reads():
    networks = tuple(
        ip_network(text) for text in ("198.51.100.0/25", "198.51.100.128/25", "2001:db8::/33", "192.0.2.1")
    )
    lines = build.lines_of([build.Taken("lab", "cdn", None, networks, ())], date(2026, 1, 2))
    spans = list(lists.read_lists(lines, "test"))
    row = lists.ListRow("lab", "cdn", "test", date(2026, 1, 2))
    expected = [ip_network("192.0.2.1"), ip_network("198.51.100.0/24"), ip_network("2001:db8::/33")]
    assert [(span.version, span.first, span.last) for span in spans] == [
        (net.version, int(net[0]), int(net[-1])) for net in expected
    ]
    assert {span.row for span in spans} == {row}
