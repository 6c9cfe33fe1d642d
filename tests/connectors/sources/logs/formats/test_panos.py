"""PAN-OS TRAFFIC: export with header, syslog rows without; what counts, how often, and what is refused."""

import csv
import gzip
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.sources.logs.formats import panos
from connectors.sources.logs.schema import Scan
from tests.support.log_fixtures import all_rows, events, passed_over, real, refused, written

HEADER = (
    "Domain,Receive Time,Serial #,Type,Threat/Content Type,Source address,Destination address,Application,Repeat Count,"
    "Source Port,Destination Port,IP Protocol,Action,Bytes Sent,Bytes Received,Start Time,Elapsed Time (sec),pkts_sent,"
    "pkts_received"
)
START = 1772359140.0  # 2026-03-01 09:59:00 UTC


def exported(**changed: str) -> str:
    row = {
        "domain": "1",
        "receive": "2026/03/01 10:00:00",
        "serial": "0011",
        "type": "TRAFFIC",
        "subtype": "end",
        "src": "10.0.0.5",
        "dst": "203.0.113.9",
        "app": "ssl",
        "repeat": "1",
        "sport": "50000",
        "dport": "443",
        "proto": "tcp",
        "action": "allow",
        "sent": "600",
        "received": "400",
        "start": "2026/03/01 09:59:00",
        "elapsed": "55",
        "packets_sent": "6",
        "packets_received": "4",
    }
    return ",".join({**row, **changed}.values())


def syslog(subtype: str = "end", app: str = "irc", repeat: str = "6", rule: str = "r1", kind: str = "TRAFFIC") -> str:
    return (
        f"<14>Mar  1 10:00:00 fw1 1,2026/03/01 10:00:00,0011,{kind},{subtype},2305,2026/03/01 10:00:00,10.0.0.5,"
        f"203.0.113.9,0.0.0.0,0.0.0.0,{rule},,,{app},vsys1,trust,untrust,e1,e2,fwd,2026/03/01 10:00:00,77,{repeat},"
        "50000,6667,0,0,0x19,tcp,allow,1000,600,400,10,2026/03/01 09:59:00,55,any,0,1,0x0,a,b,0,6,4,aged-out,0,0,0,0,,f"
    )


def export(folder: Path, *rows: str) -> Path:
    return written(folder, "pan.csv", "\ufeff" + "\n".join((HEADER, *rows)))


def test_every_cell_of_the_mapping_comes_from_its_column(tmp_path: Path) -> None:
    (row,) = events(panos, export(tmp_path, exported()))
    assert {name: row[name] for name in row if name not in ("bad", "passed", "file")} == {
        "start": START,
        "hostname": "",
        "src_ip": "10.0.0.5",
        "src_port": 50000,
        "dst_ip": "203.0.113.9",
        "dst_port": 443,
        "proto": "tcp",
        "conns": 1,
        "bytes_sent": 600,
        "bytes_rcvd": 400,
        "bytes_total": 1000,
        "orig_bytes": 600 - 14 * 6,
        "sent_packets": 6,
        "rcvd_packets": 4,
        "process_name": "",
        "service": "ssl",
        "duration": 55.0,
        "answered": True,
        "denied": False,
        "continues": False,
        "line": 2,
    }


def test_columns_are_found_by_name_in_any_order(tmp_path: Path) -> None:
    names, values = HEADER.split(",")[::-1], exported().split(",")[::-1]
    path = written(tmp_path, "pan.csv", ",".join(names) + "\r\n" + ",".join(values) + "\r\n")
    (row,) = events(panos, path)
    assert (row["start"], row["src_ip"], row["dst_port"], row["rcvd_packets"]) == (START, "10.0.0.5", 443, 4)


def test_a_syslog_row_is_read_by_position_and_counts_repeat_count_times(tmp_path: Path) -> None:
    (row,) = events(panos, written(tmp_path, "pan.log", syslog(rule='"one, two"') + "\n"))
    assert (row["start"], row["dst_port"], row["conns"], row["service"]) == (START, 6667, 6, "irc")
    assert (row["bytes_sent"], row["bytes_rcvd"], row["sent_packets"], row["duration"]) == (600, 400, 6, 55.0)
    assert row["orig_bytes"] is None  # six sessions together: no size of one


def test_start_rows_and_other_log_types_are_passed_over_with_a_reason(tmp_path: Path) -> None:
    path = written(tmp_path, "pan.log", "\n".join((syslog("start"), syslog("end"), syslog(kind="THREAT"))))
    assert len(events(panos, path)) == 1
    assert passed_over(panos, path) == ["not a TRAFFIC row", "start of a session that its end row counts"]


@pytest.mark.parametrize(
    ("subtype", "action", "denied"),
    [
        ("end", "allow", False),
        ("drop", "deny", True),
        ("deny", "deny", True),
        ("end", "reset-both", True),
    ],
)
def test_drop_deny_and_reset_are_denied_attempts(tmp_path: Path, subtype: str, action: str, denied: bool) -> None:
    (row,) = events(panos, export(tmp_path, exported(subtype=subtype, action=action, repeat="3")))
    assert (row["denied"], row["conns"]) == (denied, 3)


