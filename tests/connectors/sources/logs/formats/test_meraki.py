"""Meraki: flows, firewall and ip_flow_start lines, verdicts, copies of one flow, and what is refused."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import meraki
from tests.support.device_lines import MERAKI, START
from tests.support.log_fixtures import events, passed_over, refused, written

FLOW = "src=10.20.30.40 dst=45.60.1.1 protocol=tcp sport=20000 dport=6667"


def log(folder: Path, *lines: str) -> Path:
    return written(folder, "meraki.log", "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        (f"1772438401.0 MX84 flows {FLOW} pattern: allow all", False),
        (f"1772438401.0 MX84 flows {FLOW} pattern: 1 all", False),
        (f"1772438401.0 MX84 flows {FLOW} pattern: deny (tcp)", True),
        (f"1772438401.0 MR18 flows deny {FLOW}", True),
        (f"1772438401.0 MR18 flows allow {FLOW}", False),
        (f"1772438401.0 MX84 firewall {FLOW} pattern: deny all", True),
        (f"1772438401.0 MX84 bridge_anyconnect_client_vpn_firewall {FLOW} pattern: allow all", False),
        (f"1772438401.0 MX84 ip_flow_start {FLOW} translated_src_ip=203.0.113.9 translated_port=1", False),
    ],
)
def test_lines_that_are_a_flow(text: str, denied: bool, tmp_path: Path) -> None:
    (row,) = events(meraki, log(tmp_path, f"<134>1 {text}"))
    assert (row["src_ip"], row["dst_ip"], row["dst_port"], row["denied"]) == ("10.20.30.40", "45.60.1.1", 6667, denied)
    assert (row["start"], row["bytes_total"]) == (START, None)


def test_a_flow_that_is_logged_in_two_ways_counts_once_and_its_end_not_at_all(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        MERAKI,
        f"<134>1 1772438401.5 MX84 ip_flow_start {FLOW}",
        f"<134>1 1772438431.5 MX84 ip_flow_end {FLOW}",
        f"<134>1 1772438601.5 MX84 flows {FLOW} pattern: allow",
    )
    assert [row["start"] for row in events(meraki, path)] == [START, START + 200.5]
    assert passed_over(meraki, path) == ["end of a flow that is counted", "the same flow, logged again"]


def test_other_lines_are_passed_over_by_their_kind(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        MERAKI,
        "<134>1 1772438401.0 MX84 urls src=10.1.1.1:5 dst=45.1.1.1:80 mac=0 request: GET http://a",
        "<134>1 1772438401.0 MX84 events type=vpn_connectivity_change",
        "Mar  2 08:00:01 other: text",
    )
    assert passed_over(meraki, path) == ["events", "not a line of Meraki", "urls"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("dport=6667", "dport=66670", "destination port is not usable: 66670"),
        ("dport=6667 ", "", "destination port is missing"),
        ("dst=45.60.1.1 ", "", "destination address is missing"),
    ],
)
def test_bad_rows_are_named(old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert refused(meraki, log(tmp_path, MERAKI, MERAKI.replace(old, new))) == [(reason, 2)]


def test_icmp_has_no_ports(tmp_path: Path) -> None:
    text = MERAKI.replace("protocol=tcp sport=20000 dport=6667", "protocol=icmp type=8")
    assert [row["dst_port"] for row in events(meraki, log(tmp_path, text))] == [0]
