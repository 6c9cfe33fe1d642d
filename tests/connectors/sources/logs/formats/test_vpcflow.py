"""AWS VPC flow logs: orders of fields, both directions, slices of one connection, and rows without traffic."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import vpcflow
from tests.support.log_fixtures import events, form_of, passed_over, refused, written

T0 = 1772359200
HEADER = " ".join((*vpcflow.DEFAULT_ORDER, "tcp-flags", "flow-direction"))
OURS, PEER = ("10.0.0.5", 50000), ("203.0.113.9", 443)


def flow(
    source: tuple[str, int] = OURS,
    target: tuple[str, int] = PEER,
    first: int = 0,
    last: int = 50,
    action: str = "ACCEPT",
    octets: str = "500",
    proto: int = 6,
    extra: str = "",
) -> str:
    return (
        f"2 123456789012 eni-0a {source[0]} {target[0]} {source[1]} {target[1]} {proto} 5 {octets} "
        f"{T0 + first} {T0 + last} {action} OK {extra}"
    ).strip()


def answer(first: int = 0, last: int = 50, **named: str) -> str:
    return flow(PEER, OURS, first, last, octets="900", **named)


def log(folder: Path, *rows: str) -> Path:
    return written(folder, "vpc.log", "\n".join(rows) + "\n")


def ends(row: dict[str, object]) -> tuple[object, ...]:
    return (row["src_ip"], row["src_port"]), (row["dst_ip"], row["dst_port"])


def test_the_default_order_without_a_header(tmp_path: Path) -> None:
    (row,) = events(vpcflow, log(tmp_path, flow()))
    assert ends(row) == (OURS, PEER)
    assert (row["start"], row["duration"], row["proto"], row["conns"]) == (T0, 50.0, "tcp", 1)
    assert (row["bytes_sent"], row["bytes_rcvd"], row["bytes_total"], row["orig_bytes"]) == (500, None, None, 500)
    assert (row["sent_packets"], row["answered"], row["denied"], row["hostname"]) == (5, None, False, "")
    assert "default order" in form_of(vpcflow, tmp_path / "vpc.log").note


def test_a_custom_order_is_read_by_its_header(tmp_path: Path) -> None:
    path = log(tmp_path, "start dstport dstaddr srcaddr end", f"{T0} 443 203.0.113.9 10.0.0.5 {T0 + 5}")
    (row,) = events(vpcflow, path)
    assert (row["src_ip"], row["dst_ip"], row["dst_port"], row["duration"]) == ("10.0.0.5", "203.0.113.9", 443, 5.0)
    assert (row["bytes_sent"], row["denied"]) == (None, False)


def test_rows_with_a_leading_stamp_are_read(tmp_path: Path) -> None:
    path = log(tmp_path, "2026-03-01T10:00:00.000Z " + flow())
    assert [ends(row) for row in events(vpcflow, path)] == [(OURS, PEER)]


@pytest.mark.parametrize("order", [1, -1])
def test_the_answers_row_makes_no_beacon_of_the_server(tmp_path: Path, order: int) -> None:
    (row,) = events(vpcflow, log(tmp_path, *[flow(), answer()][::order]))
    assert (ends(row), row["bytes_sent"], row["bytes_total"], row["answered"]) == ((OURS, PEER), 500, None, True)


HIGH, LOW_SIDE, HIGH_PEER = ("10.0.0.5", 40000), ("203.0.113.9", 8443), ("203.0.113.9", 40000)


@pytest.mark.parametrize(
    ("rows", "began"),
    [
        ([flow(PEER, OURS, extra="2 ingress"), flow(extra="18 egress")], PEER),
        ([flow(PEER, OURS, extra="19 ingress"), flow(extra="3 egress")], OURS),
        ([flow(PEER, OURS, extra="18 ingress")], OURS),
        ([flow(PEER, OURS, extra="- ingress")], OURS),
        ([flow(LOW_SIDE, HIGH, extra="- ingress")], HIGH),
        ([flow(HIGH_PEER, HIGH, 1, extra="- egress"), flow(HIGH, HIGH_PEER, 0, extra="- ingress")], HIGH),
        ([flow(HIGH_PEER, HIGH, extra="- egress"), flow(HIGH, HIGH_PEER, extra="- ingress")], HIGH_PEER),
    ],
    ids=[
        "SYN beats the port",
        "SYN-ACK with FIN",
        "SYN-ACK alone",
        "port below 1024",
        "port below 32768",
        "first",
        "egress in a tie",
    ],
)
def test_who_began(tmp_path: Path, rows: list[str], began: tuple[str, int]) -> None:
    assert [ends(row)[0] for row in events(vpcflow, log(tmp_path, HEADER, *rows))] == [began]


def test_touching_intervals_are_one_connection_and_a_gap_makes_two(tmp_path: Path) -> None:
    slices = [(first, first + 58) for first in range(0, 600, 60)]
    (row,) = events(
        vpcflow, log(tmp_path, *(flow(first=at, last=to) for at, to in slices), *(answer(at, to) for at, to in slices))
    )
    assert (row["conns"], row["bytes_sent"], row["duration"]) == (1, 5000, 598.0)
    assert len(events(vpcflow, log(tmp_path, flow(), flow(first=651, last=660)))) == 2


def test_rejected_rows_are_denied_attempts_of_their_own_source(tmp_path: Path) -> None:
    (row,) = events(vpcflow, log(tmp_path, answer(action="REJECT")))
    assert (ends(row), row["denied"], row["answered"]) == ((PEER, OURS), True, False)


def test_rejected_and_accepted_rows_of_one_pair_stay_apart(tmp_path: Path) -> None:
    rows = events(vpcflow, log(tmp_path, flow(), flow(action="REJECT")))
    assert sorted(row["denied"] for row in rows) == [False, True]


def test_rows_without_traffic_are_passed_over(tmp_path: Path) -> None:
    nothing = f"2 123456789012 eni-0a - - - - - - - {T0} {T0 + 60} - "
    path = log(tmp_path, flow(), nothing + "NODATA", nothing + "SKIPDATA")
    assert len(events(vpcflow, path)) == 1
    assert passed_over(vpcflow, path) == ["NODATA", "SKIPDATA"]
    assert refused(vpcflow, path) == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (flow(target=("203.0.113.9", 70000)), "dstport is not usable: 70000"),
        (flow(source=("10.0.0.300", 5)), "srcaddr is not usable: 10.0.0.300"),
        (flow(octets="-1"), "bytes is not usable: -1"),
        (flow(action="PERHAPS"), "action is not ACCEPT or REJECT"),
        (flow()[:50], "expected 14 fields, found 7"),
        (flow().replace(str(T0), "soon", 1), "start is not usable: soon"),
    ],
)
def test_a_bad_row_is_named_and_the_others_stay(tmp_path: Path, row: str, reason: str) -> None:
    path = log(tmp_path, flow(), row)
    assert len(events(vpcflow, path)) == 1
    assert refused(vpcflow, path) == [(reason, 2)]


@pytest.mark.parametrize("head", ["", "a b c\n", "2 3 4 5\n", "srcaddr dstaddr\n"])
def test_other_content_is_not_recognised(head: str) -> None:
    assert vpcflow.recognise(head, "vpc.log") is None
