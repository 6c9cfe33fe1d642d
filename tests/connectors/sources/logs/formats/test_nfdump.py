"""nfdump CSV: both directions are one connection, and its initiator is the side that spoke first."""

import csv
import gzip
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.logs.formats import nfdump
from connectors.sources.logs.schema import Scan
from tests.support.examples import examples
from tests.support.log_fixtures import all_rows, events, passed_over, real, refused, written

OLD = "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt"
NEW = "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows"
TEN = datetime(2026, 3, 1, 10, tzinfo=UTC)
CLIENT, SERVER = ("10.0.0.5", 50000), ("203.0.113.9", 443)


def flow(
    source: tuple[str, int] = CLIENT,
    target: tuple[str, int] = SERVER,
    first: float = 0,
    last: float | None = None,
    flags: str = "...AP.SF",
    octets: str = "500",
    packets: str = "5",
    proto: str = "TCP",
    back: tuple[int, int] = (0, 0),
) -> str:
    stamps = [
        (TEN + timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        for second in (first, first if last is None else last)
    ]
    return (
        f"{stamps[0]},{stamps[1]},0.000,{source[0]},{target[0]},{source[1]},{target[1]},{proto},{flags},0,0,{packets},"
        f"{octets},{back[0]},{back[1]}"
    )


def log(folder: Path, *rows: str, header: str = OLD) -> Path:
    return written(folder, "flows.csv", "\n".join((header, *rows)) + "\n")


def ends(row: dict[str, object]) -> tuple[object, ...]:
    return (row["src_ip"], row["src_port"]), (row["dst_ip"], row["dst_port"])


def test_both_directions_are_one_connection_with_the_octets_of_each(tmp_path: Path) -> None:
    (row,) = events(nfdump, log(tmp_path, flow(last=2), flow(SERVER, CLIENT, 0.1, 3, octets="900", packets="7")))
    assert ends(row) == (CLIENT, SERVER)
    assert (row["start"], row["duration"], row["conns"], row["proto"]) == (TEN.timestamp(), 3.0, 1, "tcp")
    assert (row["bytes_sent"], row["bytes_rcvd"], row["bytes_total"], row["orig_bytes"]) == (500, 900, 1400, 500)
    assert (row["sent_packets"], row["rcvd_packets"], row["answered"]) == (5, 7, True)
    assert (row["hostname"], row["process_name"], row["service"], row["denied"]) == ("", "", "", False)


@pytest.mark.parametrize(
    ("rows", "initiator"),
    [
        ([flow(SERVER, CLIENT, 0), flow(CLIENT, SERVER, 1)], SERVER),
        ([flow(SERVER, CLIENT, 0), flow(CLIENT, SERVER, 0)], CLIENT),
        ([flow(SERVER, CLIENT, 0, flags="......S."), flow(CLIENT, SERVER, 0, flags="...A.R..")], SERVER),
        ([flow(SERVER, CLIENT, 0, flags="...AP..."), flow(CLIENT, SERVER, 1, flags="...AP...")], CLIENT),
        ([flow(("10.0.0.5", 9), ("203.0.113.9", 9)), flow(("203.0.113.9", 9), ("10.0.0.5", 9))], ("10.0.0.5", 9)),
        ([flow(SERVER, CLIENT, flags="...AP.SF")], CLIENT),
        ([flow(SERVER, CLIENT, flags="......S.")], SERVER),
    ],
    ids=[
        "first",
        "tie: higher port",
        "tie: bare SYN",
        "began before the log",
        "tie: lower address",
        "answer alone",
        "bare SYN from a low port",
    ],
)
def test_who_began(tmp_path: Path, rows: list[str], initiator: tuple[str, int]) -> None:
    assert [ends(row)[0] for row in events(nfdump, log(tmp_path, *rows))] == [initiator]


def test_slices_of_a_long_session_are_one_connection_and_a_gap_makes_two(tmp_path: Path) -> None:
    slices = [flow(first=second, last=second + 299) for second in range(0, 3000, 300)]
    (row,) = events(nfdump, log(tmp_path, *slices))
    assert (row["conns"], row["bytes_sent"], row["duration"]) == (1, 5000, 2999.0)
    polls = [
        flow(("10.0.0.5", 123), ("203.0.113.9", 123), second, proto="UDP", flags="........")
        for second in range(0, 640, 64)
    ]
    assert len(events(nfdump, log(tmp_path, *polls))) == 10


@pytest.mark.parametrize(
    ("rows", "rcvd", "answered"),
    [
        ([flow(flags="......S.")], 0, False),
        ([flow(flags="......S."), flow(SERVER, CLIENT, flags="...A.R..", octets="40", packets="1")], 40, False),
        ([flow(flags="...AP.SF")], None, None),
        ([flow(flags="........", proto="UDP")], None, None),
        ([flow(back=(3, 900))], 900, True),
    ],
    ids=["bare SYN", "refused", "one-way export", "udp one way", "merged directions"],
)
def test_the_answer_and_its_bytes(tmp_path: Path, rows: list[str], rcvd: int | None, answered: bool | None) -> None:
    (row,) = events(nfdump, log(tmp_path, *rows))
    assert (row["bytes_rcvd"], row["answered"]) == (rcvd, answered)
    assert row["bytes_total"] == (None if rcvd is None else 500 + rcvd)


def test_the_newer_header_names_are_read(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        "2026-03-01 10:00:00.000,2.000,UDP,10.0.0.5,50000,203.0.113.9,53,1,60,1",
        "2026-03-01 10:00:00.050,1.900,17,203.0.113.9,53,10.0.0.5,50000,1,160,1",
        header=NEW,
    )
    (row,) = events(nfdump, path)
    assert (row["proto"], row["dst_port"], row["bytes_sent"], row["bytes_rcvd"], row["duration"]) == (
        "udp",
        53,
        60,
        160,
        2.0,
    )


def test_the_summary_is_passed_over(tmp_path: Path) -> None:
    path = log(tmp_path, flow(), "Summary", "flows,bytes,packets,avg_bps,avg_pps,avg_bpp", "1,500,5,1,1,100")
    assert len(events(nfdump, path)) == 1
    assert passed_over(nfdump, path) == ["summary at the end"] * 3


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (flow(octets="-500"), "bytes is not usable: -500"),
        (flow(octets=""), "bytes is missing"),
        (flow(packets="x"), "packets is not usable: x"),
        (flow(target=("203.0.113.9", 65536)), "destination port is not usable: 65536"),
        (flow(source=("gw1", 5)), "source address is not usable: gw1"),
        (flow()[:60], "expected 15 fields, found 4"),
    ],
)
def test_a_bad_row_is_named_and_the_others_stay(tmp_path: Path, row: str, reason: str) -> None:
    path = log(tmp_path, flow(), row)
    assert len(events(nfdump, path)) == 1
    assert refused(nfdump, path) == [(reason, 3)]


