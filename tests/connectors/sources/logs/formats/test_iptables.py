"""Packets that netfilter logged: which open a connection, verdicts by prefix, copies, and what is refused."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import iptables
from tests.support.device_lines import IPTABLES, START
from tests.support.log_fixtures import events, passed_over, refused, written


def log(folder: Path, *lines: str) -> Path:
    return written(folder, "kern.log", "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("prefix", "denied"),
    [
        ("FW-OUT: ", False),
        ("[UFW ALLOW] ", False),
        ("[UFW BLOCK] ", True),
        ("[UFW LIMIT BLOCK] ", True),
        ("IPT DROP: ", True),
        ("Denied: ", True),
        ("REJECT ", True),
        ("[WAN_LOCAL-default-D]", True),
        ("[LAN_IN-3000-A]", False),
        ("", False),
    ],
)
def test_the_prefix_tells_the_verdict(prefix: str, denied: bool, tmp_path: Path) -> None:
    (row,) = events(iptables, log(tmp_path, IPTABLES.replace("FW-OUT: ", prefix)))
    assert (row["denied"], row["start"], row["src_port"], row["dst_port"]) == (denied, START, 20000, 6667)
    assert (row["bytes_total"], row["sent_packets"]) == (None, None)


def test_udp_icmp_and_ipv6(tmp_path: Path) -> None:
    udp = IPTABLES.split(" PROTO=")[0] + " PROTO=UDP SPT=20000 DPT=53 LEN=40 "
    icmp = IPTABLES.split(" PROTO=")[0] + " PROTO=ICMP TYPE=8 CODE=0 ID=7 SEQ=1 "
    six = (
        "2026-03-02T08:00:01Z gw kernel: IN= OUT=eth0 SRC=2001:0db8:0000:0000:0000:0000:0000:0005 "
        "DST=2a00:1450:4001:0000:0000:0000:0000:0008 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=1 PROTO=TCP SPT=2 DPT=443 "
        "WINDOW=64800 RES=0x00 SYN URGP=0"
    )
    rows = events(iptables, log(tmp_path, udp, icmp, six))
    assert sorted((row["proto"], row["dst_port"]) for row in rows) == [("icmp", 0), ("tcp", 443), ("udp", 53)]


def test_packets_that_open_nothing_are_passed_over(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        IPTABLES,
        IPTABLES.replace(" SYN ", " ACK SYN "),
        IPTABLES.replace(" SYN ", " ACK FIN "),
        IPTABLES.replace("FW-OUT", "[UFW BLOCK]").replace(" SYN ", " RST "),
        "Mar  2 08:00:01 gw cron: text",
    )
    assert len(events(iptables, path)) == 1
    assert passed_over(iptables, path) == [
        "answer",
        "not a packet of netfilter",
        "packet within a connection",
        "packet within a connection",
    ]


def test_a_packet_that_two_rules_logged_counts_once_with_its_last_verdict(tmp_path: Path) -> None:
    path = log(tmp_path, IPTABLES.replace("FW-OUT:", "[UFW AUDIT]"), IPTABLES.replace("FW-OUT:", "[UFW BLOCK]"))
    assert [row["denied"] for row in events(iptables, path)] == [True]
    assert passed_over(iptables, path) == ["the same packet, logged again"]
    assert len(events(iptables, log(tmp_path, IPTABLES, IPTABLES.replace(" ID=1 ", " ID=2 ")))) == 2


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("DST=45.60.1.1", "DST=45.60.1", "destination address is not usable: 45.60.1"),
        (" SPT=20000 DPT=6667", "", "destination port is missing"),
        ("PROTO=TCP", "PRO", "not the form of a netfilter line"),
        ("2026-03-02T08:00:01+00:00", "x", "time stamp (one without a year needs the year given) is missing"),
    ],
)
def test_bad_rows_are_named(old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert refused(iptables, log(tmp_path, IPTABLES, IPTABLES.replace(old, new))) == [(reason, 2)]
