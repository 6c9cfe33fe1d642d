"""OCSF detection findings come in as rows; what we export ourselves comes back as the same conversations."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.alerts.entries import Read, read
from playbook.alerts.senders import parsed
from playbook.cases import exports
from playbook.config import Config
from playbook.errors import ConfigError
from tests.playbook.alerts.scene import bot, scene
from tests.support.builders import NOW
from tests.support.case_store import fresh_record
from tests.support.examples import examples
from tests.support.export_fixtures import an_export

Object = dict[str, Any]
CONFIG = Config(sources={"sumo": {"kind": "sumologic"}})
FINDING: Object = {
    "class_uid": 2004,
    "category_uid": 2,
    "activity_id": 1,
    "type_uid": 200401,
    "severity_id": 4,
    "severity": "High",
    "time": 1795478292000,
    "start_time": 1795392180000,
    "end_time": 1795478292000,
    "count": 288,
    "finding_info": {"uid": "f-1", "title": "Beacon", "src_url": "https://edr.example/f-1"},
    "metadata": {"version": "1.5.0", "product": {"name": "EDR"}},
    "evidences": [
        {
            "src_endpoint": {"ip": "10.20.0.31", "hostname": "cam-01"},
            "dst_endpoint": {"ip": "203.0.113.66", "port": 6667},
            "connection_info": {"direction_id": 2, "protocol_name": "tcp"},
            "process": {"name": "busybox"},
        }
    ],
}


def body(document: Any) -> Read:
    return read(parsed(json.dumps(document).encode()), CONFIG, "", NOW)


@pytest.mark.parametrize("document", [FINDING, [FINDING]], ids=["one", "an array"])
def test_a_finding_is_a_row_with_what_it_knows(document: Any) -> None:
    (entry,) = body(document).entries
    columns = entry.columns
    assert (columns.src_ip, columns.dst_ip, columns.dst_port) == ("10.20.0.31", "203.0.113.66", 6667)
    assert (columns.hostname, columns.processes, columns.transports) == ("cam-01", "busybox", "tcp")
    assert (columns.connections, columns.first_seen) == (288, "2026-11-23T00:03:00+00:00")
    assert columns.last_seen == "2026-11-23T23:58:12+00:00" and "hourly_buckets" in entry.absent
    assert {"Beacon", "High", "https://edr.example/f-1", "f-1"} <= set(entry.sent.values())


def test_of_several_evidences_each_is_a_row_and_the_count_is_nobodys() -> None:
    other = {"src_endpoint": {"ip": "10.20.0.32"}, "dst_endpoint": {"ip": "203.0.113.67", "port": 443}}
    entries = body(FINDING | {"evidences": [*FINDING["evidences"], other]}).entries
    assert [one.columns.dst_ip for one in entries] == ["203.0.113.66", "203.0.113.67"]
    assert all("connections" in one.absent for one in entries)


def test_a_finding_without_addresses_is_named_and_the_others_are_taken() -> None:
    answered = body([FINDING, FINDING | {"evidences": [{"data": "text"}]}, FINDING | {"evidences": None}])
    assert len(answered.entries) == 1 and len(answered.rejected) == 2


def test_what_we_export_comes_back_and_other_classes_are_left_out() -> None:
    document = json.loads(exports.render("ocsf", an_export()))
    entries = body(document).entries
    own = [judged.enriched.detection for judged in an_export().case.detections]
    assert [(one.columns.dst_ip, one.columns.dst_port) for one in entries] == [(d.dst_ip, d.dst_port) for d in own]
    first = entries[0].columns
    assert (first.connections, first.hourly_buckets, first.total_bytes_sent) == (288, 24, own[0].total_bytes_sent)
    assert first.first_seen == own[0].first_seen.isoformat()
    assert entries[2].columns.denied == 30 and "connections" in entries[2].absent


@pytest.mark.parametrize("class_uid", [2005, 7004, "2004", True, None])
def test_another_class_is_no_finding(class_uid: Any) -> None:
    answered = body(FINDING | {"class_uid": class_uid})
    assert answered.entries == () and answered.rejected


_KEYS = {"ip", "port", "hostname", "src_endpoint", "dst_endpoint", "data", "process", "name", "title", "connections"}
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(_KEYS)), inner, max_size=4),
    max_leaves=12,
)


@examples(60)
@given(evidences=_JSON, info=_JSON, start=_JSON)
def test_whatever_a_sender_writes_is_a_row_or_a_named_bad_one(evidences: Any, info: Any, start: Any) -> None:
    document = [FINDING | {"evidences": evidences, "finding_info": info, "start_time": start}, FINDING]
    try:
        answered = body(document)
    except ConfigError:
        return
    assert any(one.columns.dst_ip == "203.0.113.66" for one in answered.entries)


def test_a_finding_walks_the_road_of_every_alert(tmp_path: Any) -> None:
    row = bot()
    evidence = {
        "src_endpoint": {"ip": row["src_ip"]},
        "dst_endpoint": {"ip": row["dst_ip"], "port": row["dst_port"]},
    }
    with scene(f"sqlite:///{fresh_record(tmp_path / 'state.db')}") as s:
        times = {"start_time": 1772409600000, "end_time": 1772495999000}
        answer = s.post([FINDING | times | {"evidences": [evidence]}])
        assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
        assert s.work() == 1
        (case,) = s.cases()
        assert case.disposition == "TRUE_POSITIVE"
