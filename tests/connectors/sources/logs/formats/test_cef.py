"""CEF and LEEF of firewalls: which records count, vendors' names and times, escapes, and what is refused."""

from pathlib import Path
from types import ModuleType

import pytest

from connectors.sources.logs.formats import cef, leef
from tests.support.device_lines import CEF, LEEF, START
from tests.support.log_fixtures import events, passed_over, refused, written

STRATA = (
    "<14>1 2026-03-02T08:00:22Z host logforwarder - panwlogs - CEF:0|Palo Alto Networks|LF|2.0|TRAFFIC|end|3|dtz=UTC "
    "rt=Mar 02 2026 08:00:21 src=10.20.30.40 dst=45.60.1.1 cs1=a rule cs1Label=Rule cnt=3 spt=20000 dpt=6667 "
    "proto=tcp act=allow PanOSBytes=2150 out=858 in=1292 PanOSSessionStartTime=Mar 02 2026 08:00:01 cn3=20 "
    "cn3Label=SessionDuration"
)
FORTINET = (
    "Mar  2 08:00:21 fgt CEF:0|Fortinet|Fortigate|v7.0.1|00013|traffic:forward close|3|deviceExternalId=FG1 "
    "FTNTFGTeventtime=1772438421000000000 FTNTFGTlogid=0000000013 cat=traffic:forward src=10.20.30.40 shost=pc "
    "spt=20000 dst=45.60.1.1 dpt=6667 externalId=5052 proto=6 act=close FTNTFGTduration=20 out=858 in=1292 "
    "FTNTFGTsentpkt=7 FTNTFGTrcvdpkt=5"
)
CHECK_POINT = (
    "CEF:0|Check Point|VPN-1 & FireWall-1|Check Point|Log|https|Unknown|act=Accept deviceDirection=0 rt=1772438401000 "
    "sourceTranslatedAddress=203.0.113.9 spt=20000 dpt=6667 cs2Label=Rule Name layer_name=Network "
    "loguid={0x5,0x1,0x1,0x2} originsicname=CN\\=R80,O\\=R80 dst=45.60.1.1 product=VPN-1 & FireWall-1 proto=6 "
    "src=10.20.30.40 out=858 in=1292"
)
LEEF_2 = (
    "<14>1 2026-03-02T08:00:22Z host logforwarder - panwlogs - LEEF:2.0|Palo Alto Networks|Next Generation Firewall|"
    "10.1|allow|x5E|cat=traffic^SubType=end^devTime=2026-03-02T08:00:21.000000Z^src=10.20.30.40^dst=45.60.1.1^RepeatCount=3^"
    "srcPort=20000^dstPort=6667^proto=tcp^Action=allow^srcBytes=858^dstBytes=1292^"
    "SessionStartTime=2026-03-02T08:00:01.000000Z"
)


def log(folder: Path, *lines: str) -> Path:
    return written(folder, "a.log", "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("module", "text", "conns"),
    [
        (cef, CEF, 1),
        (cef, STRATA, 3),
        (cef, FORTINET, 1),
        (cef, CHECK_POINT, 1),
        (leef, LEEF, 1),
        (leef, LEEF_2, 3),
        (leef, LEEF.replace("|src", "\tsrc").replace("|dst", "\tdst"), 1),
    ],
    ids=["PAN-OS", "Strata", "FortiGate", "Check Point", "LEEF", "LEEF 2.0", "some tabs"],
)
def test_records_of_each_vendor(module: ModuleType, text: str, conns: int, tmp_path: Path) -> None:
    if "\t" in text:
        text = text.replace("|allow|", "\x00").replace("|", "\t").replace("\x00", "|allow|")
        text = text.replace(
            "LEEF:1.0\tPalo Alto Networks\tPAN-OS Syslog Integration\t8.1.10",
            "LEEF:1.0|Palo Alto Networks|PAN-OS Syslog Integration|8.1.10",
        )
    (row,) = events(module, log(tmp_path, text))
    assert (row["start"], row["src_ip"], row["src_port"], row["dst_ip"], row["dst_port"]) == (
        START,
        "10.20.30.40",
        20000,
        "45.60.1.1",
        6667,
    )
    assert (row["bytes_sent"], row["bytes_rcvd"], row["bytes_total"], row["conns"]) == (858, 1292, 2150, conns)
    assert (row["denied"], row["proto"]) == (False, "tcp")


