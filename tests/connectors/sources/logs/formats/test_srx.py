"""SRX: structured and plain messages, one session once, denied attempts, and what is refused."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import srx
from tests.support.device_lines import SRX, START
from tests.support.log_fixtures import events, passed_over, refused, written

CREATED = (
    "<14>1 2026-03-02T08:00:01.000Z srx RT_FLOW - RT_FLOW_SESSION_CREATE [junos@2636.1.1.1.2.40 "
    'source-address="10.20.30.40" source-port="20000" destination-address="45.60.1.1" destination-port="6667" '
    'protocol-id="6" policy-name="let out" session-id-32="9"]'
)
FRAME = "2026-03-02T08:00:21Z srx RT_FLOW: "
ENDS = "10.20.30.40/20000->45.60.1.1/6667"
NAT = "203.0.113.9/40000->45.60.1.1/6667"
PLAIN_CLOSE = [
    f"RT_FLOW_SESSION_CLOSE: session closed TCP FIN: {ENDS} None {NAT} r1 None 6 p trust untrust 9 7(858) 5(1292) 20",
    f"RT_FLOW_SESSION_CLOSE: session closed TCP CLIENT RST: {ENDS} 0x0 junos-https {NAT} 0x0 source rule r1 N/A N/A 6 "
    "p trust untrust 9 7(858) 5(1292) 20 UNKNOWN UNKNOWN N/A(N/A) reth2.0",
    f"RT_FLOW_SESSION_CLOSE: session closed idle Timeout: {ENDS} 0x0 None {NAT} 0x0 N/A N/A N/A N/A 6 1 V40 V30 9 "
    "7(858) 5(1292) 20 UNKNOWN",
]


def log(folder: Path, *lines: str) -> Path:
    return written(folder, "srx.log", "\n".join(lines) + "\n")


@pytest.mark.parametrize("message", PLAIN_CLOSE, ids=["old", "source rule", "N/A"])
def test_plain_close_messages_of_three_releases(message: str, tmp_path: Path) -> None:
    (row,) = events(srx, log(tmp_path, FRAME + message))
    assert (row["start"], row["src_ip"], row["src_port"], row["dst_ip"], row["dst_port"]) == (
        START,
        "10.20.30.40",
        20000,
        "45.60.1.1",
        6667,
    )
    assert (row["proto"], row["bytes_sent"], row["bytes_rcvd"], row["duration"]) == ("tcp", 858, 1292, 20.0)
    assert (row["sent_packets"], row["answered"]) == (7, True)


def test_a_create_is_passed_over_when_its_close_follows_and_counts_alone(tmp_path: Path) -> None:
    path = log(tmp_path, CREATED, SRX)
    (row,) = events(srx, path)
    assert row["bytes_total"] == 2150
    assert passed_over(srx, path) == ["record of a session that a later record counts"]
    (alone,) = events(srx, log(tmp_path, CREATED))
    assert (alone["start"], alone["bytes_total"], alone["answered"]) == (START, None, None)
    message = f"RT_FLOW_SESSION_CREATE: session created {ENDS} None {NAT} r1 None 6 p t u 9 N/A"
    plain = FRAME.replace("21Z", "01Z") + message
    assert [row["proto"] for row in events(srx, log(tmp_path, plain))] == ["tcp"]


def test_apptrack_records_of_the_same_session_are_passed_over(tmp_path: Path) -> None:
    tracked = SRX.replace("RT_FLOW_SESSION_CLOSE", "APPTRACK_SESSION_CLOSE").replace("RT_FLOW -", "RT_FLOW -")
    assert len(events(srx, log(tmp_path, tracked, SRX))) == 1
    assert len(events(srx, log(tmp_path, SRX, tracked))) == 1
    assert len(events(srx, log(tmp_path, tracked))) == 1


@pytest.mark.parametrize(
    "message",
    [
        f"RT_FLOW_SESSION_DENY: session denied {ENDS} None 6(0) p trust untrust",
        f"RT_FLOW_SESSION_DENY: session denied {ENDS} 0x0 junos-https 6(0) p trust untrust UNKNOWN",
        'RT_FLOW_SESSION_DENY [junos@2636.1.1.1.2.40 source-address="10.20.30.40" source-port="20000" '
        'destination-address="45.60.1.1" destination-port="6667" protocol-id="6" policy-name="no"]',
    ],
)
def test_denied_attempts(message: str, tmp_path: Path) -> None:
    frame = FRAME.replace("RT_FLOW: ", "RT_FLOW - ") if "[" in message else FRAME
    (row,) = events(srx, log(tmp_path, frame + message))
    assert (row["src_ip"], row["dst_port"], row["proto"], row["denied"]) == ("10.20.30.40", 6667, "tcp", True)


def test_other_messages_are_passed_over_by_their_name(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        SRX,
        '<11>1 2026-03-02T08:00:01Z srx RT_IDS - RT_SCREEN_TCP [junos@2636 attack-name="x"]',
        "Mar  2 08:00:01 srx mgd[1]: UI_COMMIT: text",
    )
    assert passed_over(srx, path) == ["message RT_SCREEN_TCP", "not a message of the SRX"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('destination-port="6667"', 'destination-port="x"', "destination port is not usable: x"),
        ('source-address="10.20.30.40" ', "", "source address is missing"),
        ("2026-03-02T08:00:21.000Z", "-", "time stamp (one without a year needs the year given) is missing"),
    ],
)
def test_bad_rows_are_named(old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert refused(srx, log(tmp_path, SRX, SRX.replace(old, new))) == [(reason, 2)]
