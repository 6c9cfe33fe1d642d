"""The Windows Firewall's log: actions, columns by their header, the zone, and what is refused."""

from pathlib import Path

import pytest

from connectors.sources.logs.formats import winfw
from connectors.sources.logs.schema import Scan
from tests.support.device_lines import START, WINFW
from tests.support.log_fixtures import events, form_of, passed_over, refused, written

ROW = WINFW.splitlines()[-1]
HEAD = WINFW.removesuffix(ROW)


def log(folder: Path, *rows: str, head: str = HEAD) -> Path:
    return written(folder, "pfirewall.log", head + "\n".join(rows) + "\n")


@pytest.mark.parametrize(
    ("action", "denied"),
    [
        ("ALLOW", False),
        ("OPEN", False),
        ("OPEN-INBOUND", False),
        ("DROP", True),
    ],
)
def test_actions(action: str, denied: bool, tmp_path: Path) -> None:
    (row,) = events(winfw, log(tmp_path, ROW.replace("ALLOW", action)))
    assert (row["denied"], row["src_ip"], row["dst_port"], row["bytes_total"]) == (denied, "10.20.30.40", 6667, None)


def test_the_other_end_begins_what_is_received(tmp_path: Path) -> None:
    row = "2026-03-02 08:00:01 ALLOW UDP 45.60.1.1 10.20.30.40 5353 53 0 - - - - - - - RECEIVE"
    assert [one["src_ip"] for one in events(winfw, log(tmp_path, row))] == ["45.60.1.1"]


def test_times_are_local_and_the_note_says_so(tmp_path: Path) -> None:
    path = log(tmp_path, ROW)
    assert "local time" in form_of(winfw, path).note
    assert [row["start"] for row in events(winfw, path, Scan(time_zone="Europe/Berlin"))] == [START - 3600]


def test_columns_are_found_by_the_header(tmp_path: Path) -> None:
    head = HEAD.replace(" path", " path pid").replace("src-port dst-port", "dst-port src-port")
    (row,) = events(winfw, log(tmp_path, ROW.replace("20000 6667", "6667 20000") + " 1234", head=head))
    assert (row["src_port"], row["dst_port"]) == (20000, 6667)


def test_what_is_no_connection_is_passed_over(tmp_path: Path) -> None:
    late = ROW.replace("ALLOW", "DROP").replace(" 0 - 0 0 0", " 40 A 1 2 3")
    path = log(
        tmp_path,
        ROW,
        ROW.replace("ALLOW", "CLOSE"),
        late,
        "2026-03-02 08:00:02 INFO-EVENTS-LOST - - - - - - - - - - - - 7 -",
    )
    assert len(events(winfw, path)) == 1
    assert passed_over(winfw, path) == [
        "INFO-EVENTS-LOST",
        "end of a connection that is counted",
        *["header line"] * 4,
        "packet within a connection",
    ]


def test_icmp_has_no_ports(tmp_path: Path) -> None:
    row = "2026-03-02 08:00:01 ALLOW ICMP 10.20.30.40 45.60.1.1 - - 0 - - - - 8 0 - SEND"
    assert [(one["proto"], one["dst_port"]) for one in events(winfw, log(tmp_path, row))] == [("icmp", 0)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW.replace("6667", "66670"), "destination port is not usable: 66670"),
        (ROW.replace("2026-03-02", "2026-13-02"), "date and time is not usable: 2026-13-02 08:00:01"),
        (ROW.replace("ALLOW", "PERHAPS"), "action is not ALLOW, DROP, OPEN or CLOSE"),
        (ROW[:60], "expected 17 fields, found 8"),
    ],
)
def test_bad_rows_are_named(row: str, reason: str, tmp_path: Path) -> None:
    assert refused(winfw, log(tmp_path, ROW, row)) == [(reason, 7)]