@pytest.mark.parametrize(
    ("module", "text", "old", "new"),
    [
        (cef, CEF, "act=allow", "act=deny"),
        (cef, CEF, "|end|", "|drop|"),
        (cef, FORTINET, "act=close", "act=deny"),
        (cef, CHECK_POINT, "act=Accept", "act=Drop"),
        (cef, STRATA, "act=allow", "act=reset-both"),
        (leef, LEEF, "Subtype=end", "Subtype=deny"),
        (leef, LEEF_2, "Action=allow", "Action=drop"),
    ],
)
def test_refused_sessions_are_denied(module: ModuleType, text: str, old: str, new: str, tmp_path: Path) -> None:
    (row,) = events(module, log(tmp_path, text.replace(old, new)))
    assert (row["denied"], row["answered"]) == (True, False)


def test_what_is_no_session_is_passed_over_with_its_reason(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        CEF,
        CEF.replace("|end|TRAFFIC|", "|start|TRAFFIC|"),
        CEF.replace("|end|TRAFFIC|", "|url|THREAT|"),
        CEF.replace("Palo Alto Networks", "Trend Micro"),
        FORTINET.replace("traffic:forward", "utm:ips"),
        CHECK_POINT.replace("VPN-1 & FireWall-1", "SmartDefense"),
        "Mar  2 08:00:01 host text",
    )
    assert len(events(cef, path)) == 1
    assert passed_over(cef, path) == [
        "no such record in the line",
        "not a TRAFFIC record",
        "not a traffic record",
        "product SmartDefense",
        "record of Trend Micro",
        "start of a session that its end record counts",
    ]
    other = log(tmp_path, LEEF, LEEF.replace("cat=TRAFFIC", "cat=THREAT"), LEEF.replace("=end", "=start"))
    assert passed_over(leef, other) == ["not a TRAFFIC record", "start of a session that its end record counts"]


def test_interim_records_of_a_session_are_one_connection(tmp_path: Path) -> None:
    interim = FORTINET.replace("0000000013", "0000000020").replace("act=close", "act=accept")
    interim = interim.replace("FTNTFGTduration=20", "FTNTFGTduration=9")
    assert [row["bytes_total"] for row in events(cef, log(tmp_path, interim, FORTINET))] == [2150]
    assert len(events(cef, log(tmp_path, CHECK_POINT, CHECK_POINT))) == 1


def test_escapes_and_keys_in_a_value_make_no_field(tmp_path: Path) -> None:
    hostile = CEF.replace("cs1=let out", r"cs1=let \=out\| dst\=9.9.9.9")
    assert [row["dst_ip"] for row in events(cef, log(tmp_path, hostile))] == ["45.60.1.1"]


@pytest.mark.parametrize(
    ("module", "text", "old", "new", "reason"),
    [
        (cef, CEF, "dpt=6667", "dpt=x", "destination port is not usable: x"),
        (cef, CEF, "dst=45.60.1.1 ", "", "destination address is missing"),
        (cef, CEF, "start=Mar 02", "start=Mrz 02", "start or event time is not usable: Mrz 02 2026 08:00:01 GMT"),
        (leef, LEEF, "src=10.20.30.40", "src=", "source address is missing"),
        (leef, LEEF, "srcBytes=858", "srcBytes=-1", "bytes sent is not usable: -1"),
    ],
)
def test_bad_rows_are_named(module: ModuleType, text: str, old: str, new: str, reason: str, tmp_path: Path) -> None:
    assert refused(module, log(tmp_path, text, text.replace(old, new))) == [(reason, 2)]
