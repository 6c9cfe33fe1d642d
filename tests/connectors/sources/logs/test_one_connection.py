"""What is one connection: sessions that exporters cut, retries, interim states, and what several sources saw."""

import gzip
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.sources.logs import Settings, connect
from playbook.errors import UnknownFormat
from playbook.model.detection import RULE
from playbook.model.site import Site
from tests.connectors.sources.logs.test_zeek_detection import SITE

T0 = 1772438400
OURS, PEER = "10.20.30.40", "45.60.1.1"
VPC = "version srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status tcp-flags"
NFDUMP = "ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt"
ZEEK = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto duration conn_state history orig_ip_bytes resp_ip_bytes"


def fetched(folder: Path, site: Site = SITE, **choices: Any) -> Any:
    """The first answer over a folder or file, and its detections of our pair."""
    source = connect("logs", Settings(paths=(folder,), **choices), site)
    try:
        return source.fetch(None)[0]
    finally:
        source.close()


def connections(found: Any) -> int:
    return sum(d.connections for d in found.detections if d.rule == RULE)


def vpc(at: int, flags: int | str, back: bool = False, proto: int = 6, port: int = 40123) -> str:
    ends = (PEER, OURS, 6667, port) if back else (OURS, PEER, port, 6667)
    return f"5 {' '.join(map(str, ends))} {proto} 1 52 {at} {at + 1} ACCEPT OK {flags}"


def keep_alives(every: int, first: int | str, later: int | str, proto: int = 6) -> list[str]:
    return [
        line
        for n in range(144)
        for line in (
            vpc(T0 + n * every, later if n else first, proto=proto),
            vpc(T0 + n * every, later if n else (18 if first == 2 else first), True, proto),
        )
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (keep_alives(300, 2, 0), 0),  # one SYN, twelve hours
        (keep_alives(300, 2, 2), 144),  # a SYN each time, from one port
        (keep_alives(300, "-", "-"), 0),  # no flags, within the longest interval
        (keep_alives(700, "-", "-"), 144),  # no flags, and longer apart
        (keep_alives(300, 0, 0, proto=17), 144),  # UDP shows no SYN
        (keep_alives(60, 0, 0, proto=17), 144),
    ],
    ids=["keep-alives", "a new SYN each time", "no flags", "no flags, far apart", "UDP", "UDP, close"],
)
def test_vpc_flow(tmp_path: Path, rows: list[str], expected: int) -> None:
    (tmp_path / "flow.log").write_text("\n".join((VPC, *rows)) + "\n")
    found = fetched(tmp_path)
    assert connections(found) == expected
    assert found.health.rows_read == 288
    joined = [text for text in found.health.warnings if "joined" in text]
    assert bool(joined) == (rows[0].endswith("-") and expected == 0)


@pytest.mark.parametrize(
    ("flags", "proto", "expected"),
    [("...AP...", "TCP", 0), ("...AP.SF", "TCP", 100), ("........", "TCP", 0), ("........", "UDP", 100)],
)
def test_netflow(tmp_path: Path, flags: str, proto: str, expected: int) -> None:
    rows = [
        f"2026-03-02 {8 + n // 20:02}:{n % 20 * 3:02}:00,2026-03-02 {8 + n // 20:02}:{n % 20 * 3:02}:05,5,{OURS},"
        f"{PEER},"
        f"40123,6667,{proto},{flags},5,500"
        for n in range(100)
    ]
    (tmp_path / "flows.csv").write_text("\n".join((NFDUMP, *rows)) + "\n")
    assert connections(fetched(tmp_path)) == expected


