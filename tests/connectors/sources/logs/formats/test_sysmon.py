"""Sysmon: connections and look-ups in each form, and the hunts by host and process over them."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.logs import Settings, connect
from connectors.sources.logs.formats import suricata, sysmon, zeek_json
from connectors.sources.logs.schema import Recognised
from playbook.model.detection import Fetched
from playbook.model.site import Networks, Site
from tests.support.examples import examples
from tests.support.log_fixtures import all_rows, events, passed_over, real, refused, written

STAMP = "2026-03-01 10:00:00.250"
START = 1772359200.25
CHANNEL = "Microsoft-Windows-Sysmon/Operational"
CONNECTION = {
    "UtcTime": STAMP,
    "ProcessGuid": "{g-1}",
    "ProcessId": 812,
    "Image": r"C:\Tools\nc.exe",
    "Protocol": "tcp",
    "Initiated": "true",
    "SourceIp": "10.0.0.5",
    "SourcePort": "50000",
    "DestinationIp": "203.0.113.9",
    "DestinationPort": "443",
}
LOOK_UP = {
    "UtcTime": "2026-03-01 10:00:01.000",
    "ProcessGuid": "{g-1}",
    "Image": r"C:\Tools\nc.exe",
    "QueryName": "C2.Example.",
    "QueryStatus": "0",
    "QueryResults": "type:  5 edge.example;::ffff:203.0.113.9;",
}
Form = Callable[[int, dict[str, Any]], dict[str, Any]]


def nxlog(number: int, fields: dict[str, Any]) -> dict[str, Any]:
    return {"Channel": CHANNEL, "EventID": number, "Hostname": "WS-7.Example.", "host": "collector-1", **fields}


def winlogbeat(number: int, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "@timestamp": "2026-03-01T10:00:02Z",
        "host": {"name": "other"},
        "winlog": {"channel": CHANNEL, "event_id": str(number), "computer_name": "WS-7.example", "event_data": fields},
    }


def winlogbeat_6(number: int, fields: dict[str, Any]) -> dict[str, Any]:
    return {"log_name": CHANNEL, "event_id": number, "computer_name": "ws-7.example", "event_data": fields}


def flat(number: int, fields: dict[str, Any]) -> dict[str, Any]:
    typed = {name: {"true": True, "false": False}.get(str(value), value) for name, value in fields.items()}
    return {"EventID": str(number), "Computer": "ws-7.example", **typed}


def evtx_dump(number: int, fields: dict[str, Any]) -> dict[str, Any]:
    about = {"EventID": {"#text": number}, "Computer": "ws-7.example", "Channel": CHANNEL}
    return {"Event": {"System": about, "EventData": fields}}


FORMS = [nxlog, winlogbeat, winlogbeat_6, flat, evtx_dump]


def log(folder: Path, *rows: dict[str, Any] | str) -> Path:
    return written(
        folder, "sysmon.jsonl", "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    )


def source(path: Path) -> Any:
    site = Site(networks=Networks(lab=("203.0.113.0/24",)), now=datetime(2026, 3, 2, tzinfo=UTC))
    return connect("endpoint", Settings(paths=(path,)), site)


@pytest.mark.parametrize("form", FORMS)
def test_a_connection_in_every_form(tmp_path: Path, form: Form) -> None:
    path = log(tmp_path, form(3, CONNECTION), form(22, LOOK_UP), form(7, {"UtcTime": STAMP}))
    (row,) = events(sysmon, path)
    assert {name: row[name] for name in row if name not in ("bad", "passed", "file")} == {
        "start": START,
        "hostname": "ws-7.example",
        "src_ip": "10.0.0.5",
        "src_port": 50000,
        "dst_ip": "203.0.113.9",
        "dst_port": 443,
        "proto": "tcp",
        "conns": 1,
        "bytes_sent": None,
        "bytes_rcvd": None,
        "bytes_total": None,
        "orig_bytes": None,
        "sent_packets": None,
        "rcvd_packets": None,
        "process_name": "nc.exe",
        "service": "",
        "duration": None,
        "answered": None,
        "denied": False,
        "continues": False,
        "line": 1,
    }
    assert passed_over(sysmon, path) == ["a look-up: its names are read", "event 7 is no connection"]
    assert not refused(sysmon, path)


@pytest.mark.parametrize("form", FORMS)
def test_a_look_up_in_every_form_has_its_hosts_address(tmp_path: Path, form: Form) -> None:
    (row,) = events(sysmon, log(tmp_path, form(3, CONNECTION), form(22, LOOK_UP)), kind="dns")
    assert (row["start"], row["src_ip"], row["query"], row["failed"], row["answers"], row["server"]) == (
        START + 0.75,
        "10.0.0.5",
        "c2.example",
        False,
        ["edge.example", "203.0.113.9"],
        None,
    )
    assert (row["hostname"], row["process_name"]) == ("ws-7.example", "nc.exe")


def test_only_no_such_name_is_a_failed_name(tmp_path: Path) -> None:
    told = {"0": False, "9003": True, 9003: True, "1460": False, "9501": False}
    path = log(tmp_path, *(nxlog(22, LOOK_UP | {"QueryStatus": status}) for status in told))
    rows = sorted(events(sysmon, path, kind="dns"), key=lambda row: row["line"])
    assert [row["failed"] for row in rows] == list(told.values())


def test_the_asker_is_the_address_of_the_latest_outside_connection(tmp_path: Path) -> None:
    def moved(stamp: str, address: str) -> dict[str, Any]:
        return nxlog(3, CONNECTION | {"UtcTime": stamp, "SourceIp": address})

    def asked(stamp: str, host: str = "ws-7.example") -> dict[str, Any]:
        return nxlog(22, LOOK_UP | {"UtcTime": stamp}) | {"Hostname": host}

    path = log(
        tmp_path,
        moved("2026-03-01 10:00:00", "10.0.0.5"),
        moved("2026-03-01 11:00:00", "10.0.0.6"),
        moved("2026-03-01 12:00:00", "127.0.0.1"),
        asked("2026-03-01 09:00:00"),
        asked("2026-03-01 10:30:00"),
        asked("2026-03-01 12:30:00"),
        asked("2026-03-01 12:40:00", "ws-8.example"),
    )
    assert [row["src_ip"] for row in events(sysmon, path, kind="dns")] == ["10.0.0.5", "10.0.0.5", "10.0.0.6", None]


def test_the_end_that_did_not_open_it_and_other_channels_are_passed_over(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        nxlog(3, CONNECTION),
        nxlog(3, CONNECTION | {"Initiated": "false"}),
        nxlog(3, CONNECTION) | {"Channel": "Microsoft-Windows-DNS-Client/Operational"},
        nxlog(1, {"UtcTime": STAMP}),
    )
    assert len(events(sysmon, path)) == 1
    assert passed_over(sysmon, path) == [
        "an event of another channel",
        "event 1 is no connection",
        "the other end opened it",
    ]


ADDRESSES = [
    ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
    ("0:0:0:0:0:0:0:1", "::1"),
    ("2001:db8:0:1:0:0:0:9", "2001:db8:0:1::9"),
    ("fe80:0:0:0:0:0:0:0", "fe80::"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
    ("::ffff:203.0.113.9", "203.0.113.9"),
]


def test_addresses_get_their_usual_form(tmp_path: Path) -> None:
    path = log(tmp_path, *(nxlog(3, CONNECTION | {"DestinationIp": written_as}) for written_as, _ in ADDRESSES))
    assert [row["dst_ip"] for row in events(sysmon, path)] == [read_as for _, read_as in ADDRESSES]


BAD: list[tuple[dict[str, Any] | str, str]] = [
    ('{"EventID": 3, "Utc', 'not JSON: {"EventID": 3, "Utc'),
    ('{"a": 1}', 'not a Sysmon event: {"a": 1}'),
    ("[1, 2]", "not a Sysmon event: [1, 2]"),
    (nxlog(3, CONNECTION | {"UtcTime": "yesterday"}), "UtcTime is not usable: yesterday"),
    (nxlog(3, CONNECTION | {"Initiated": "maybe"}), "Initiated is not usable: maybe"),
    (nxlog(3, CONNECTION | {"SourceIp": "-"}), "SourceIp is missing"),
    (nxlog(3, CONNECTION | {"DestinationPort": 65536}), "DestinationPort is not usable: 65536"),
    (nxlog(3, {"UtcTime": STAMP, "Initiated": "true"}), "SourceIp is missing"),
]


def test_every_bad_row_is_named_and_the_others_stay(tmp_path: Path) -> None:
    path = log(tmp_path, nxlog(3, CONNECTION), *(row for row, _ in BAD), nxlog(22, LOOK_UP))
    assert (len(events(sysmon, path)), len(events(sysmon, path, kind="dns"))) == (1, 1)
    assert refused(sysmon, path) == [(reason, line) for line, (_, reason) in enumerate(BAD, 2)]
    assert refused(sysmon, path, kind="dns") == []


@examples(8)
@given(st.text(max_size=40) | st.integers() | st.none() | st.lists(st.text(max_size=3), max_size=2))
def test_any_value_of_a_field_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = log(tmp_path_factory.mktemp("any"), *(nxlog(3, CONNECTION | {name: value}) for name in CONNECTION))
    rows = all_rows(sysmon, path)
    assert len(rows) == len(CONNECTION)
    assert all((row["start"] is None) == (row["bad"] is not None or row["passed"] is not None) for row in rows)


@pytest.mark.parametrize(
    "head",
    [
        "",
        '{"EventID": 4624, "Channel": "Security"}\n',
        '{"ts": 1, "id.orig_h": "x"}\n',
        '{"timestamp": "x", "event_type": "flow", "src_ip": "10.0.0.5"}\n',
    ],
)
def test_other_content_is_not_recognised(head: str) -> None:
    assert sysmon.recognise(head, "log.jsonl") is None


@pytest.mark.parametrize("form", FORMS)
def test_no_other_json_format_takes_it(form: Form) -> None:
    head = json.dumps(form(3, CONNECTION)) + "\n"
    assert [kind.kind for kind in sysmon.recognise(head, "x") or ()] == ["conn", "dns"]
    assert not isinstance(zeek_json.recognise(head, "x"), Recognised) and suricata.recognise(head, "x") is None


def at(second: int) -> str:
    return f"{datetime(2026, 3, 1, 10, tzinfo=UTC) + timedelta(seconds=second):%Y-%m-%d %H:%M:%S}"


def test_the_detection_drops_loopback_and_names_the_process(tmp_path: Path) -> None:
    rows = [
        nxlog(3, CONNECTION | {"UtcTime": at(60 * n), "DestinationIp": to, "DestinationPort": port})
        for n in range(200)
        for to, port in (("203.0.113.9", 443), ("127.0.0.1", 8080))
    ]
    opened = source(log(tmp_path, *rows))
    (fetched,) = opened.fetch(None)
    assert isinstance(fetched, Fetched)
    (found,) = fetched.detections
    assert (found.hostname, found.dst_ip, found.connections, found.processes, found.bytes_known) == (
        "ws-7.example",
        "203.0.113.9",
        200,
        ("nc.exe",),
        False,
    )
    opened.close()


def test_an_endpoint_burst_keeps_loopback_and_adds_up_over_destinations(tmp_path: Path) -> None:
    rows = [
        nxlog(3, CONNECTION | {"UtcTime": at(n), "DestinationIp": f"127.0.0.{n % 2 + 1}", "DestinationPort": 1 + n})
        for n in range(102)
    ]
    opened = source(log(tmp_path, *rows))
    assert opened.hunt("ddos-burst")[0] == ()
    (row,) = opened.hunt("ddos-burst", endpoint=True)[0]
    assert (row["hostname"], row["process_name"], row["connections"], row["scan_indicator"]) == (
        "ws-7.example",
        "nc.exe",
        102,
        1,
    )
    opened.close()


def test_an_endpoint_burst_of_names_needs_no_address(tmp_path: Path) -> None:
    failed = [
        nxlog(22, LOOK_UP | {"UtcTime": at(n), "QueryName": f"n{n}.name{n}.example", "QueryStatus": "9003"})
        for n in range(30)
    ]
    reverse = [
        nxlog(
            22,
            LOOK_UP
            | {
                "UtcTime": at(n),
                "QueryName": f"1.0.0.{n}.in-addr.arpa",
                "QueryStatus": "9003",
                "Image": r"C:\Windows\Sysmon.exe",
            },
        )
        for n in range(90)
    ]
    opened = source(log(tmp_path, *failed, *reverse))
    (row,) = opened.hunt("dga-burst", endpoint=True)[0]
    assert (row["hostname"], row["process_name"], row["failed_domains"]) == ("ws-7.example", "nc.exe", 30)
    opened.close()


def test_such_look_ups_cover_nobody_elses_questions(tmp_path: Path) -> None:
    rows = [nxlog(3, CONNECTION | {"UtcTime": at(60 * n)}) for n in range(200)]
    opened = source(log(tmp_path, *rows, nxlog(22, LOOK_UP)))
    (fetched,) = opened.fetch(None)
    traffic = opened.traffic(fetched.detections)
    assert {one.kind: len(one.hours) for one in traffic.coverage} == {"conn": 4, "dns": 0}
    assert [(name.name, name.backed) for name in traffic.tuples[0].names or ()] == [("c2.example", False)]
    opened.close()


@pytest.mark.real_data
def test_the_public_sample_equals_a_plain_reading() -> None:
    path = real("sysmon/covenant_psremoting_grunt.eid3-22.jsonl.gz")
    with gzip.open(path, "rt") as text:
        read = [json.loads(line) for line in text]
    opened = [one for one in read if one["EventID"] == 3 and one["Initiated"] == "true"]
    assert Counter(
        (row["hostname"], row["src_ip"], row["src_port"], row["dst_ip"], row["dst_port"], row["process_name"])
        for row in events(sysmon, path)
    ) == Counter(
        (
            one["Hostname"].lower(),
            str(ip_address(one["SourceIp"])),
            int(one["SourcePort"]),
            str(ip_address(one["DestinationIp"])),
            int(one["DestinationPort"]),
            one["Image"].rpartition("\\")[2],
        )
        for one in opened
    )
    asked = [one for one in read if one["EventID"] == 22]
    assert Counter(
        (row["hostname"], row["query"], row["failed"]) for row in events(sysmon, path, kind="dns")
    ) == Counter(
        (one["Hostname"].lower(), one["QueryName"].lower().rstrip("."), one["QueryStatus"] == "9003") for one in asked
    )
    assert (len(opened), len(asked), len(passed_over(sysmon, path)), refused(sysmon, path)) == (185, 20, 111, [])
