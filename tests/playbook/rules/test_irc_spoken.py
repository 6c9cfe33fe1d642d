"""IRC spoken over TCP, as a protocol analyser saw it."""

from pathlib import Path

import pytest

from playbook.model.enriched import EnrichedDetection
from tests.connectors.sources.logs.test_traffic import told
from tests.connectors.sources.logs.test_zeek_detection import beats
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import a_detection, a_traffic, an_enriched
from tests.support.zeek_reader import log_text

HELD = {"conn_state": "SF", "orig_pkts": 6, "resp_pkts": 5}
SILENT = {"conn_state": "S0", "orig_pkts": 1, "resp_pkts": 0, "resp_bytes": 0, "resp_ip_bytes": 0, "history": "S"}


def spoken(**change):
    return an_enriched(detection=a_detection(**change))


def counted(both: int, alone: int, **change):
    """The bot with so many conversations, and so many of them recognised as IRC alone."""
    detection = a_detection(**change)
    return an_enriched(detection=detection, traffic=a_traffic(detection, both_sided=both, irc_alone=alone))


TABLE = [
    Row("speaks", "Zeek service irc", spoken(), "conclusive"),
    Row("speaks", "on any port", spoken(dst_port=443, irc_port=0), "conclusive"),
    Row("speaks", "App-ID beside TLS, most of them IRC", counted(10, 6, services=("irc-base", "ssl")), "conclusive"),
    Row("speaks", "exactly half", counted(10, 5), "conclusive"),
    Row("near miss", "under half", counted(10, 4), "hint"),
    Row("near miss", "IRC beside TLS, not counted", spoken(services=("irc", "ssl")), "strong"),
    Row("near miss", "no conversation at all", counted(0, 0), "hint"),
    Row("near miss", "over UDP only", spoken(transports=("udp",)), "silent"),
    Row("near miss", "transport unknown", spoken(transports=()), "silent"),
    Row("near miss", "only denied attempts", spoken(blocked=True, denied=288, connections=0), "silent"),
    Row("silent", "TLS on 6697", spoken(dst_port=6697, services=("ssl",)), "silent"),
    Row("silent", "no service recorded", spoken(services=()), "silent"),
    Row("hostile", "a process called irc", spoken(services=(), processes=("irc",)), "silent"),
    Row("hostile", "three rows of hundreds say irc", counted(288, 3), "hint"),
    Row("hostile", "web requests that look like IRC", counted(288, 0, services=("http", "irc")), "hint"),
    Row("hostile", "the analyser gave up", spoken(services=("-irc", "~irc")), "silent"),
    Row("hostile", "a service that only contains the word", spoken(services=("irc-like\n'",)), "silent"),
]


@rows(TABLE)
def test_irc_spoken(row):
    assert outcome("irc_spoken", row.enriched) == row.said


def test_the_indicator_is_the_address_an_exception_must_name():
    assert evidence("irc_spoken", spoken()).indicator == "203.0.113.66"


FORGED = {
    "three of 120 rows": ("irc", 3, ""),
    "beside a web protocol": ("http,irc", 120, ""),
    "a protocol that was violated": ("-irc", 120, ""),
    "an uncertain one": ("~irc", 120, ""),
    "both": ("irc,-irc", 120, ""),
    "under half": ("irc", 59, ""),
    "the others are web": ("irc", 40, "http"),
}
HONEST = {"all": ("irc", 120, ""), "half": ("irc", 60, ""), "a bot that has TLS at times": ("irc", 90, "ssl")}


def from_log(folder: Path, service: str, many: int, others: str, *silent: dict) -> EnrichedDetection:
    """What a Zeek log tells of 120 conversations, of which the first ``many`` carry this service."""
    lines = [line | HELD | {"service": service if n < many else others} for n, line in enumerate(beats(120, 120))]
    answer = told(folder, conn=log_text([*lines, *silent]))
    names = tuple(sorted({part for one in (service, others) for part in one.split(",") if part}))
    detection = a_detection(services=names, src_ip="10.0.0.1", dst_ip="8.8.4.4", dst_port=443)
    return an_enriched(detection=detection, traffic=answer.tuples[0])


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_rows_that_only_look_like_irc_convict_nobody(tmp_path: Path, forged: tuple[str, int, str]) -> None:
    assert outcome("irc_spoken", from_log(tmp_path, *forged)) in ("silent", "hint")


@pytest.mark.parametrize("honest", HONEST.values(), ids=HONEST)
def test_conversations_that_are_irc_convict(tmp_path: Path, honest: tuple[str, int, str]) -> None:
    assert outcome("irc_spoken", from_log(tmp_path, *honest)) == "conclusive"


def test_unanswered_attempts_do_not_dilute_what_was_spoken(tmp_path: Path) -> None:
    knocking = [line | SILENT | {"service": "", "id.orig_p": 3000 + n} for n, line in enumerate(beats(300, 300))]
    assert outcome("irc_spoken", from_log(tmp_path, "irc", 120, "", *knocking)) == "conclusive"
