"""Zscaler NSS: firewall sessions and web transactions, verdicts, aggregated records, and what is refused."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import zscaler
from connectors.sources.logs.schema import Scan
from tests.support.device_lines import START, ZSCALER
from tests.support.log_fixtures import events, passed_over, refused, written

WEB = (
    "2026-03-02 08:00:01\treason=Allowed\tevent_id=1\tprotocol=HTTPS\taction=Allowed\ttransactionsize=100\t"
    "serverip=45.60.1.1\trequestmethod=GET\tuseragent=curl csip=9.9.9.9\tproduct=NSS\tlocation=HQ\t"
    "ClientIP=10.20.30.40\tstatus=200\turl=irc.example/x\tvendor=Zscaler\thostname=IRC.example\tclientpublicIP=203.0.113.9"
)


def log(folder: Path, *lines: str) -> Path:
    return written(folder, "nss.log", "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("old", "new", "denied", "conns"),
    [
        ("action=Allow", "action=Allow", False, 1),
        ("action=Allow", "action=Block/Drop", True, 1),
        ("action=Allow", "action=Drop", True, 1),
        ("numsessions=1", "numsessions=7", False, 7),
    ],
)
def test_firewall_sessions(old: str, new: str, denied: bool, conns: int, tmp_path: Path) -> None:
    (row,) = events(zscaler, log(tmp_path, ZSCALER.replace(old, new)))
    assert (row["start"], row["src_ip"], row["dst_ip"], row["dst_port"]) == (START, "10.20.30.40", "45.60.1.1", 6667)
    assert (row["denied"], row["conns"], row["bytes_sent"], row["bytes_rcvd"]) == (denied, conns, 858, 1292)


def test_the_shape_with_datetime_and_the_zone(tmp_path: Path) -> None:
    text = ZSCALER.replace("2026-03-02 08:00:21", "datetime=Mon Mar 02 08:00:21 2026")
    assert [row["start"] for row in events(zscaler, log(tmp_path, text))] == [START]
    assert [row["start"] for row in events(zscaler, log(tmp_path, text), Scan(time_zone="Europe/Berlin"))] == [
        START - 3600
    ]


def test_web_transactions_give_names(tmp_path: Path) -> None:
    (row,) = events(zscaler, log(tmp_path, WEB), kind="http")
    assert (row["start"], row["src_ip"], row["dst_ip"], row["dst_port"], row["name"]) == (
        START,
        "10.20.30.40",
        "45.60.1.1",
        443,
        "irc.example",
    )


def test_each_kind_passes_over_the_records_of_the_other(tmp_path: Path) -> None:
    path = log(tmp_path, ZSCALER, WEB, WEB.replace("action=Allowed", "action=Blocked"), "Mar  2 host text")
    assert passed_over(zscaler, path) == ["not a firewall record", "web transaction", "web transaction"]
    assert passed_over(zscaler, path, kind="http") == [
        "firewall record",
        "not a web transaction",
        "refused by the proxy",
    ]
    assert (len(events(zscaler, path)), len(events(zscaler, path, kind="http"))) == (1, 1)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("cdport=6667", "cdport=x", "destination port is not usable: x"),
        ("2026-03-02 08:00:21", "soon", "time is missing"),
        ("inbytes=1292", "inbytes=-1", "bytes received is not usable: -1"),
    ],
)
def test_bad_rows_are_named(old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert refused(zscaler, log(tmp_path, ZSCALER, ZSCALER.replace(old, new))) == [(reason, 2)]
