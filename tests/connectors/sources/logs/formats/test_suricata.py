"""Suricata EVE: flows, DNS of three versions, TLS and HTTP names out of one file."""

import gzip
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.sources.logs.formats import suricata
from tests.support.log_fixtures import all_rows, events, passed_over, real, refused, written

STAMP = "2026-03-01T12:00:05.000000+0200"
START = 1772359200.25  # 2026-03-01 10:00:00.25 UTC
ENDS = {"src_ip": "10.0.0.5", "src_port": 50000, "dest_ip": "203.0.113.9", "dest_port": 443, "proto": "TCP"}


def event(kind: str, **more: Any) -> str:
    return json.dumps({"timestamp": STAMP, "flow_id": 7, "event_type": kind, **ENDS, **more})


def flow(
    app: str | None = "tls", tcp: dict[str, str] | None = None, ends: dict[str, Any] | None = None, **changed: Any
) -> str:
    body = {
        "pkts_toserver": 6,
        "pkts_toclient": 4,
        "bytes_toserver": 600,
        "bytes_toclient": 400,
        "start": "2026-03-01T12:00:00.250000+0200",
        "end": "2026-03-01T12:00:10.250000+0200",
        "age": 10,
        "state": "closed",
    }
    named = {} if app is None else {"app_proto": app}
    return event("flow", flow={**body, **changed}, tcp=tcp or {"tcp_flags_tc": "1b"}, **named, **(ends or {}))


def dns(body: dict[str, Any], **ends: Any) -> str:
    return event("dns", **{"dest_ip": "10.0.0.1", "dest_port": 53, "proto": "UDP", **ends}, dns=body)


def log(folder: Path, *rows: str) -> Path:
    return written(folder, "eve.json", "\n".join(rows) + "\n")


def test_a_flow_gives_every_cell(tmp_path: Path) -> None:
    (row,) = events(suricata, log(tmp_path, flow()))
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
        "service": "tls",
        "duration": 10.0,
        "answered": True,
        "denied": False,
        "continues": False,
        "line": 1,
    }


@pytest.mark.parametrize(
    ("row", "service", "answered", "denied"),
    [
        (flow(app="irc"), "irc", True, False),
        (flow(app="failed"), "", True, False),
        (flow(app=None), "", True, False),
        (flow(state="new", pkts_toclient=0), "tls", False, False),
        (flow(state="established"), "tls", True, False),
        (flow(tcp={"tcp_flags_tc": "14"}), "tls", False, False),
        (flow(tcp={"tcp_flags_tc": "16"}), "tls", True, False),
        (flow(action="drop"), "tls", True, True),
    ],
    ids=["irc", "failed", "none", "new", "established", "reset", "reset later", "dropped"],
)
def test_state_and_application(tmp_path: Path, row: str, service: str, answered: bool, denied: bool) -> None:
    (found,) = events(suricata, log(tmp_path, row))
    assert (found["service"], found["answered"], found["denied"]) == (service, answered, denied)


def test_icmp_and_ipv6_flows(tmp_path: Path) -> None:
    ping = json.loads(flow(ends={"proto": "IPv6-ICMP", "src_ip": "2001:DB8::5", "dest_ip": "2001:db8::9"}))
    del ping["src_port"], ping["dest_port"]
    (row,) = events(suricata, log(tmp_path, json.dumps(ping)))
    assert (row["proto"], row["src_ip"], row["src_port"], row["dst_port"]) == ("icmp", "2001:db8::5", None, 0)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (dns({"type": "query", "rrname": "C2.Example.", "rrtype": "A"}), ("10.0.0.5", "c2.example", None, [])),
        (
            dns(
                {"type": "answer", "rrname": "c2.example", "rcode": "NOERROR", "rdata": "203.0.113.9"},
                src_ip="10.0.0.1",
                src_port=53,
                dest_ip="10.0.0.5",
                dest_port=50000,
            ),
            ("10.0.0.5", "c2.example", False, ["203.0.113.9"]),
        ),
        (
            dns(
                {
                    "version": 2,
                    "type": "answer",
                    "rrname": "c2.example",
                    "rcode": "NOERROR",
                    "answers": [
                        {"rrname": "c2.example", "rdata": "x.example"},
                        {"rrname": "x.example", "rdata": "203.0.113.9"},
                    ],
                }
            ),
            ("10.0.0.5", "c2.example", False, ["x.example", "203.0.113.9"]),
        ),
        (
            dns({"version": 2, "type": "answer", "rrname": "nx.example", "rcode": "NXDOMAIN"}),
            ("10.0.0.5", "nx.example", True, []),
        ),
        (
            dns({"version": 3, "type": "response", "rcode": "SERVFAIL", "queries": [{"rrname": "sf.example"}]}),
            ("10.0.0.5", "sf.example", False, []),
        ),
    ],
    ids=["query", "version 1", "version 2", "failed", "version 3"],
)
def test_dns_of_all_versions(tmp_path: Path, row: str, expected: tuple[object, ...]) -> None:
    (found,) = all_rows(suricata, log(tmp_path, flow(), row), kind="dns")
    assert (found["src_ip"], found["query"], found["failed"], found["answers"]) == expected


