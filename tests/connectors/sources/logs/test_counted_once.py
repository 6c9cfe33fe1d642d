"""A connection that two files tell of is counted once, and the run says so."""

import gzip
import json
from pathlib import Path

from tests.connectors.sources.logs.formats.test_sysmon import CONNECTION, flat
from tests.connectors.sources.logs.test_bad_input import GOOD, fetched, written
from tests.connectors.sources.logs.test_zeek_detection import DAY, beats
from tests.support.zeek_reader import log_text


def said(found: object, *words: str) -> bool:
    return any(all(word in text for word in words) for text in found.health.warnings)


def test_a_log_beside_its_packed_copy(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    written(tmp_path, gzip.compress(GOOD), "conn.log.gz")
    written(tmp_path, GOOD, "copy of conn.log")
    found = fetched(tmp_path)
    assert found.detections[0].connections == 120 and found.health.complete
    assert said(found, "conn.log.gz", "counted once") and said(found, "copy of conn.log", "counted once")


def test_an_older_copy_of_a_log_that_has_grown(tmp_path: Path) -> None:
    written(tmp_path, gzip.compress(GOOD), "a.log.gz")
    written(tmp_path, GOOD + log_text(beats(60, 120, DAY + 7), header=False).encode(), "b.log")
    found = fetched(tmp_path)
    assert found.detections[0].connections == 180 and said(found, "a.log.gz", "b.log")


def test_two_logs_that_begin_alike_are_both_read(tmp_path: Path) -> None:
    for name, first in (("a.log", DAY + 7), ("b.log", DAY + 8)):
        written(tmp_path, GOOD + log_text(beats(60, 120, first), header=False).encode(), name)
    found = fetched(tmp_path)
    assert found.detections[0].connections == 360 and not said(found, "counted once")


def endpoint(rows: list[dict], late: float = 0.0) -> bytes:
    """The same connections as the machine itself logs them, and one that only it saw."""
    events = []
    for row in [*rows, rows[-1] | {"id.orig_p": 39999}]:
        seconds = row["ts"] - DAY + late
        stamp = f"2020-09-14 {int(seconds // 3600):02}:{int(seconds % 3600 // 60):02}:{seconds % 60:06.3f}"
        events.append(
            flat(
                3,
                CONNECTION
                | {
                    "UtcTime": stamp,
                    "SourceIp": row["id.orig_h"],
                    "SourcePort": str(row["id.orig_p"]),
                    "DestinationIp": row["id.resp_h"],
                    "DestinationPort": "443",
                },
            )
        )
    return "".join(json.dumps(event) + "\n" for event in events).encode()


def test_a_sensor_and_the_machine_itself(tmp_path: Path) -> None:
    rows = beats(120, 120)
    written(tmp_path, GOOD)
    written(tmp_path, endpoint(rows, late=2.5), "sysmon.json")
    found = fetched(tmp_path)
    assert [(d.hostname, d.connections) for d in found.detections] == [("", 120)]
    assert said(found, "120 connections", "counted once")
    assert {(held.address, held.hostname) for held in found.holders} == {("10.0.0.1", "ws-7.example")}


def test_the_machine_alone_keeps_its_connections(tmp_path: Path) -> None:
    written(tmp_path, endpoint(beats(120, 120)), "sysmon.json")
    found = fetched(tmp_path)
    assert [(d.hostname, d.connections) for d in found.detections] == [("ws-7.example", 121)]
