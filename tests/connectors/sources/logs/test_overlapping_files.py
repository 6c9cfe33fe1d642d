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


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_an_hour_of_which_a_row_is_nowhere_else_is_read_and_only_that_row_counts(tmp_path, packed):
    hours = rows()
    day = [row for hour in hours for row in hour]
    hours[2].append(hours[2][-1] | {"uid": "Conly0nce0nly", "ts": DAY + 3 * 3600 - 1, "id.orig_p": 39999})
    found = fetched(folder_of(tmp_path, [tsv(hour) for hour in hours], tsv(day), packed))
    assert [d.connections for d in found.detections] == [len(day) + 1]
    assert said(found, "120 connections stand in", "conn.02.log", "conn.day.log", "counted once")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_what_another_sensor_saw_too_is_counted_once(tmp_path, packed):
    hours, whole = rows(), [row for hour in rows("CD") for row in hour]
    found = fetched(folder_of(tmp_path, [tsv(hour) for hour in hours], tsv(whole), packed))
    assert sum(d.connections for d in found.detections) == len(whole)
    assert found.health.rows_read == 2 * len(whole)
    assert said(found, "connections stand in", "conn.day.log", "counted once")


def test_other_connections_of_the_same_hours_are_all_counted(tmp_path):
    hours, whole = rows(), [row | {"id.orig_p": row["id.orig_p"] - 20000} for hour in rows("C", 20) for row in hour]
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