def eve(number: int, syn: bool, kind: str = "flow", back: bool = False, port: int = 40123) -> str:
    at = f"2026-03-02T{8 + number // 12:02}:{number % 12 * 5:02}:00.000000+0000"
    ends = (PEER, 6667, OURS, port) if back else (OURS, port, PEER, 6667)
    event = dict(zip(("src_ip", "src_port", "dest_ip", "dest_port"), ends, strict=True))
    body = (
        {"start": at, "end": at, "pkts": 5, "bytes": 500}
        if kind == "netflow"
        else {
            "start": at,
            "end": at,
            "state": "established",
            "pkts_toserver": 5,
            "pkts_toclient": 5,
            "bytes_toserver": 444,
            "bytes_toclient": 570,
        }
    )
    return json.dumps(
        {
            "timestamp": at,
            "flow_id": 7,
            "event_type": kind,
            "proto": "TCP",
            kind: body,
            "tcp": {"tcp_flags": "1b" if syn else "18", "syn": syn},
        }
        | event
    )


def test_suricata_counts_a_session_that_time_outs_cut_once_and_netflow_in_pairs(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    path.write_text("\n".join(eve(n, syn=n == 0) for n in range(100)) + "\n")
    assert connections(fetched(tmp_path)) == 0
    path.write_text("\n".join(eve(n, syn=True, port=40000 + n) for n in range(100)) + "\n")
    assert connections(fetched(tmp_path)) == 100
    pairs = [eve(n, True, "netflow", back, 40000 + n) for n in range(100) for back in (False, True)]
    path.write_text("\n".join(pairs) + "\n")
    found = fetched(tmp_path)
    (one,) = found.detections
    assert (one.connections, one.src_ip, one.dst_port, found.health.rows_read) == (100, OURS, 6667, 200)
    both = [eve(n, True, "flow", port=40000 + n) for n in range(100)]
    path.write_text("\n".join(pairs + both) + "\n")
    found = fetched(tmp_path)
    assert connections(found) == 100
    assert found.health.rows_passed == {"netflow event beside flow events": 200}


def test_a_file_without_a_flow_says_which_record_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "eve.json").write_text("\n".join(eve(n, True, port=40000 + n) for n in range(30)) + "\n")
    alerts = [eve(n, True, "alert").replace('"alert": {', '"alert": {"severity": 1, ') for n in range(9)]
    (tmp_path / "alerts.json").write_text("\n".join(alerts) + "\n")
    said = [text for text in fetched(tmp_path).health.warnings if "alerts.json" in text]
    assert len(said) == 1 and "no flow or netflow event" in said[0] and "among 9 lines" in said[0]


def zeek(number: int, uid: str = "", start: float | None = None, **more: object) -> str:
    at = T0 + number * 300 if start is None else start
    row = {
        "ts": at,
        "uid": uid or f"CgeneratedUid{number:06}",
        "id.orig_h": OURS,
        "id.orig_p": 40000 + number,
        "id.resp_h": PEER,
        "id.resp_p": 6667,
        "proto": "tcp",
        "duration": 1.5,
        "conn_state": "SF",
        "history": "ShADadFf",
        "orig_ip_bytes": 360,
        "resp_ip_bytes": 500,
    } | more
    return "\t".join(str(row[name]) for name in ZEEK.split())


def tsv(rows: list[str], path: str = "conn") -> str:
    fields = "\t".join(ZEEK.split())
    return "\n".join(("#separator \\x09", f"#path\t{path}", f"#fields\t{fields}", *rows)) + "\n"


@pytest.mark.parametrize(
    ("state", "history", "expected"),
    [("S0", "S", 100), ("REJ", "Sr", 100), ("RSTRH", "^r", 100), ("REJ", "^r", 100), ("OTH", "^dA", 0)],
)
def test_refused_retries_of_one_port_are_attempts(tmp_path: Path, state: str, history: str, expected: int) -> None:
    rows = [zeek(n, conn_state=state, history=history, **{"id.orig_p": 40000}) for n in range(100)]
    (tmp_path / "conn.log").write_text(tsv(rows))
    assert connections(fetched(tmp_path)) == expected


