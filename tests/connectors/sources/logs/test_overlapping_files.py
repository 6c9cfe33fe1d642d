"""Hours of a log beside their daily merge are counted once; what only looks like it is counted as it is."""

import gzip
import json
from pathlib import Path

import pytest

from tests.connectors.sources.logs.test_bad_input import fetched, written
from tests.connectors.sources.logs.test_counted_once import said
from tests.connectors.sources.logs.test_zeek_detection import DAY, beats
from tests.support.zeek_reader import log_text

HOURS = 6


def rows(uids: str = "C", every: float = 30) -> list[list[dict]]:
    """Six hours of a beacon, one list an hour; every connection has an identity."""
    return [
        [
            row | {"uid": f"{uids}{hour:02}{number:08}"}
            for number, row in enumerate(beats(int(3600 / every), every, DAY + hour * 3600 + 1))
        ]
        for hour in range(HOURS)
    ]


def tsv(lines: list[dict]) -> bytes:
    return log_text(lines).encode()


def as_json(lines: list[dict]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def folder_of(folder: Path, hours: list[bytes], day: bytes, packed: bool) -> Path:
    """The hours, and the whole day beside them."""
    pack, end = (gzip.compress, ".log.gz") if packed else (bytes, ".log")
    for number, hour in enumerate(hours):
        written(folder, pack(hour), f"conn.{number:02}{end}")
    written(folder, pack(day), f"conn.day{end}")
    return folder


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("form", [tsv, as_json])
@pytest.mark.parametrize("mixed", [False, True], ids=["in order", "merged in another order"])
def test_hours_beside_their_daily_merge_are_counted_once(tmp_path, form, packed, mixed):
    hours = rows()
    day = [row for hour in hours for row in (hour[::-1] if mixed else hour)]
    found = fetched(folder_of(tmp_path, [form(hour) for hour in hours], form(day), packed))
    assert [d.connections for d in found.detections] == [len(day)] and found.health.complete
    assert said(found, "conn.01.log", "conn.02.log", "not read, all rows stand in", "conn.day.log", "counted once")


def test_an_hour_of_which_a_row_is_nowhere_else_is_read_and_its_share_is_told(tmp_path):
    hours = rows()
    day = [row for hour in hours for row in hour]
    hours[2].append(hours[2][-1] | {"uid": "Conly0nce0nly", "ts": DAY + 3 * 3600 - 1})
    found = fetched(folder_of(tmp_path, [tsv(hour) for hour in hours], tsv(day), False))
    assert [d.connections for d in found.detections] == [len(day) + len(hours[2])]
    assert said(found, "conn.02.log: 120 of its 121 rows stand in", "counted twice: give one of the two")


@pytest.mark.parametrize("other", [rows("D"), rows("C", 20)], ids=["another sensor", "other rows of the same names"])
def test_two_logs_of_the_same_hours_are_both_read(tmp_path, other):
    hours, whole = rows(), [row for hour in other for row in hour]
    found = fetched(folder_of(tmp_path, [tsv(hour) for hour in hours], tsv(whole), False))
    assert sum(d.connections for d in found.detections) == sum(map(len, hours)) + len(whole)
    assert not said(found, "counted once")


def test_a_log_that_was_rotated_is_read_whole_and_looked_at_once(tmp_path):
    hours = rows()
    for number, hour in enumerate(hours):
        written(tmp_path, tsv(hour), f"conn.{number:02}.log")
    found = fetched(tmp_path)
    assert [d.connections for d in found.detections] == [sum(map(len, hours))]
    assert not said(found, "counted")


def test_a_damaged_merge_takes_nothing_away(tmp_path):
    hours = rows()
    day = gzip.compress(tsv([row for hour in hours for row in hour]))
    for number, hour in enumerate(hours):
        written(tmp_path, gzip.compress(tsv(hour)), f"conn.{number:02}.log.gz")
    written(tmp_path, day[:-20], "conn.day.log.gz")
    found = fetched(tmp_path)
    assert not said(found, "all rows stand in") and not found.health.complete
