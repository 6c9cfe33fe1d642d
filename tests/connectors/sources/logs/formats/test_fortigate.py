"""FortiGate traffic: one session whatever its records, verdicts, times, older names, and what is refused."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import fortigate
from connectors.sources.logs.schema import Scan
from tests.support.device_lines import FORTIGATE, START
from tests.support.log_fixtures import events, passed_over, refused, written


def line(**changed: str) -> str:
    """The sample with other values; an empty one takes the field away."""
    parts = dict(one.split("=", 1) for one in FORTIGATE.replace('"United States"', '"US"').split(" "))
    parts = {key: changed.get(key, value) for key, value in parts.items()} | changed
    return " ".join(f"{key}={value}" for key, value in parts.items() if value)


def log(folder: Path, *lines: str) -> Path:
    return written(folder, "fgt.log", "\n".join(lines) + "\n")


def test_every_cell_comes_from_its_field_and_translation_changes_no_end(tmp_path: Path) -> None:
    (row,) = events(fortigate, log(tmp_path, FORTIGATE))
    assert (row["src_ip"], row["dst_ip"], row["start"], row["duration"]) == ("10.20.30.40", "45.60.1.1", START, 20.0)
    assert (row["sent_packets"], row["rcvd_packets"], row["answered"], row["orig_bytes"]) == (7, 5, True, 858)


def test_interim_and_start_records_of_a_session_are_one_connection_with_the_last_counters(tmp_path: Path) -> None:
    records = [
        line(
            action='"start"',
            logid='"0000000015"',
            duration="0",
            sentbyte="0",
            rcvdbyte="0",
            eventtime="1772438401000000000",
        ),
        line(action='"accept"', logid='"0000000020"', duration="120", sentbyte="900", eventtime="1772438521000000000"),
        line(action='"accept"', logid='"0000000020"', duration="240", sentbyte="1800", eventtime="1772438641000000000"),
        line(duration="300", sentbyte="2000", eventtime="1772438701000000000"),
    ]
    path = log(tmp_path, *records)
    (row,) = events(fortigate, path)
    assert (row["start"], row["bytes_sent"], row["duration"]) == (START, 2000, 300.0)
    assert passed_over(fortigate, path) == ["record of a session that a later record counts"] * 3
    (open_one,) = events(fortigate, log(tmp_path, *records[:3]))
    assert (open_one["bytes_sent"], open_one["duration"]) == (1800, 240.0)
    (begun,) = events(fortigate, log(tmp_path, records[0]))
    assert (begun["bytes_total"], begun["answered"]) == (None, None)


def test_sessions_of_other_numbers_devices_and_ends_stay_apart(tmp_path: Path) -> None:
    interim = line(logid='"0000000020"', action='"accept"')
    others = [line(sessionid="901"), line(devid='"FG100OTHER"'), line(srcport="20001")]
    assert len(events(fortigate, log(tmp_path, interim, *others))) == 4
    assert len(events(fortigate, log(tmp_path, FORTIGATE, FORTIGATE))) == 2


@pytest.mark.parametrize(
    ("action", "denied", "answered"),
    [
        ("close", False, True),
        ("client-rst", False, True),
        ("timeout", False, True),
        ("accept", False, True),
        ("ip-conn", False, False),
        ("deny", True, False),
        ("blocked", True, False),
    ],
)
def test_verdicts(action: str, denied: bool, answered: bool, tmp_path: Path) -> None:
    (row,) = events(fortigate, log(tmp_path, line(action=f'"{action}"')))
    assert (row["denied"], row["answered"]) == (denied, answered)


@pytest.mark.parametrize(
    ("changed", "start"),
    [
        ({"eventtime": "1772438421"}, START),
        ({"eventtime": "1772438421000"}, START),
        ({"eventtime": "1772438421000000"}, START),
        ({"eventtime": "", "tz": '"-0500"'}, START + 5 * 3600),
        ({"eventtime": "", "tz": '"+05:30"'}, START - 5.5 * 3600),
        ({"eventtime": "", "tz": ""}, START),
    ],
)
def test_times(changed: dict[str, str], start: float, tmp_path: Path) -> None:
    assert [row["start"] for row in events(fortigate, log(tmp_path, line(**changed)))] == [start]


def test_the_zone_given_holds_only_where_the_line_names_none(tmp_path: Path) -> None:
    zone = Scan(time_zone="Europe/Berlin")
    assert [row["start"] for row in events(fortigate, log(tmp_path, line(eventtime="", tz="")), zone)] == [START - 3600]
    assert [row["start"] for row in events(fortigate, log(tmp_path, line()), zone)] == [START]


@pytest.mark.parametrize("shape", ["commas", "cells"])
def test_the_csv_forms(shape: str, tmp_path: Path) -> None:
    plain = line().removeprefix("<189>")
    text = (
        plain.replace(" ", ",")
        if shape == "commas"
        else ",".join(f'"{one}"' for one in plain.replace('"', "").split(" "))
    )
    (row,) = events(fortigate, log(tmp_path, text))
    assert (row["src_ip"], row["dst_port"], row["start"], row["bytes_total"]) == ("10.20.30.40", 6667, START, 2150)


def test_the_names_of_older_firmware(tmp_path: Path) -> None:
    text = (
        "date=2026-03-02 time=08:00:21 devname=FG devid=FG100D3G1 log_id=0021000002 type=traffic subtype=allowed "
        "src=10.20.30.40 src_port=20000 dst=45.60.1.1 dst_port=6667 SN=9 status=accept proto=6 duration=20 sent=8 "
        "rcvd=9"
    )
    (row,) = events(fortigate, log(tmp_path, text))
    assert (row["src_ip"], row["dst_port"], row["start"], row["bytes_total"]) == ("10.20.30.40", 6667, START, 17)


def test_other_records_are_passed_over_by_their_type(tmp_path: Path) -> None:
    path = log(tmp_path, FORTIGATE, line(type='"utm"', subtype='"webfilter"'), line(type='"event"'), "Mar  2 a: b")
    assert passed_over(fortigate, path) == ["not a FortiGate record", "type event", "type utm"]
    assert refused(fortigate, path) == []


def test_text_that_a_client_chose_is_no_field(tmp_path: Path) -> None:
    hostile = line(srcname='"pc dstip=9.9.9.9 action=deny sentbyte=1"', dstip="")
    path = log(tmp_path, hostile, line(srcname='"pc srcip=9.9.9.9"'))
    (row,) = events(fortigate, path)
    assert row["src_ip"] == "10.20.30.40"
    assert refused(fortigate, path) == [("destination address is missing", 1)]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"dstport": ""}, "destination port is missing"),
        ({"dstport": "70000"}, "destination port is not usable: 70000"),
        ({"sentbyte": "-1"}, "bytes sent is not usable: -1"),
        ({"srcip": "a.example"}, "source address is not usable: a.example"),
        ({"eventtime": "soon"}, "eventtime, or date and time is not usable: soon"),
    ],
)
def test_bad_rows_are_named(changed: dict[str, str], reason: str, tmp_path: Path) -> None:
    path = log(tmp_path, FORTIGATE, line(**changed))
    assert refused(fortigate, path) == [(reason, 2)]


def test_icmp_has_no_ports_and_absent_counters_are_unknown(tmp_path: Path) -> None:
    (row,) = events(fortigate, log(tmp_path, line(proto="1", srcport="", dstport="", sentbyte="", rcvdbyte="")))
    assert (row["dst_port"], row["proto"], row["bytes_sent"], row["bytes_total"]) == (0, "icmp", None, None)
