"""Floods and scans over a SIEM weigh as they do over a log, and neither is made up by what others send."""

from pathlib import Path

import pytest

from playbook.detections.beaconing import Event
from playbook.model.case import JudgedDetection
from tests.support.siem_fixtures import BOT, C2, SIEMS, calls, every, judged

pytestmark = [pytest.mark.loopback, pytest.mark.parametrize("kind", SIEMS)]
STRANGER = "10.0.0.66"


def beacon() -> list[Event]:
    """A beacon of a host that nobody knows, which alone decides nothing."""
    return calls(every(300), src=STRANGER, hostname="pc-8")


def attacked(one: JudgedDetection) -> list[str]:
    """What the rule on attacks says."""
    return [evidence.reason for evidence in one.verdict.evidence if evidence.rule == "host_attack"]


def flood(count: int, src: str = STRANGER, hours: tuple[int, ...] = (10,), to: str = "198.51.100.80") -> list[Event]:
    """Connections to one other address within a quarter of each hour."""
    starts = [hour * 3600 + n * 0.7 for hour in hours for n in range(count)]
    return calls(starts, to, 80, src, "pc-8", answered=False)


def scan(count: int, silent: int, src: str = STRANGER, hours: tuple[int, ...] = (10,)) -> list[Event]:
    """One connection each to many addresses within a quarter of each hour."""
    return [
        event
        for hour in hours
        for n in range(count)
        for event in calls([hour * 3600 + n * 2], f"192.0.2.{n}", 445, src, "pc-8", answered=n >= silent)
    ]


def test_a_beacon_alone_stays_open(kind: str, tmp_path: Path) -> None:
    one = judged(kind, beacon(), tmp_path)
    assert (one.verdict.disposition, attacked(one)) == ("UNDETERMINED", [])
    assert [one.enriched.known(name) for name in ("flood", "scan_pairs")] == [0, 0]


HOURS = (10, 12, 14)


def test_a_flood_that_comes_again_convicts_its_host(kind: str, tmp_path: Path) -> None:
    one = judged(kind, beacon() + flood(1200, hours=HOURS), tmp_path)
    assert (one.verdict.disposition, one.verdict.about) == ("TRUE_POSITIVE", "host")
    assert attacked(one) == ["the same host floods one destination (1,200 connections in 15 minutes)"]


def test_a_flood_of_its_own_destination_convicts_that(kind: str, tmp_path: Path) -> None:
    one = judged(kind, beacon() + flood(1200, to=C2), tmp_path)
    assert (one.verdict.disposition, one.verdict.about) == ("TRUE_POSITIVE", "destination")


def test_a_scan_that_comes_again_convicts_its_host(kind: str, tmp_path: Path) -> None:
    one = judged(kind, beacon() + scan(240, 230, hours=HOURS), tmp_path)
    assert (one.verdict.disposition, one.verdict.about) == ("TRUE_POSITIVE", "host")
    assert "scans (241 destination" in attacked(one)[0]


@pytest.mark.parametrize(
    "more",
    [flood(1200), flood(1200, hours=HOURS[:2]), scan(240, 230), scan(240, 240, hours=HOURS[:2])],
    ids=["one flood", "two floods", "one scan", "two scans"],
)
def test_what_a_web_page_could_have_caused_convicts_nobody(kind: str, more: list[Event], tmp_path: Path) -> None:
    one = judged(kind, beacon() + more, tmp_path)
    assert one.verdict.disposition == "UNDETERMINED"
    assert "a web page can make a browser do so" in attacked(one)[0]


@pytest.mark.parametrize(
    "more",
    [flood(900), scan(240, 100), scan(150, 150), flood(1200, BOT)],
    ids=["too few", "answered", "too narrow", "of another host"],
)
def test_what_is_no_attack_of_this_host_convicts_nobody(kind: str, more: list[Event], tmp_path: Path) -> None:
    one = judged(kind, beacon() + more, tmp_path)
    assert (one.verdict.disposition, attacked(one)) == ("UNDETERMINED", [])


def test_a_scan_of_which_nobody_knows_the_answers_is_unknown(kind: str, tmp_path: Path) -> None:
    dumb = [event._replace(bytes_rcvd=None, bytes_total=None) for event in scan(240, 240)]
    one = judged(kind, beacon() + dumb, tmp_path)
    assert one.enriched.known("scan_pairs") is None and one.verdict.disposition == "UNDETERMINED"
    assert one.enriched.detection.dst_ip == C2
