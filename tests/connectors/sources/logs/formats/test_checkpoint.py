"""Check Point's Log Exporter: syslog and Splunk forms, updates of one record, verdicts, and what is refused."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import checkpoint
from tests.support.device_lines import CHECKPOINT, START
from tests.support.log_fixtures import events, passed_over, refused, written

BARS = (
    "time=1772438401|hostname=gw|product=Firewall|action=Accept|ifdir=inbound|loguid={0x5,0x1,0x1,0x1}|origin=192.0.2.1|"
    "originsicname=cn\\=cp,o\\=r80|dst=45.60.1.1|proto=6|s_port=20000|service=6667|service_id=irc|src=10.20.30.40|"
)


def log(folder: Path, *lines: str) -> Path:
    return written(folder, "cp.log", "\n".join(lines) + "\n")


def accounted(sent: int) -> str:
    counters = f'client_outbound_bytes:"{sent}"; client_inbound_bytes:"1292"; elapsed:"60"; '
    return CHECKPOINT.replace('time:"', counters + 'time:"')


def test_the_form_with_bars(tmp_path: Path) -> None:
    (row,) = events(checkpoint, log(tmp_path, BARS))
    assert (row["start"], row["src_ip"], row["dst_ip"], row["dst_port"]) == (START, "10.20.30.40", "45.60.1.1", 6667)


def test_updates_of_one_record_are_one_connection_with_the_last_counters(tmp_path: Path) -> None:
    path = log(tmp_path, CHECKPOINT, accounted(500), accounted(858).replace('"Accept"', '"Update"'))
    (row,) = events(checkpoint, path)
    assert (row["start"], row["bytes_sent"], row["bytes_total"], row["duration"]) == (START, 858, 2150, 60.0)
    assert len(passed_over(checkpoint, path)) == 2
    nobody = CHECKPOINT.replace("{0x1,0x2,0x3,0x4}", "{0x0,0x0,0x0,0x0}")
    assert len(events(checkpoint, log(tmp_path, nobody, nobody))) == 2


@pytest.mark.parametrize(
    ("action", "denied"),
    [
        ("Accept", False),
        ("Encrypt", False),
        ("Drop", True),
        ("Reject", True),
        ("Block", True),
    ],
)
def test_actions(action: str, denied: bool, tmp_path: Path) -> None:
    (row,) = events(checkpoint, log(tmp_path, CHECKPOINT.replace('"Accept"', f'"{action}"')))
    assert row["denied"] is denied


@pytest.mark.parametrize(
    ("old", "new", "start"),
    [
        ('time:"1772438401"', 'time:"2026-03-02T08:00:01Z"', START),
        ('time:"1772438401"', 'x:"1"', START),
        ('time:"1772438401"', 'time:"1772438401000"', START),
    ],
)
def test_times(old: str, new: str, start: float, tmp_path: Path) -> None:
    assert [row["start"] for row in events(checkpoint, log(tmp_path, CHECKPOINT.replace(old, new)))] == [start]


def test_other_blades_and_lines_are_passed_over(tmp_path: Path) -> None:
    blade = CHECKPOINT.replace("VPN-1 & FireWall-1", "URL Filtering")
    bare = CHECKPOINT.replace('src:"10.20.30.40"; dst:"45.60.1.1"; ', "")
    path = log(tmp_path, CHECKPOINT, blade, bare, "Mar  2 08:00:01 host text")
    assert passed_over(checkpoint, path) == [
        "not a record of Check Point",
        "product url filtering",
        "record without addresses",
    ]


def test_quotes_and_brackets_in_a_value_are_text(tmp_path: Path) -> None:
    hostile = CHECKPOINT.replace('ifdir:"outbound"', r'ifdir:"a\"; src:\"9.9.9.9\"; [b\]"')
    assert [row["src_ip"] for row in events(checkpoint, log(tmp_path, hostile))] == ["10.20.30.40"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('service:"6667"', 'service:"irc"', "destination port is not usable: irc"),
        ('dst:"45.60.1.1"; ', "", "destination address is missing"),
        ('time:"1772438401"', 'time:"soon"', "time is not usable: soon"),
    ],
)
def test_bad_rows_are_named(old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert refused(checkpoint, log(tmp_path, CHECKPOINT, CHECKPOINT.replace(old, new))) == [(reason, 2)]
