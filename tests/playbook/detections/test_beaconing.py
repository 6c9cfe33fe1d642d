"""The reference scorer: its boundaries, its rounding, unknown bytes, denied attempts, identities and order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.detections.beaconing import (
    COLUMNS,
    Aggregate,
    Event,
    Scope,
    detection_id,
    external,
    rounded,
    row,
    score,
    score_events,
    sort_key,
)

OUT = "9.9.9.9"
SEED, DEFAULT = Scope("logs", "seed"), Scope("logs")


def seen(connections: int, hours: int, total: int | None = 0, port: int = 443, **more) -> Aggregate:
    return Aggregate(
        hostname="",
        src_ip="10.0.0.1",
        dst_ip=OUT,
        dst_port=port,
        connections=connections,
        hourly_buckets=hours,
        bytes_sent=total,
        bytes_rcvd=None if total is None else 0,
        bytes_total=total,
        first_seen=0.0,
        last_seen=7200.0,
        **more,
    )


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        (seen(20, 3, port=6667), 3),
        (seen(19, 3, port=6667), None),
        (seen(20, 2, port=6667), None),
        (seen(30, 3, 0), None),  # exactly 10.0 an hour is not more than 10
        (seen(303, 30, 303 * 499), 2),  # 10.1
        (seen(201, 20, 201 * 499), 2),  # 10.05 rounds away from zero to 10.1
        (seen(200, 20, 200 * 499), 1),
        (seen(60, 3, 60 * 499), 2),
        (seen(60, 3, 60 * 500), None),
        (seen(60, 3, 60 * 499 + 29), 2),  # 499.48 rounds to 499
        (seen(60, 3, 60 * 499 + 30), None),  # 499.5 rounds to 500
        (seen(60, 3, None), None),  # unknown bytes are not small
        (seen(101, 3, None), 1),
        (seen(100, 3, None), None),
        (seen(201, 6, None), 2),
        (seen(201, 5, None), 1),
        (seen(200, 6, 200 * 9000), 1),
        *[(seen(20, 3, None, port), 3) for port in (6660, 6669, 6697, 1080, 4444)],
        *[(seen(20, 3, None, port), None) for port in (6659, 6670, 6698)],
    ],
)
def test_the_score_at_its_boundaries(aggregate: Aggregate, expected: int | None) -> None:
    found = score(aggregate, DEFAULT)
    assert (found.beaconing_score if found else None) == expected


@given(st.integers(0, 10**18), st.integers(1, 10**9), st.sampled_from([0, 1]))
def test_rounding_is_half_away_from_zero(numerator: int, denominator: int, digits: int) -> None:
    result = rounded(numerator, denominator, digits)
    step = Decimal(1).scaleb(-digits)
    # Twice the distance is at most one step; at exactly half a step the result is the larger neighbour.
    distance = numerator * 2 * 10**digits - int(result / step) * 2 * denominator
    assert -denominator <= distance < denominator


def test_unknown_bytes_leave_every_sum_null() -> None:
    found = score(seen(250, 6, None), DEFAULT)
    assert (found.bytes_known, found.total_bytes_sent, found.total_bytes_rcvd, found.avg_bytes_per_conn) == (
        False,
        None,
        None,
        None,
    )


def test_a_known_total_of_unknown_sides_gives_the_average() -> None:
    found = score(replace(seen(60, 3, 600), bytes_sent=None, bytes_rcvd=None), DEFAULT)
    assert (found.bytes_known, found.total_bytes_sent, found.avg_bytes_per_conn, found.beaconing_score) == (
        True,
        None,
        10,
        2,
    )


@pytest.mark.parametrize(
    ("denied", "hours", "through", "fires", "blocked"),
    [
        (20, 3, 0, True, True),
        (19, 3, 0, False, None),
        (20, 2, 0, False, None),
        (20, 3, 5, True, False),
    ],
)
def test_denied_attempts_are_a_detection_of_their_own(denied, hours, through, fires, blocked) -> None:
    found = score(seen(through, min(through, 1), 0, denied=denied, denied_hours=hours), DEFAULT)
    assert (found is not None) == fires
    if found:
        assert (found.blocked, found.denied, found.connections, found.hourly_buckets) == (
            blocked,
            denied,
            through,
            hours,
        )


@pytest.mark.parametrize(
    ("address", "in_seed", "in_default"),
    [
        ("8.8.8.8", True, True),
        ("10.1.2.3", False, False),
        ("172.16.0.1", False, False),
        ("172.32.0.1", True, True),
        ("192.168.255.255", False, False),
        ("127.0.0.1", False, False),
        ("169.254.1.1", False, False),
        ("100.64.0.1", True, False),
        ("224.0.0.1", True, False),
        ("255.255.255.255", True, False),
        ("0.0.0.0", True, False),
        ("198.51.100.7", True, False),
        ("fe80::1", True, False),
        ("ff02::fb", True, False),
        ("2606:4700::1", True, True),
        ("2001:db8::1", True, False),
        ("::ffff:10.0.0.1", True, False),
        ("::ffff:8.8.8.8", True, True),
        ("64:ff9b::a00:1", True, False),
        ("64:ff9b::808:808", True, True),
        ("2002:a00:1::", True, False),
        ("2002:808:808::1", True, True),
        ("fd00::1", True, False),
        ("nonsense", False, False),
        ("", False, False),
    ],
)
def test_what_is_external(address: str, in_seed: bool, in_default: bool) -> None:
    assert (external(address, SEED), external(address, DEFAULT)) == (in_seed, in_default)


def test_documentation_ranges_are_external_when_the_lab_names_them() -> None:
    assert external("198.51.100.7", replace(DEFAULT, lab=(ip_network("198.51.100.0/24"),)))


def test_the_identity_has_no_window_and_differs_by_every_part() -> None:
    parts = ("logs", "10.0.0.1", "10.0.0.1", OUT, 443)
    assert detection_id(*parts) == detection_id(*parts)
    # SHA-256 of ["botnet_beaconing","logs","10.0.0.1","10.0.0.1","9.9.9.9",443], written without spaces.
    assert detection_id(*parts) == "79a2b8c43c61080adc9573670d1f28cad476f0d934381e4f3bf78bf35d4addbf"
    others = {detection_id(*parts[:place], 444 if place == 4 else "x", *parts[place + 1 :]) for place in range(5)}
    assert len(others | {detection_id(*parts)}) == 6


def test_the_columns_of_a_row() -> None:
    found = score(seen(60, 3, 600, processes=("b", "a", "", "a")), DEFAULT)
    assert tuple(row(found)) == COLUMNS
    assert row(found) == {
        "hostname": "",
        "src_ip": "10.0.0.1",
        "dst_ip": OUT,
        "dst_port": 443,
        "connections": 60,
        "hourly_buckets": 3,
        "avg_per_hour": 20.0,
        "avg_bytes_per_conn": 10,
        "irc_port": 0,
        "beaconing_score": 2,
        "total_bytes_sent": 600,
        "total_bytes_rcvd": 0,
        "processes": ["a", "b"],
        "first_seen": "1970-01-01 00:00:00",
        "last_seen": "1970-01-01 02:00:00",
    }


def beat(count: int, **more) -> list[Event]:
    return [
        Event(
            start=float(number * 360),
            src_ip="10.0.0.1",
            dst_ip=OUT,
            dst_port=443,
            bytes_sent=1,
            bytes_rcvd=1,
            bytes_total=2,
            src_port=40000 + number,
        )._replace(**more)
        for number in range(count)
    ]


def test_rows_of_one_session_count_once_but_only_after_its_beginning() -> None:
    cut = [event._replace(src_port=5, continues=True) for event in beat(200)]
    assert score_events(cut, DEFAULT) == ()
    assert score_events(cut, SEED)[0].connections == 200
    sessions = [event._replace(continues=True) for event in beat(120)]  # as many 5-tuples: each is a first row
    assert score_events(sessions, DEFAULT)[0].connections == 120
    assert score_events([*beat(120), *sessions], DEFAULT)[0].connections == 120


def test_the_first_row_of_a_session_counts_whatever_the_order_of_rows_of_one_second() -> None:
    first = beat(150)
    later = [event._replace(continues=True, bytes_sent=1_000, bytes_total=1_001) for event in first]
    for events in ([*first, *later], [*later, *first]):
        (found,) = score_events(events, DEFAULT)
        assert (found.connections, found.total_bytes_sent) == (150, 150)


def test_icmp_is_scored_by_the_seed_alone() -> None:
    pings = beat(240, proto="icmp", dst_port=0)
    assert score_events(pings, DEFAULT) == ()
    assert score_events(pings, SEED)[0].connections == 240


def test_absent_bytes_are_zero_in_the_seed_and_unknown_in_the_default_profile() -> None:
    silent = [event._replace(bytes_sent=None, bytes_rcvd=None, bytes_total=None) for event in beat(210)]
    assert score_events(silent, SEED)[0].avg_bytes_per_conn == 0
    assert score_events(silent, DEFAULT)[0].bytes_known is False


def test_ntp_sized_needs_every_packet() -> None:
    clock = beat(210, dst_port=123, proto="udp", orig_bytes=76, bytes_rcvd=152, sent_packets=1, rcvd_packets=2)
    assert score_events(clock, DEFAULT)[0].ntp_sized is True
    assert score_events([*clock[1:], clock[0]._replace(orig_bytes=500)], DEFAULT)[0].ntp_sized is False
    assert score_events([*clock[1:], clock[0]._replace(sent_packets=None)], DEFAULT)[0].ntp_sized is None


def test_the_order_is_total() -> None:
    events = [
        e._replace(dst_port=port, src_ip=src)
        for port in (443, 80)
        for src in ("10.0.0.2", "10.0.0.1")
        for e in beat(210)
    ]
    found = score_events(events, DEFAULT)
    assert [(d.src_ip, d.dst_port) for d in found] == [
        ("10.0.0.1", 80),
        ("10.0.0.1", 443),
        ("10.0.0.2", 80),
        ("10.0.0.2", 443),
    ]
    assert len({sort_key(d) for d in found}) == 4
    assert found[0].first_seen == datetime(1970, 1, 1, tzinfo=UTC)
    assert found[0].last_seen - found[0].first_seen == timedelta(seconds=209 * 360)
