"""Our own event table as CSV and Parquet: columns in any case, optional ones, and what is refused."""

from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.logs.formats import canonical
from connectors.sources.logs.schema import Scan
from playbook.errors import UnknownFormat
from tests.support.examples import examples
from tests.support.log_fixtures import all_rows, events, refused, written

HEADER = ",".join(canonical.REQUIRED)
T0 = 1772359200.0  # 2026-03-01 10:00:00 UTC


def row(**changed: str) -> str:
    values = {
        "time": "2026-03-01T10:00:00Z",
        "hostname": "pc-1",
        "src_ip": "10.0.0.5",
        "dst_ip": "203.0.113.9",
        "dst_port": "443",
        "sent": "600",
        "rcvd": "400",
        "process": "a.exe",
    }
    return ",".join({**values, **changed}.values())


def log(folder: Path, *rows: str, header: str = HEADER) -> Path:
    return written(folder, "events.csv", "\n".join((header, *rows)) + "\n")


def test_the_required_columns(tmp_path: Path) -> None:
    (found,) = events(canonical, log(tmp_path, row()))
    assert {name: found[name] for name in found if name not in ("bad", "passed", "file")} == {
        "start": T0,
        "hostname": "pc-1",
        "src_ip": "10.0.0.5",
        "src_port": None,
        "dst_ip": "203.0.113.9",
        "dst_port": 443,
        "proto": None,
        "conns": 1,
        "bytes_sent": 600,
        "bytes_rcvd": 400,
        "bytes_total": 1000,
        "orig_bytes": 600,
        "sent_packets": None,
        "rcvd_packets": None,
        "process_name": "a.exe",
        "service": "",
        "duration": None,
        "answered": None,
        "denied": False,
        "continues": False,
        "line": 2,
    }


def test_optional_columns_in_any_order_and_case(tmp_path: Path) -> None:
    header = "\ufeffDenied,DURATION,Service,Conns,Proto,Src_Port," + HEADER.upper()
    (found,) = events(canonical, log(tmp_path, "true,5.5,IRC,3,TCP,50000," + row(), header=header))
    assert (found["denied"], found["duration"], found["service"]) == (True, 5.5, "irc")
    assert (found["conns"], found["proto"], found["src_port"]) == (3, "tcp", 50000)
    assert found["orig_bytes"] is None  # three connections together


@pytest.mark.parametrize(
    ("time", "start"),
    [
        ("1772359200", T0),
        ("1772359200.5", T0 + 0.5),
        ("0", 0.0),
        ("2026-03-01T11:00:00+01:00", T0),
        ("2026-03-01T11:00:00.250+0100", T0 + 0.25),
        ("2026-03-01 11:00:00", T0),
        ("2026-03-01T11:00:00.5", T0 + 0.5),
    ],
)
def test_times(tmp_path: Path, time: str, start: float) -> None:
    found = events(canonical, log(tmp_path, row(time=time)), Scan(time_zone="Europe/Berlin"))
    assert [event["start"] for event in found] == [start]


def test_missing_required_columns_are_named_together(tmp_path: Path) -> None:
    path = log(tmp_path, "1,10.0.0.5,203.0.113.9", header="time,src_ip,dst_ip")
    with pytest.raises(UnknownFormat, match="lacks the columns hostname, dst_port, bytes_sent, bytes_rcvd, process"):
        all_rows(canonical, path)


def test_an_empty_counter_is_unknown(tmp_path: Path) -> None:
    (found,) = events(canonical, log(tmp_path, row(rcvd="", hostname="", process="")))
    assert (found["bytes_sent"], found["bytes_rcvd"], found["bytes_total"]) == (600, None, None)
    assert (found["hostname"], found["process_name"]) == ("", "")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"time": "noon"}, "time is not usable: noon"),
        ({"time": "1772359200000"}, "time is not usable: 1772359200000"),
        ({"time": "-1"}, "time is not usable: -1"),
        ({"src_ip": ""}, "src_ip is missing"),
        ({"dst_ip": "c2.example"}, "dst_ip is not usable: c2.example"),
        ({"dst_port": "65536"}, "dst_port is not usable: 65536"),
        ({"dst_port": "nan"}, "dst_port is missing"),
        ({"sent": "-5"}, "bytes_sent is not usable: -5"),
        ({"rcvd": "1e300"}, "bytes_rcvd is not usable: 1e300"),
        ({"hostname": '"open'}, "a quote is left open"),
        ({"hostname": "a,b"}, "expected 8 fields, found 9"),
    ],
)
def test_a_bad_row_is_named_and_the_others_stay(tmp_path: Path, changed: dict[str, str], reason: str) -> None:
    path = log(tmp_path, row(), row(**changed), "1,2")
    assert len(events(canonical, path)) == 1
    assert refused(canonical, path) == [(reason, 3), ("expected 8 fields, found 2", 4)]


PLAIN = st.text(st.characters(exclude_characters="\r\n\x00\ufeff", exclude_categories=("Cs",)), max_size=20)


@examples(8)
@given(st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=20))
def test_any_text_on_one_line_arrives_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str]]
) -> None:
    quoted = [['"' + text.replace('"', '""') + '"' for text in pair] for pair in texts]
    rows = (row(hostname=host, process=process) for host, process in quoted)
    path = log(tmp_path_factory.mktemp("canonical"), *rows)
    assert [(found["hostname"], found["process_name"]) for found in events(canonical, path)] == texts


def parquet(folder: Path, columns: str) -> Path:
    path = folder / "events'; [x].parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {columns}) TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)")
    return path


@pytest.mark.parametrize(
    "time",
    [
        "TIMESTAMP '2026-03-01 10:00:00'",
        "TIMESTAMPTZ '2026-03-01 10:00:00+00'",
        "1772359200::BIGINT",
        "'1772359200'",
    ],
)
def test_parquet_with_its_own_types(tmp_path: Path, time: str) -> None:
    path = parquet(
        tmp_path,
        f"{time} AS Time, 'pc-1' AS hostname, '10.0.0.5' AS src_ip, '203.0.113.9' AS dst_ip, "
        "443 AS dst_port, 600 AS bytes_sent, NULL::BIGINT AS bytes_rcvd, '' AS process_name, "
        "true AS denied, 1 AS other",
    )
    (found,) = events(canonical, path)
    assert (found["start"], found["dst_port"], found["bytes_sent"], found["bytes_total"]) == (T0, 443, 600, None)
    assert (found["hostname"], found["denied"], found["line"], found["file"]) == ("pc-1", True, 1, str(path))


def test_parquet_without_a_required_column_names_it_for_every_row(tmp_path: Path) -> None:
    path = parquet(tmp_path, "1772359200 AS time, '10.0.0.5' AS src_ip, '203.0.113.9' AS dst_ip")
    assert refused(canonical, path) == [("dst_port is missing", 1)]


@pytest.mark.parametrize("head", ["", "time,value\n1,2\n", "a,b,c\n"])
def test_other_content_is_not_recognised(head: str) -> None:
    assert canonical.recognise(head, "events.csv") is None