@pytest.mark.parametrize(
    ("app", "packets_received", "service", "answered"),
    [
        ("ssl", "4", "ssl", True),
        ("dns", "0", "dns", False),
        ("google-base", "1", "google", True),
        ("incomplete", "1", "", False),
        ("insufficient-data", "4", "", None),
        ("not-applicable", "0", "", None),
        ("unknown-tcp", "2", "", True),
    ],
)
def test_application_gives_service_and_answer(
    tmp_path: Path, app: str, packets_received: str, service: str, answered: bool | None
) -> None:
    (row,) = events(panos, export(tmp_path, exported(app=app, packets_received=packets_received)))
    assert (row["service"], row["answered"]) == (service, answered)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"start": "2026/13/01 09:59:00"}, "Start Time is not usable: 2026/13/01 09:59:00"),
        ({"start": ""}, "Start Time is missing"),
        ({"src": "fw-1'; drop"}, "Source Address is not usable: fw-1'; drop"),
        ({"dst": "256.1.1.1"}, "Destination Address is not usable: 256.1.1.1"),
        ({"dport": "65536"}, "Destination Port is not usable: 65536"),
        ({"sent": "-5"}, "Bytes Sent is not usable: -5"),
        ({"received": "9999999999999999"}, "Bytes Received is not usable: 9999999999999999"),
        ({"repeat": "many"}, "Repeat Count is not usable: many"),
        ({"subtype": "begin"}, "subtype is not start, end, drop or deny"),
        ({"app": '"open'}, "a quote is left open"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_the_others_stay(
    tmp_path: Path, changed: dict[str, str], reason: str
) -> None:
    path = export(tmp_path, exported(), exported(**changed), exported())
    assert len(events(panos, path)) == 2
    assert refused(panos, path) == [(reason, 3)]


def test_absent_counters_are_unknown_and_not_nought(tmp_path: Path) -> None:
    (row,) = events(panos, export(tmp_path, exported(received="")))
    assert (row["bytes_sent"], row["bytes_rcvd"], row["bytes_total"]) == (600, None, None)


def test_a_line_cut_short_is_a_bad_row(tmp_path: Path) -> None:
    path = written(tmp_path, "pan.log", syslog() + "\n" + syslog()[:200])
    assert len(events(panos, path)) == 1
    assert refused(panos, path) == [("Start Time is missing", 2)]


def test_a_header_that_repeats_and_mixed_line_ends_are_no_rows(tmp_path: Path) -> None:
    path = written(tmp_path, "pan.csv", f"{HEADER}\r\n{exported()}\n\n{HEADER}\n{exported()}\r\n")
    assert len(all_rows(panos, path)) == 2


def test_hostile_names_of_files_and_glob_characters_are_plain_text(tmp_path: Path) -> None:
    written(tmp_path, "pan1.csv", "not this one")
    hostile = written(tmp_path, "pan[1]*'; drop table x; --.csv", f"{HEADER}\n{exported()}\n")
    (row,) = events(panos, hostile)
    assert row["file"] == str(hostile)


def test_each_file_has_its_own_line_numbers(tmp_path: Path) -> None:
    first = written(tmp_path, "a.csv", f"{HEADER}\n{exported()}\n{exported(dport='x')}\n")
    second = written(tmp_path, "b.csv", f"{HEADER}\n{exported(dport='y')}\n")
    assert refused(panos, [first, second]) == [
        ("Destination Port is not usable: y", 2),
        ("Destination Port is not usable: x", 3),
    ]


def test_bytes_that_are_no_text_are_in_the_rejects_and_end_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, "pan.csv", f"{HEADER}\n{exported()}\n".encode() + b"\xff\xfe\n" + exported().encode())
    assert len(events(panos, path, Scan(rejects="refused_lines"))) == 2


def test_cgnat_and_ipv6_addresses_are_addresses(tmp_path: Path) -> None:
    path = export(tmp_path, exported(src="100.64.1.2"), exported(src="2001:DB8::5"))
    assert {row["src_ip"] for row in events(panos, path)} == {"100.64.1.2", "2001:db8::5"}


@pytest.mark.parametrize(("zone", "hours"), [("UTC", 0), ("Europe/Berlin", 1)])
def test_the_time_zone_of_the_device_moves_the_time(tmp_path: Path, zone: str, hours: int) -> None:
    path = export(tmp_path, exported())
    assert [row["start"] for row in events(panos, path, Scan(time_zone=zone))] == [START - hours * 3600]
    assert [row["start"] for row in events(panos, path, options=(("time_zone", zone),))] == [START - hours * 3600]


@pytest.mark.parametrize("head", ["", "a,b\n1,2\n", "#fields\tts\n", "Type,Action\nTRAFFIC,allow\n"])
def test_other_content_is_not_recognised(head: str) -> None:
    assert panos.recognise(head, "PANTraffic.csv") is None


@pytest.mark.real_data
def test_the_public_export_equals_a_plain_reading() -> None:
    path = real("pan/PANTrafficBenign.csv.gz")
    expected: Counter[tuple[object, ...]] = Counter()
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as source:
        for row in csv.DictReader(source):
            began = datetime.strptime(row["Start Time"], "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
            expected[
                (
                    began,
                    row["Source address"],
                    row["Destination address"],
                    int(row["Destination Port"]),
                    int(row["Repeat Count"]),
                    int(row["Bytes Sent"]),
                    int(row["Bytes Received"]),
                )
            ] += 1
    columns = ("start", "src_ip", "dst_ip", "dst_port", "conns", "bytes_sent", "bytes_rcvd")
    found = Counter(tuple(row[name] for name in columns) for row in all_rows(panos, path))
    assert found == expected
    assert sum(found.values()) == 65532
