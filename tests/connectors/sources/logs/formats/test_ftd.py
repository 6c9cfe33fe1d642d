"""FTD unified events: one connection whether its start, its end or both are logged, beside the messages of the ASA."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import asa, ftd
from tests.support.device_lines import FTD, START
from tests.support.log_fixtures import events, passed_over, refused, written

END = FTD.replace("NGIPS", "FTD")
BEGIN = END.replace("430003", "430002")
LINA = (
    "<166>Mar 02 2026 08:50:01 fw01 : %FTD-6-302013: Built outbound TCP connection 5 for outside:45.60.2.2/443 "
    "(45.60.2.2/443) to inside:10.20.30.41/30005 (203.0.113.9/30005)"
)


def log(folder: Path, *lines: str) -> Path:
    return written(folder, "ftd.log", "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("lines", "size"),
    [
        ([END], 2150),
        ([BEGIN, END], 2150),
        ([END, BEGIN], 2150),
        ([BEGIN], None),
    ],
)
@pytest.mark.parametrize("module", [asa, ftd], ids=["asa", "ftd"])
def test_a_connection_counts_once(module: object, lines: list[str], size: int | None, tmp_path: Path) -> None:
    path = log(tmp_path, *(lines if module is asa else [one.replace("%FTD", "%NGIPS") for one in lines]))
    (row,) = events(module, path)
    assert (row["start"], row["dst_port"], row["bytes_total"]) == (START, 6667, size)
    assert len(passed_over(module, path)) == len(lines) - 1


def test_messages_of_the_asa_engine_in_the_same_file_are_read_too(tmp_path: Path) -> None:
    path = log(tmp_path, END, LINA, BEGIN, END.replace("430003", "430001"), "Mar  2 host noise")
    assert [(row["src_ip"], row["dst_port"]) for row in events(asa, path)] == [
        ("10.20.30.40", 6667),
        ("10.20.30.41", 443),
    ]
    assert passed_over(asa, path) == [
        "message 430001",
        "message without an id",
        "start of a connection that its end counts",
    ]
    assert refused(asa, path) == []


def test_a_connection_in_a_message_and_an_event_counts_once(tmp_path: Path) -> None:
    built = LINA.replace("45.60.2.2/443", "45.60.1.1/6667").replace("10.20.30.41/30005", "10.20.30.40/20000")
    built = built.replace("08:50:01", "08:00:02")
    for lines in ([END, built], [built, BEGIN]):
        path = log(tmp_path, *lines)
        assert [row["start"] for row in events(asa, path)] == [START]
        assert passed_over(asa, path) == ["connection of a unified event"]
    assert len(events(asa, log(tmp_path, END, built.replace("08:00:02", "08:10:02")))) == 2


@pytest.mark.parametrize(
    ("action", "denied"),
    [
        ("Allow", False),
        ("Trust", False),
        ("Fastpath", False),
        ("Block", True),
        ("Block with reset", True),
        ("Interactive Block", True),
    ],
)
def test_actions(action: str, denied: bool, tmp_path: Path) -> None:
    (row,) = events(ftd, log(tmp_path, FTD.replace("Action: Allow", f"Action: {action}")))
    assert (row["denied"], row["answered"]) == (denied, not denied)


def test_without_the_first_packets_time_the_stamp_less_the_duration_counts(tmp_path: Path) -> None:
    text = FTD.replace("FirstPacketSecond: 2026-03-02T08:00:01Z, ", "")
    assert [row["start"] for row in events(ftd, log(tmp_path, text))] == [START + 30 - 20]


def test_icmp_and_the_older_prefix(tmp_path: Path) -> None:
    text = (
        "<113>2026-03-02T08:00:21Z fw SFIMS: Protocol: ICMP, SrcIP: 10.20.30.40, OriginalClientIP: ::, "
        "DstIP: 45.60.1.1, ICMPType: Echo Request, ICMPCode: No Code, ConnectType: End, "
        "AccessControlRuleAction: Allow, ConnectionDuration: 20, InitiatorPackets: 1, ResponderPackets: 0, "
        "InitiatorBytes: 50, ResponderBytes: 0"
    )
    (row,) = events(ftd, log(tmp_path, text))
    assert (row["start"], row["proto"], row["dst_port"], row["answered"]) == (START, "icmp", 0, False)


def test_text_in_a_url_or_agent_comes_too_late_to_be_a_field(tmp_path: Path) -> None:
    text = FTD + ", UserAgent: x, SrcIP: 9.9.9.9, URL: http://a/, DstPort: 1"
    (row,) = events(ftd, log(tmp_path, text))
    assert (row["src_ip"], row["dst_port"]) == ("10.20.30.40", 6667)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("DstPort: 6667, ", "", "destination port is missing"),
        ("SrcIP: 10.20.30.40", "SrcIP: x", "source address is not usable: x"),
        ("InitiatorBytes: 858", "InitiatorBytes: many", "bytes sent is not usable: many"),
    ],
)
def test_bad_rows_are_named(old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert refused(ftd, log(tmp_path, FTD, FTD.replace(old, new))) == [(reason, 2)]