@pytest.mark.parametrize(
    ("kind", "row", "name"),
    [
        ("tls", event("tls", tls={"sni": "C2.example"}), "c2.example"),
        ("tls", event("tls", tls={"version": "TLS 1.3"}), None),
        ("http", event("http", http={"hostname": "c2.example."}), "c2.example"),
        ("http", event("http", http={"url": "/"}), None),
    ],
)
def test_names_of_tls_and_http(tmp_path: Path, kind: Any, row: str, name: str | None) -> None:
    (found,) = events(suricata, log(tmp_path, flow(), row), kind=kind)
    assert (found["src_ip"], found["dst_ip"], found["dst_port"], found["name"]) == (
        "10.0.0.5",
        "203.0.113.9",
        443,
        name,
    )


def test_one_file_is_four_kinds_and_each_takes_its_own_events(tmp_path: Path) -> None:
    path = log(tmp_path, flow(), dns({"type": "query", "rrname": "a.example"}), event("tls", tls={}), event("alert"))
    forms = suricata.recognise(path.read_text(), str(path))
    assert [form.kind for form in forms or ()] == ["conn", "dns", "tls", "http"]
    assert [len(events(suricata, path, kind=form.kind)) for form in forms or ()] == [1, 1, 1, 0]
    assert passed_over(suricata, path) == [f"event of the type {name}" for name in ("alert", "dns", "tls")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (flow()[:40], "not JSON: " + flow()[:40]),
        ('{"a": 1}', 'not an EVE event: {"a": 1}'),
        ("[1, 2]", "not an EVE event: [1, 2]"),
        (flow(start="2026-03-01T12:00:00"), "flow.start is not usable: 2026-03-01T12:00:00"),
        (flow(bytes_toserver=-5), "bytes_toserver is not usable: -5"),
        (flow(ends={"dest_port": 65536}), "dest_port is not usable: 65536"),
        (flow(ends={"src_ip": "<b>x"}), "src_ip is not usable: <b>x"),
        (event("flow", flow="text"), "flow.start is missing"),
    ],
)
def test_a_bad_line_is_named_once_and_the_others_stay(tmp_path: Path, row: str, reason: str) -> None:
    path = log(tmp_path, flow(), row)
    assert len(events(suricata, path)) == 1
    assert refused(suricata, path) == [(reason, 2)]
    assert all_rows(suricata, path, kind="tls") == []


@pytest.mark.parametrize("head", ["", '{"ts": 1, "id.orig_h": "10.0.0.5"}\n', '{"event_type": "flow"}\n'])
def test_other_content_is_not_recognised(head: str) -> None:
    assert suricata.recognise(head, "eve.json") is None


@pytest.mark.real_data
def test_the_public_capture_equals_a_plain_reading() -> None:
    path = real("suricata/test6-malicious.eve.json.gz")
    with gzip.open(path, "rt") as source:
        read = [json.loads(line) for line in source]
    expected = Counter(
        (
            round(datetime.fromisoformat(one["flow"]["start"]).timestamp(), 6),
            one["src_ip"],
            one["dest_ip"],
            one.get("dest_port", 0),
            one["flow"]["bytes_toserver"],
            one["flow"]["bytes_toclient"],
        )
        for one in read
        if one["event_type"] == "flow"
    )
    assert (
        Counter(
            (
                round(row["start"], 6),
                row["src_ip"],
                row["dst_ip"],
                row["dst_port"],
                row["bytes_sent"],
                row["bytes_rcvd"],
            )
            for row in events(suricata, path)
        )
        == expected
    )
    names = Counter(one["dns"]["rrname"].lower() for one in read if one["event_type"] == "dns")
    assert Counter(row["query"] for row in events(suricata, path, kind="dns")) == names
    assert [row["name"] for row in events(suricata, path, kind="tls")] == ["www.myedimax.com"]
    assert len(events(suricata, path, kind="http")) == sum(one["event_type"] == "http" for one in read)
