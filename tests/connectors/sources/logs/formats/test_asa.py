"""Cisco ASA syslog: the join of Built and Teardown, direction, refused attempts, stamps, and what is refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.sources.logs.formats import asa
from connectors.sources.logs.schema import Scan
from tests.support.log_fixtures import events, passed_over, real, refused, written

TEN = datetime(2026, 3, 1, 10, tzinfo=UTC).timestamp()
YEAR = Scan(year=2026)
SIDES = "for outside:203.0.113.9/443 (203.0.113.9/443) to inside:10.0.0.5/50000 (198.51.100.1/61000)"
BARE_SIDES = "for outside:203.0.113.9/443 to inside:10.0.0.5/50000"


def line(message: str, stamp: str = "Mar  1 2026 10:00:00", host: str = "fw1", mark: str = "%ASA-6-302013") -> str:
    return f"<166>{stamp} {host} : {mark}: {message}"


def built(number: int = 8, direction: str = "outbound", proto: str = "TCP", sides: str = SIDES) -> str:
    return f"Built {direction} {proto} connection {number} {sides}"


def teardown(number: int = 8, size: int = 1234, why: str = "TCP FINs", proto: str = "TCP") -> str:
    return f"Teardown {proto} connection {number} {BARE_SIDES} duration 0:01:00 bytes {size} {why}"


def at(minute: int) -> str:
    return f"Mar  1 2026 10:{minute:02}:00"


def log(folder: Path, *lines: str) -> Path:
    return written(folder, "asa.log", "\n".join(lines))


def ends(row: dict[str, object]) -> tuple[object, ...]:
    return row["src_ip"], row["src_port"], row["dst_ip"], row["dst_port"]


def test_built_and_teardown_are_one_connection(tmp_path: Path) -> None:
    (row,) = events(asa, log(tmp_path, line(built()), line(teardown(), at(3))))
    assert ends(row) == ("10.0.0.5", 50000, "203.0.113.9", 443)
    assert row["start"] == TEN + 180 - 60
    assert (row["bytes_total"], row["bytes_sent"], row["bytes_rcvd"]) == (1234, None, None)
    assert (row["conns"], row["duration"], row["proto"]) == (1, 60.0, "tcp")
    assert (row["answered"], row["denied"]) == (True, False)
    assert (row["hostname"], row["process_name"], row["service"], row["line"]) == ("", "", "", 2)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("outbound", ("10.0.0.5", 50000, "203.0.113.9", 443)),
        ("inbound", ("203.0.113.9", 443, "10.0.0.5", 50000)),
    ],
)
@pytest.mark.parametrize("proto", ["TCP", "UDP"])
def test_the_initiator_follows_the_direction_of_the_built_line(
    tmp_path: Path, direction: str, expected: tuple[object, ...], proto: str
) -> None:
    joined = log(tmp_path, line(built(direction=direction, proto=proto)), line(teardown(proto=proto), at(1)))
    assert [ends(row) for row in events(asa, joined)] == [expected]
    alone = log(tmp_path, line(built(direction=direction, proto=proto)))
    assert [ends(row) for row in events(asa, alone)] == [expected]


def test_a_built_without_teardown_counts_once_at_its_own_time_with_unknown_bytes(tmp_path: Path) -> None:
    (row,) = events(asa, log(tmp_path, line(built())))
    assert (row["start"], row["conns"], row["bytes_total"], row["duration"]) == (TEN, 1, None, None)


def test_a_teardown_without_built_is_refused_because_nobody_knows_who_began(tmp_path: Path) -> None:
    path = log(tmp_path, line(teardown(7)), line(built(8)), line(teardown(8), at(1)))
    assert len(events(asa, path)) == 1
    assert refused(asa, path) == [("Teardown without its Built line: who began is unknown", 1)]


def test_ids_of_two_devices_and_of_a_restarted_device_do_not_mix(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        line(built(), host="fw1"),
        line(built(direction="inbound"), host="fw2"),
        line(teardown(size=1), at(1), host="fw1"),
        line(teardown(size=2), at(1), host="fw2"),
        line(built(), at(5)),
        line(teardown(size=3), at(6)),
    )
    assert sorted((row["bytes_total"], row["src_ip"]) for row in events(asa, path)) == [
        (1, "10.0.0.5"),
        (2, "203.0.113.9"),
        (3, "10.0.0.5"),
    ]


def test_a_connection_across_two_files_is_joined(tmp_path: Path) -> None:
    later = written(tmp_path, "asa.log", line(teardown(), at(1)))
    earlier = written(tmp_path, "asa.log.1", line(built()))
    assert [row["bytes_total"] for row in events(asa, [later, earlier])] == [1234]


@pytest.mark.parametrize(
    ("size", "why", "answered"),
    [
        (1234, "TCP FINs", True),
        (0, "SYN Timeout", False),
        (0, "TCP Reset-O", False),
        (90, "TCP Reset-O", True),
    ],
)
def test_the_reason_of_the_teardown_tells_whether_it_was_answered(
    tmp_path: Path, size: int, why: str, answered: bool
) -> None:
    (row,) = events(asa, log(tmp_path, line(built()), line(teardown(size=size, why=why), at(1))))
    assert row["answered"] is answered


@pytest.mark.parametrize(
    ("message", "expected", "conns"),
    [
        (
            'Deny tcp src inside:10.0.0.5/50000 dst outside:203.0.113.9/6667 by access-group "x" [0x0, 0x0]',
            ("10.0.0.5", 50000, "203.0.113.9", 6667),
            1,
        ),
        (
            "Inbound TCP connection denied from 203.0.113.9/50000 to 10.0.0.5/22 flags SYN on interface outside",
            ("203.0.113.9", 50000, "10.0.0.5", 22),
            1,
        ),
        (
            "Deny inbound UDP from 203.0.113.9/50000 to 10.0.0.5/161 on interface outside",
            ("203.0.113.9", 50000, "10.0.0.5", 161),
            1,
        ),
        (
            "access-list in denied tcp inside/10.0.0.5(51763) -> outside/203.0.113.9(80) "
            "hit-cnt 7 300-second interval [0x0]",
            ("10.0.0.5", 51763, "203.0.113.9", 80),
            7,
        ),
    ],
)
def test_refused_attempts_are_denied(tmp_path: Path, message: str, expected: tuple[object, ...], conns: int) -> None:
    (row,) = events(asa, log(tmp_path, line(message)))
    assert (ends(row), row["conns"], row["denied"], row["bytes_total"]) == (expected, conns, True, None)


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("%ASA-6-106015", "Deny TCP (no connection) from 10.0.0.5/2278 to 203.0.113.9/80 flags RST on interface eth0"),
        ("%ASA-1-106021", "Deny TCP reverse path check from 10.0.0.5 to 203.0.113.9 on interface fw111"),
        ("%ASA-6-302020", "Built inbound ICMP connection for faddr 203.0.113.9/1 gaddr 10.0.0.5/0 laddr 10.0.0.5/0"),
        ("%ASA-6-305011", "Built dynamic TCP translation from inside:10.0.0.5/1772 to outside:203.0.113.9/8256"),
    ],
)
def test_other_messages_are_passed_over_by_their_number(tmp_path: Path, mark: str, message: str) -> None:
    path = log(tmp_path, line(message, mark=mark))
    assert events(asa, path) == []
    assert passed_over(asa, path) == [f"message {mark[-6:]}"]


@pytest.mark.parametrize(
    ("prefix", "start"),
    [
        ("<166>Mar  1 2026 10:00:00 fw1 : %ASA-6-302013: ", TEN),
        ("<166>Mar  1 10:00:00 fw1 : %ASA-6-302013: ", TEN),
        ("<166>Mar 01 2026 10:00:00: %ASA-6-302013: ", TEN),
        ("6|Mar 1 2026 10:00:00|302013: ", TEN),
        ("Mar  1 10:00:00 fw1 ASA-6-302013: ", TEN),
        ("2026-03-01T10:00:00.500+01:00 fw1 : %ASA-6-302013: ", TEN - 3600 + 0.5),
        ("<166>1 2026-03-01T10:00:00Z fw1 : %FTD-6-302013: ", TEN),
    ],
)
def test_the_shapes_of_stamps(tmp_path: Path, prefix: str, start: float) -> None:
    assert [row["start"] for row in events(asa, log(tmp_path, prefix + built()), YEAR)] == [start]


def test_without_year_or_stamp_the_row_is_refused(tmp_path: Path) -> None:
    path = log(tmp_path, line(built(), "Mar  1 10:00:00"), "%ASA-6-302013: " + built())
    reasons = [reason for reason, _ in refused(asa, path)]
    assert [reason.startswith("time stamp (a stamp without a year needs the year given) is") for reason in reasons] == [
        True,
        True,
    ]
    assert [row["start"] for row in events(asa, path, options=(("year", "2026"),))] == [TEN]


def test_the_zone_of_the_device_moves_stamps_without_an_offset(tmp_path: Path) -> None:
    assert [row["start"] for row in events(asa, log(tmp_path, line(built())), Scan(time_zone="Europe/Berlin"))] == [
        TEN - 3600
    ]


@pytest.mark.parametrize(
    ("sides", "source"),
    [
        ("for outside:2001:db8::1/443 (2001:db8::1/443) to inside:fd00::5/50000 (fd00::5/50000)", "fd00::5"),
        ("for outside:203.0.113.9/443 (203.0.113.9/443) to NP Identity Ifc:10.0.0.1/22 (10.0.0.1/22)", "10.0.0.1"),
        (
            r"for outside:203.0.113.9/443 (203.0.113.9/443)(LOCAL\ann) to inside:10.0.0.5/5 (10.0.0.5/5)(ann)",
            "10.0.0.5",
        ),
    ],
)
def test_interfaces_users_and_ipv6_in_the_sides(tmp_path: Path, sides: str, source: str) -> None:
    assert [row["src_ip"] for row in events(asa, log(tmp_path, line(built(sides=sides))))] == [source]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            "Teardown TCP connection 9 for ou",
            "not the documented form of the message: Teardown TCP connection 9 for ou",
        ),
        (f"Teardown TCP connection 9 {BARE_SIDES} dura", "the Teardown line has no duration and bytes"),
        (
            built(sides=SIDES.replace("inside:10.0.0.5/50000", "inside:10.0.0.5/70000")),
            "second port is not usable: 70000",
        ),
        (
            'Deny tcp src inside:10.0.0.5/5 dst outside:www.example.com/23 by access-group "x"',
            "second address is not usable: www.example.com",
        ),
    ],
)
def test_bad_lines_are_named_and_the_others_stay(tmp_path: Path, message: str, reason: str) -> None:
    path = log(tmp_path, line(message), line(built()), line(teardown(), at(1)))
    assert len(events(asa, path)) == 1
    assert refused(asa, path) == [(reason, 1)]


@pytest.mark.parametrize("head", ["", "Mar  1 10:00:00 host sshd[1]: Deny all\n", '{"event_type":"flow"}\n'])
def test_other_content_is_not_recognised(head: str) -> None:
    assert asa.recognise(head, "asa.log") is None


@pytest.mark.real_data
def test_the_public_lines_give_the_one_connection_with_a_stamp() -> None:
    path = real("asa/logstash-patterns-asa-lines.log")
    (row,) = events(asa, path, Scan(year=2020))
    assert (row["start"], ends(row)) == (
        datetime(2020, 8, 1, 14, 1, 20, tzinfo=UTC).timestamp(),
        ("100.100.100.111", 51444, "10.125.126.86", 2010),
    )