def test_times_are_local_to_the_zone_given(tmp_path: Path) -> None:
    assert [row["start"] for row in events(nfdump, log(tmp_path, flow()), Scan(time_zone="Europe/Berlin"))] == [
        TEN.timestamp() - 3600
    ]


@examples(8)
@given(
    st.lists(
        st.tuples(st.integers(1024, 65535), st.integers(0, 10), st.booleans()),
        min_size=1,
        max_size=30,
        unique_by=lambda made: made[0],
    )
)
def test_every_connection_is_found_once_whatever_the_order_of_its_rows(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[int, int, bool]]
) -> None:
    rows: list[str] = []
    for port, second, answer_first in made:
        ours = ("10.0.0.5", port)
        pair = [flow(ours, SERVER, second, second + 1), flow(SERVER, ours, second, second + 1)]
        rows += pair[::-1] if answer_first else pair
    found = events(nfdump, log(tmp_path_factory.mktemp("flows"), *rows))
    assert sorted(ends(row)[0] for row in found) == sorted(("10.0.0.5", port) for port, _, _ in made)
    assert {ends(row)[1] for row in found} == {SERVER}


@pytest.mark.real_data
def test_the_public_capture_equals_a_plain_pairing() -> None:
    path = real("netflow/test1-malicious.nfdump.csv.gz")
    octets: dict[tuple[object, ...], int] = defaultdict(int)
    with gzip.open(path, "rt") as source:
        for row in csv.DictReader(source):
            if row["pr"] in ("TCP", "UDP"):
                octets[(row["sa"], int(row["sp"]), row["da"], int(row["dp"]), row["pr"].lower())] += int(row["ibyt"])
    rows = [row for row in all_rows(nfdump, path) if row["start"] is not None]
    assert len(rows) == len({frozenset({key[:2], key[2:4]}) | {key[4]} for key in octets})
    for row in rows:
        key = (row["src_ip"], row["src_port"], row["dst_ip"], row["dst_port"], row["proto"])
        back = (key[2], key[3], key[0], key[1], key[4])
        assert row["bytes_sent"] == octets.get(key)
        assert row["bytes_rcvd"] == (octets.get(back) if back in octets else row["bytes_rcvd"])
    assert not any(row["src_port"] in (22, 53, 902) for row in rows)