@pytest.mark.parametrize("name", ["open_conn", "conn_long"])
@pytest.mark.parametrize("packed", [False, True])
def test_states_of_a_connection_that_lasts_count_once_by_its_uid(tmp_path: Path, name: str, packed: bool) -> None:
    states = tsv([zeek(n, start=T0 + n, duration=age) for n in range(30) for age in range(600, 6000, 600)], name)
    target = tmp_path / f"{name}.log"
    target.write_bytes(gzip.compress(states.encode()) if packed else states.encode())
    (tmp_path / "conn.log").write_text(
        tsv([zeek(n, start=T0 + n, duration=7000) for n in range(20)] + [zeek(n) for n in range(100, 140)])
    )
    found = fetched(tmp_path)
    assert connections(found) == 70
    assert any("earlier state" in text for text in found.health.warnings)
    assert found.health.rows_read == 30 * 9 + 60


def test_a_stream_is_read_by_the_type_of_each_line_however_late_a_conn_line_comes(tmp_path: Path) -> None:
    def line(kind: str, number: int) -> str:
        return json.dumps(
            {
                "_path": kind,
                "ts": f"2026-03-02T{8 + number // 12:02}:{number % 12 * 5:02}:00Z",
                "uid": f"C{number}",
                "id.orig_h": OURS,
                "id.orig_p": 40000 + number,
                "id.resp_h": PEER,
                "id.resp_p": 6667,
                "proto": "tcp",
                "conn_state": "SF",
                "history": "ShADadFf",
                "server_name": "x" * 900,
                "cipher": "c",
            }
        )

    late = [line("ssl", n % 100) for n in range(400)]
    (tmp_path / "stream.json").write_text(
        "\n".join([*late, *(line("conn", n) for n in range(100)), *(line("weird", n) for n in range(100))]) + "\n"
    )
    found = fetched(tmp_path)
    assert connections(found) == 100
    assert found.health.rows_passed == {"a line of ssl": 400, "a line of weird": 100}
    assert (found.health.rows_read, found.health.rows_rejected) == (100, 0)


def test_lost_records_make_a_run_incomplete(tmp_path: Path) -> None:
    rows = [vpc(T0 + n * 300, 2, port=40000 + n) for n in range(30)]
    skipped = f"5 - - - - - - - {T0} {T0 + 60} - SKIPDATA -"
    (tmp_path / "flow.log").write_text("\n".join((VPC, *rows, skipped)) + "\n")
    health = fetched(tmp_path).health
    assert not health.complete and health.rows_passed == {"SKIPDATA": 1}
    assert any("lost records" in text for text in health.warnings)


