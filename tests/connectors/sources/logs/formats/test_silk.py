"""SiLK as rwcut prints it: both directions joined, who began, times, and what is refused."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import silk
from tests.support.device_lines import SILK, START
from tests.support.log_fixtures import events, passed_over, refused, written

HEAD, ROW, BACK = SILK.split("\n")


def log(folder: Path, *rows: str, head: str = HEAD) -> Path:
    return written(folder, "flows.txt", "\n".join((head, *rows)) + "\n")


@pytest.mark.parametrize("order", [1, -1])
def test_both_directions_are_one_connection(order: int, tmp_path: Path) -> None:
    (row,) = events(silk, log(tmp_path, *[ROW, BACK][::order]))
    assert (row["src_ip"], row["dst_port"], row["bytes_sent"], row["bytes_rcvd"]) == ("10.20.30.40", 6667, 858, 1292)
    assert (row["sent_packets"], row["rcvd_packets"], row["answered"]) == (7, 5, True)
    assert row["duration"] == pytest.approx(20.01)


def test_one_direction_leaves_the_other_unknown(tmp_path: Path) -> None:
    (row,) = events(silk, log(tmp_path, ROW))
    assert (row["bytes_sent"], row["bytes_rcvd"], row["bytes_total"], row["answered"]) == (858, None, None, None)


def test_the_first_flags_tell_who_began(tmp_path: Path) -> None:
    head = HEAD + "initialF|"
    rows = [ROW.replace("08:00:01.000", "08:00:01.010") + "S       |", BACK + " S A    |"]
    assert [row["src_ip"] for row in events(silk, log(tmp_path, *rows, head=head))] == ["10.20.30.40"]
    late = [row.replace("FS PA", "F  PA") for row in (ROW, BACK)]
    assert [row["src_port"] for row in events(silk, log(tmp_path, *late))] == [20000]


@pytest.mark.parametrize("time", ["1772438401.000", "2026-03-02 08:00:01.000", "03/02/2026 08:00:01"])
def test_times(time: str, tmp_path: Path) -> None:
    row = ROW.replace("2026/03/02T08:00:01.000", time)
    assert [one["start"] for one in events(silk, log(tmp_path, row))] == [START]


def test_a_header_that_repeats_is_passed_over(tmp_path: Path) -> None:
    assert passed_over(silk, log(tmp_path, ROW, HEAD, BACK)) == ["header line", "header line"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (" 6667|", "    x|", "dPort is not usable: x"),
        ("858|", " -1|", "bytes is not usable: -1"),
        ("45.60.1.1", "45.60.1", "dIP is not usable: 45.60.1"),
        (ROW[40:], "", "expected more fields, found 6"),
    ],
)
def test_bad_rows_are_named(old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert refused(silk, log(tmp_path, ROW, ROW.replace(old, new))) == [(reason, 3)]
