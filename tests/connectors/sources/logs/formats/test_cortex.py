"""The CSV exports of Strata Logging Service: columns by name, what counts, times, and what is refused."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import cortex
from tests.support.device_lines import CORTEX, START
from tests.support.log_fixtures import events, passed_over, refused, written

HEAD, ROW = CORTEX.split("\n")


def log(folder: Path, *rows: str, head: str = HEAD) -> Path:
    return written(folder, "strata.csv", "\n".join((head, *rows)) + "\n")


def test_the_names_of_the_schema(tmp_path: Path) -> None:
    head = (
        "log_type.value,sub_type.value,time_generated,source_ip.value,source_port,dest_ip.value,dest_port,"
        "protocol.value,action.value,app,bytes_sent,bytes_received,session_start_time,total_time_elapsed,count_of_repeats"
    )
    (row,) = events(cortex, log(tmp_path, ROW.replace('"20","1"', '"20","4"'), head=head))
    assert (row["start"], row["src_ip"], row["dst_port"], row["bytes_total"], row["conns"]) == (
        START,
        "10.20.30.40",
        6667,
        2150,
        4,
    )
    assert (row["duration"], row["service"]) == (20.0, "irc")


@pytest.mark.parametrize(
    ("old", "new", "start"),
    [
        ("2026-03-02T08:00:01Z", "1772438401000000", START),
        ("2026-03-02T08:00:01Z", "2026-03-02 08:00:01", START),
        ("2026-03-02T08:00:01Z", "2026-03-02T09:00:01+01:00", START),
        ("2026-03-02T08:00:01Z", "", START + 20),
        ("2026-03-02T08:00:01Z", "2026-03-02T08:00:01.000000Z", START),
    ],
)
def test_times(old: str, new: str, start: float, tmp_path: Path) -> None:
    assert [row["start"] for row in events(cortex, log(tmp_path, ROW.replace(old, new)))] == [start]


@pytest.mark.parametrize(("old", "new"), [('"end"', '"drop"'), ('"end"', '"deny"'), ('"allow"', '"reset-both"')])
def test_denied_attempts(old: str, new: str, tmp_path: Path) -> None:
    assert [row["denied"] for row in events(cortex, log(tmp_path, ROW.replace(old, new)))] == [True]


def test_start_rows_and_other_logs_are_passed_over(tmp_path: Path) -> None:
    path = log(tmp_path, ROW, ROW.replace('"end"', '"start"'), ROW.replace("TRAFFIC", "THREAT"))
    assert passed_over(cortex, path) == ["not a TRAFFIC row", "start of a session that its end row counts"]


def test_absent_counters_are_unknown(tmp_path: Path) -> None:
    (row,) = events(cortex, log(tmp_path, ROW.replace('"1292"', '""')))
    assert (row["bytes_sent"], row["bytes_rcvd"], row["bytes_total"]) == (858, None, None)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("6667", "x", "destination port is not usable: x"),
        ('"45.60.1.1",', "", "expected 15 fields, found 14"),
        ('"tcp"', '"tcp', "a quote is left open"),
    ],
)
def test_bad_rows_are_named(old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert refused(cortex, log(tmp_path, ROW, ROW.replace(old, new))) == [(reason, 3)]