def test_a_cut_end_is_told_whatever_stands_beside_the_file(tmp_path: Path) -> None:
    packed = gzip.compress(tsv([zeek(n) for n in range(3000)]).encode())
    (tmp_path / "conn.log.gz").write_bytes(packed[: len(packed) // 2])
    alone = fetched(tmp_path).health
    (tmp_path / "flow.log").write_text("\n".join((VPC, *(vpc(T0 + n, 2, port=40000 + n) for n in range(9)))) + "\n")
    both = fetched(tmp_path).health
    assert not alone.complete and not both.complete
    assert both.rows_read - alone.rows_read == 9 and both.rows_rejected == alone.rows_rejected
    assert {text for text in alone.warnings if "cut" in text} <= set(both.warnings)


def asa(number: int, message: str, stamp: str = "Mar 02 2026") -> str:
    second = number * 600 + (7 if "Teardown" in message else 0)
    at = f"{stamp} {8 + second // 3600:02}:{second % 3600 // 60:02}:{second % 60:02}"
    ends = f"outside:{PEER}/6667 ({PEER}/6667) to inside:{OURS}/{40000 + number} (203.0.113.9/{40000 + number})"
    return f"{at} fw1 : %ASA-6-30201{3 + ('Teardown' in message)}: {message} TCP connection {number} for {ends}"


@pytest.mark.parametrize("files", [1, 2])
def test_messages_of_two_relays_count_once(tmp_path: Path, files: int) -> None:
    lines = [
        line
        for n in range(30)
        for line in (asa(n, "Built outbound"), f"{asa(n, 'Teardown')} duration 0:00:07 bytes 2150 TCP FINs")
    ]
    for relay in range(files):
        (tmp_path / f"relay{relay}.log").write_text(f"# {relay}\n" + "\n".join(lines * (3 - files)) + "\n")
    found = fetched(tmp_path)
    assert connections(found) == 30 and found.health.rows_rejected == 0
    assert found.health.rows_read + sum(found.health.rows_passed.values()) == 120 + files


def test_lines_of_several_devices_in_one_file_are_each_read_by_their_own_format(tmp_path: Path) -> None:
    pan = (
        "<14>Mar 02 {0} fw 1,2026/03/02 {0},0123,TRAFFIC,end,2562,2026/03/02 {0},{1},{2},0.0.0.0,0.0.0.0,out,,,irc,"
        "vsys1,trust,untrust,e1,e2,fwd,2026/03/02 {0},9,1,{3},6667,0,0,0x41,tcp,allow,2150,858,1292,12,2026/03/02 {0},"
        "20,any,,7,0x8,US,US,,7,5,tcp-fin,14,0,0,0,,fw"
    )
    lines = [
        line
        for n in range(30)
        for line in (
            asa(n, "Built outbound"),
            pan.format(f"{8 + n // 6:02}:{n % 6 * 10:02}:30", "10.20.30.41", PEER, 50000 + n),
            f"Mar 02 08:00:00 web sshd[{n}]: Accepted publickey for root",
        )
    ]
    (tmp_path / "all.log").write_text("\n".join(lines) + "\n")
    found = fetched(tmp_path)
    assert {(d.src_ip, d.connections) for d in found.detections} == {(OURS, 30), ("10.20.30.41", 30)}
    assert found.health.rows_passed == {"a line of no known device": 30}
    assert (found.health.rows_read, found.health.rows_rejected) == (60, 0)


@pytest.mark.parametrize(
    ("stamps", "changed", "first"),
    [
        (("Dec 31", "Jan 01"), "2026-01-03", "2025-12-31"),
        (("Mar 02", "Mar 03"), "2026-03-05", "2026-03-02"),
        (("Mar 02", "Mar 03"), "2026-03-01", "2025-03-02"),
        (("Mar 02", "Nov 03"), "2026-06-01", "2025-03-02"),
        (("Feb 29", "Mar 01"), "2027-03-05", "2024-02-29"),
    ],
)
def test_the_year_of_stamps_without_one(tmp_path: Path, stamps: tuple[str, str], changed: str, first: str) -> None:
    path = tmp_path / "asa.log"
    path.write_text("\n".join(asa(n, "Built outbound", stamp) for stamp in stamps for n in range(30)) + "\n")
    moment = datetime.fromisoformat(f"{changed}T12:00:00+00:00").timestamp()
    os.utime(path, (moment, moment))
    health = fetched(tmp_path).health
    assert f"{health.oldest_event:%Y-%m-%d}" == first
    assert any("stamps without a year are read as of" in text for text in health.warnings)
    given = fetched(tmp_path, year=2020).health
    assert f"{given.oldest_event:%Y-%m-%d}" == f"2020{first[4:]}"


@pytest.mark.parametrize(("zone", "hour"), [("EDT ", 12), ("+02:00 ", 6), ("CEST ", 6), ("", 7)])
def test_the_zone_of_a_row_wins_over_the_one_that_is_given(tmp_path: Path, zone: str, hour: int) -> None:
    line = asa(0, "Built outbound").replace("2026 08:00:00 ", f"2026 08:00:00 {zone}")
    (tmp_path / "asa.log").write_text(line + "\n")
    oldest = fetched(tmp_path, time_zone="Europe/Berlin").health.oldest_event
    assert (oldest.hour, oldest.day) == (hour, 2)


def test_a_format_that_is_named_is_believed(tmp_path: Path) -> None:
    rows = [f"{T0 + n * 300}.0\tC{n:017}\t{OURS}\t{40000 + n}\t{PEER}\t6667\ttcp" for n in range(100)]
    (tmp_path / "short.log").write_text("\n".join(rows) + "\n")
    with pytest.raises(UnknownFormat, match="not recognised"):
        fetched(tmp_path / "short.log")
    assert connections(fetched(tmp_path / "short.log", format="zeek")) == 100
