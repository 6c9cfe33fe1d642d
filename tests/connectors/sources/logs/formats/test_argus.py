"""Argus as ra prints it: who began, further rows of a session, bytes of each side, and what is refused."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import argus
from tests.support.device_lines import ARGUS, START
from tests.support.log_fixtures import all_rows, events, passed_over, real, refused, written

HEAD, ROW = ARGUS.split("\n")


def log(folder: Path, *rows: str, head: str = HEAD) -> Path:
    return written(folder, "flows.binetflow", "\n".join((head, *rows)) + "\n")


@pytest.mark.parametrize(
    ("way", "began", "sent"),
    [
        ("   ->", "10.20.30.40", 858),
        ("  <->", "10.20.30.40", 858),
        ("   ?>", "10.20.30.40", 858),
        ("  <?>", "10.20.30.40", 858),
        ("  <-", "45.60.1.1", 1292),
        (" <|", "45.60.1.1", 1292),
    ],
)
def test_who_began_and_whose_bytes(way: str, began: str, sent: int, tmp_path: Path) -> None:
    (row,) = events(argus, log(tmp_path, ROW.replace("   ->", way)))
    assert (row["src_ip"], row["bytes_sent"], row["bytes_total"]) == (began, sent, 2150)
    assert row["src_port"] == (20000 if began == "10.20.30.40" else 6667)


@pytest.mark.parametrize(
    ("state", "continues", "answered"),
    [
        ("FSPA_FSPA", False, True),
        ("PA_PA", True, True),
        ("S_", False, False),
        ("S_RA", False, False),
        ("FRPA_FPA", True, True),
        ("S_SA", False, True),
    ],
)
def test_a_row_without_a_syn_is_a_further_row_of_its_session(
    state: str, continues: bool, answered: bool, tmp_path: Path
) -> None:
    (row,) = events(argus, log(tmp_path, ROW.replace("FSPA_FSPA", state)))
    assert (row["continues"], row["answered"]) == (continues, answered)


@pytest.mark.parametrize(("state", "answered"), [("CON", True), ("INT", False), ("REQ", False)])
def test_udp_states(state: str, answered: bool, tmp_path: Path) -> None:
    (row,) = events(argus, log(tmp_path, ROW.replace("tcp", "udp").replace("FSPA_FSPA", state)))
    assert (row["continues"], row["answered"]) == (False, answered)


def test_what_is_no_flow_of_ip_is_passed_over(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        ROW,
        ROW.replace("tcp", "arp"),
        ROW.replace("tcp", "man"),
        HEAD,
        ROW.replace("10.20.30.40", "00:11:22:33:44:55"),
    )
    assert passed_over(argus, path) == [
        "hardware addresses",
        "header line",
        "header line",
        "protocol arp",
        "protocol man",
    ]


def test_tabs_icmp_and_epoch_numbers(tmp_path: Path) -> None:
    icmp = (
        ROW.replace("tcp", "icmp")
        .replace("20000", "0x0008")
        .replace("6667", "0x4d2a")
        .replace("2026/03/02 08:00:01.000000", "1772438401.0")
    )
    (row,) = events(argus, log(tmp_path, icmp.replace(",", "\t"), head=HEAD.replace(",", "\t")))
    assert (row["start"], row["proto"], row["dst_port"]) == (START, "icmp", 0)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("6667", "x", "destination port is not usable: x"),
        ("45.60.1.1", "45.60.1", "destination address is not usable"),
        ("2026/03/02", "2026/13/02", "StartTime is not usable: 2026/13/02 08:00:01.000000"),
        (",2150,", ",-1,", "bytes is not usable: -1"),
    ],
)
def test_bad_rows_are_named(old: str, new: str, reason: str, tmp_path: Path) -> None:
    ((told, line),) = refused(argus, log(tmp_path, ROW, ROW.replace(old, new)))
    assert (told.startswith(reason), line) == (True, 3)


@pytest.mark.real_data
def test_every_row_of_a_public_capture_is_read_or_passed_over() -> None:
    rows = all_rows(argus, real("argus/ctu207-1.binetflow.gz"))
    assert [row["bad"] for row in rows if row["bad"]] == []
    assert sum(row["start"] is not None for row in rows) > 20_000
