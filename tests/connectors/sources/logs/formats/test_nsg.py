"""Azure NSG flow summaries: n flows a row, both directions, allowed and denied."""

import csv
import gzip
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.sources.logs.formats import nsg
from tests.support.log_fixtures import events, form_of, real, refused, written

HEADER = (
    ",FlowStartTime,FlowEndTime,VMIPAddress,PublicIPs,SrcIP,DestIP,L4Protocol,L7Protocol,DestPort,FlowDirection,"
    "AllowedOutFlows,AllowedInFlows,DeniedInFlows,DeniedOutFlows,AllExtIPs"
)
START = datetime(2026, 3, 1, 10, tzinfo=UTC).timestamp()


def summary(**changed: str) -> str:
    row = {
        "index": "1",
        "start": "2026-03-01 10:00:00.000",
        "end": "2026-03-01 10:45:00.000",
        "ours": "10.0.3.5",
        "public": "['203.0.113.9']",
        "src": "",
        "dst": "",
        "l4": "T",
        "l7": "https",
        "port": "443.0",
        "way": "O",
        "allowed_out": "4.0",
        "allowed_in": "0.0",
        "denied_in": "0.0",
        "denied_out": "0.0",
        "remote": "203.0.113.9",
    }
    return ",".join({**row, **changed}.values())


def log(folder: Path, *rows: str) -> Path:
    return written(folder, "nsg.csv", "\n".join((HEADER, *rows)) + "\n")


def test_a_row_stands_for_n_flows_at_its_first_time(tmp_path: Path) -> None:
    path = log(tmp_path, summary())
    (row,) = events(nsg, path)
    assert (row["start"], row["src_ip"], row["dst_ip"], row["dst_port"]) == (START, "10.0.3.5", "203.0.113.9", 443)
    assert (row["conns"], row["proto"], row["src_port"], row["bytes_total"]) == (4, "tcp", None, None)
    assert (row["denied"], row["answered"], row["duration"]) == (False, None, None)
    assert row["service"] == ""  # the summary's protocol name is that of the port
    assert "all are placed at FlowStartTime" in form_of(nsg, path).note


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"way": "I", "allowed_in": "2.0"}, [("203.0.113.9", "10.0.3.5", 2, False)]),
        ({"src": "10.0.3.4", "dst": "10.0.3.5", "ours": ""}, [("10.0.3.4", "10.0.3.5", 4, False)]),
        ({"denied_out": "7.0"}, [("10.0.3.5", "203.0.113.9", 4, False), ("10.0.3.5", "203.0.113.9", 7, True)]),
        ({"way": "I", "denied_in": "3.0"}, [("203.0.113.9", "10.0.3.5", 3, True)]),
        ({"remote": ""}, [("10.0.3.5", "203.0.113.9", 4, False)]),
        ({"remote": "", "public": "\"['203.0.113.1', '203.0.113.2']\""}, [("10.0.3.5", "203.0.113.1", 4, False)]),
        ({"remote": "2001:db8::9"}, [("10.0.3.5", "2001:db8::9", 4, False)]),
        ({"allowed_out": "0.0"}, []),
    ],
)
def test_direction_sides_and_denied_flows(
    tmp_path: Path, changed: dict[str, str], expected: list[tuple[str, str, int, bool]]
) -> None:
    rows = events(nsg, log(tmp_path, summary(**changed)))
    assert sorted((row["src_ip"], row["dst_ip"], row["conns"], row["denied"]) for row in rows) == expected


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"start": "yesterday"}, "FlowStartTime is not usable: yesterday"),
        ({"port": "65536.0"}, "DestPort is not usable: 65536.0"),
        ({"remote": "", "public": "[]"}, "destination address is missing"),
        ({"allowed_out": "-4"}, "flow count is not usable: -4"),
        ({"way": "?"}, "FlowDirection is not I or O"),
        ({"l7": '"open'}, "a quote is left open"),
    ],
)
def test_a_bad_row_is_named_once_and_the_others_stay(tmp_path: Path, changed: dict[str, str], reason: str) -> None:
    path = log(tmp_path, summary(), summary(**changed), summary()[:40])
    assert len(events(nsg, path)) == 1
    assert refused(nsg, path) == [(reason, 3), ("expected 16 fields, found 3", 4)]


@pytest.mark.real_data
def test_the_public_sample_equals_a_plain_reading() -> None:
    path = real("vpc/az_net_flows.csv.gz")
    expected: Counter[tuple[object, ...]] = Counter()
    with gzip.open(path, "rt", newline="") as source:
        for row in csv.DictReader(source):
            out = row["FlowDirection"] == "O"
            remote = row["AllExtIPs"] or re.sub(r"[\[\]' ]", "", row["PublicIPs"]).split(",")[0]
            ours = row["VMIPAddress"]
            src = row["SrcIP"] or (ours if out else remote)
            dst = row["DestIP"] or (remote if out else ours)
            began = datetime.fromisoformat(row["FlowStartTime"] + "+00:00").timestamp()
            flows = int(float(row["AllowedOutFlows" if out else "AllowedInFlows"]))
            expected[(began, src, dst, int(float(row["DestPort"])), flows)] += 1
    columns = ("start", "src_ip", "dst_ip", "dst_port", "conns")
    assert Counter(tuple(row[name] for name in columns) for row in events(nsg, path)) == expected
