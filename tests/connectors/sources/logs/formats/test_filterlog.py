"""filterlog of pfSense and OPNsense: verdicts, both IP versions, one packet logged twice, and what is refused."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import filterlog
from tests.support.device_lines import FILTERLOG, START
from tests.support.log_fixtures import events, passed_over, refused, written

UDP = FILTERLOG.replace("6,tcp,60", "17,udp,60").split(",0,S,")[0] + ",32"


def log(folder: Path, *lines: str) -> Path:
    return written(folder, "filter.log", "\n".join(lines) + "\n")


@pytest.mark.parametrize(("action", "denied"), [("pass", False), ("block", True), ("reject", True)])
def test_actions(action: str, denied: bool, tmp_path: Path) -> None:
    (row,) = events(filterlog, log(tmp_path, FILTERLOG.replace("pass", action)))
    assert (row["denied"], row["start"], row["dst_port"], row["bytes_total"]) == (denied, START, 6667, None)


@pytest.mark.parametrize(
    "frame",
    [
        "Mar 02 2026 08:00:01 fw filterlog[35553]: ",
        "Mar 02 2026 08:00:01 fw filterlog: ",
        '<134>1 2026-03-02T08:00:01+00:00 fw filterlog 35553 - [meta sequenceId="3"] ',
    ],
)
def test_frames(frame: str, tmp_path: Path) -> None:
    (row,) = events(filterlog, log(tmp_path, frame + FILTERLOG.split(" - - ")[1]))
    assert (row["start"], row["src_ip"], row["dst_port"]) == (START, "10.20.30.40", 6667)


def test_udp_and_icmp(tmp_path: Path) -> None:
    icmp = FILTERLOG.split(",6,tcp,")[0] + ",1,icmp,84,10.20.30.40,45.60.1.1,request,9,1"
    rows = events(filterlog, log(tmp_path, UDP, icmp))
    assert sorted((row["proto"], row["dst_port"]) for row in rows) == [("icmp", 0), ("udp", 6667)]


def test_a_packet_on_its_way_in_and_out_counts_once_from_the_inside(tmp_path: Path) -> None:
    inward = FILTERLOG.replace(",out,", ",in,").replace("em0", "em1")
    outward = FILTERLOG.replace("10.20.30.40", "203.0.113.9").replace("20000", "61000")
    for lines in ([inward, outward], [outward, inward]):
        path = log(tmp_path, *lines)
        assert [row["src_ip"] for row in events(filterlog, path)] == ["10.20.30.40"]
        assert passed_over(filterlog, path) == ["the same packet, logged again"]
    other = outward.replace("1395699778", "1395699779")
    assert len(events(filterlog, log(tmp_path, inward, other))) == 2


def test_packets_that_open_nothing_are_passed_over(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        FILTERLOG,
        FILTERLOG.replace("pass", "block").replace(",0,S,", ",0,FA,"),
        FILTERLOG.replace(",0,S,", ",0,SA,"),
        FILTERLOG.replace("pass", "rdr"),
        "Mar  2 08:00:01 fw sshd: text",
    )
    assert len(events(filterlog, path)) == 1
    assert passed_over(filterlog, path) == [
        "action rdr",
        "answer",
        "not a line of filterlog",
        "packet within a connection",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (FILTERLOG.replace(",out,4,", ",out,5,"), "the IP version is not 4 or 6"),
        (FILTERLOG[:100], "expected more fields, found 9"),
        (FILTERLOG.replace("6667", "x"), "destination port is not usable: x"),
        (
            FILTERLOG.replace("2026-03-02T08:00:01+00:00", "-"),
            "time stamp (one without a year needs the year given) is missing",
        ),
    ],
)
def test_bad_rows_are_named(text: str, reason: str, tmp_path: Path) -> None:
    assert refused(filterlog, log(tmp_path, FILTERLOG, text)) == [(reason, 2)]
