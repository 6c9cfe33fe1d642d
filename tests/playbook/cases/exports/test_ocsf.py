"""OCSF: every event is valid by the published schema, and says what the record says."""

import json
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from playbook.cases import exports
from playbook.cases.exports import CaseExport
from playbook.cases.exports.ocsf import VERSION
from tests.support.builders import a_case
from tests.support.export_fixtures import a_row, an_export, of_disposition

Event = dict[str, Any]
CLASSES = {2004: "detection_finding", 2005: "incident_finding", 7004: "network_remediation_activity"}


@cache
def validator(class_uid: int) -> Draft202012Validator:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION)).get_class_schema(CLASSES[class_uid], profiles=[])
    return Draft202012Validator(schema)


def events(export: CaseExport) -> list[Event]:
    made: list[Event] = json.loads(exports.render("ocsf", export))
    return made


def faults(event: Event) -> list[str]:
    return [
        f"{'/'.join(map(str, one.path))}: {one.message}" for one in validator(event["class_uid"]).iter_errors(event)
    ]


def test_every_event_is_valid_by_the_schema() -> None:
    made = events(an_export())
    assert [one["class_uid"] for one in made] == [2005, 2004, 2004, 2004, 7004, 7004, 7004, 7004]
    assert [fault for one in made for fault in faults(one)] == []
    for one in made:
        assert one["type_uid"] == one["class_uid"] * 100 + one["activity_id"]
        assert one["category_uid"] == one["class_uid"] // 1000
        assert one["metadata"]["correlation_uid"] == "C-0123456789ab"


@pytest.mark.parametrize(
    "wrong", [{"severity_id": 7}, {"invented": 1}, {"time": "now"}, {"finding_info": {"title": "no uid"}}]
)
def test_the_schema_would_find_a_wrong_field(wrong: Event) -> None:
    finding = events(an_export())[1]
    assert faults(finding | wrong)


def test_the_incident_tells_the_verdict_severity_and_techniques() -> None:
    incident = events(an_export())[0]
    assert (incident["verdict"], incident["confidence"], incident["severity"]) == ("True Positive", "High", "Critical")
    assert incident["comment"] == "berta: TRUE_POSITIVE. the owner said so"
    assert {attack["technique"]["uid"] for attack in incident["attacks"]} >= {"T1071", "T1584"}
    (sub,) = [attack["sub_technique"] for attack in incident["attacks"] if "sub_technique" in attack]
    assert (sub["uid"], sub["name"]) == ("T1584.005", "Botnet")
    assert len(incident["finding_info_list"]) == 3 and incident["is_suspected_breach"] is True


@pytest.mark.parametrize(
    ("disposition", "verdict_id"),
    [("TRUE_POSITIVE", 2), ("UNDETERMINED", 7), ("BENIGN_POSITIVE", 5), ("FALSE_POSITIVE", 1)],
)
def test_each_disposition_has_its_verdict(disposition: str, verdict_id: int) -> None:
    case = a_case(of_disposition(disposition), plan=None)
    incident, finding = events(CaseExport(case=case, row=a_row(case)))
    assert incident["verdict_id"] == verdict_id and faults(incident) == faults(finding) == []
    assert finding["is_alert"] is (disposition == "TRUE_POSITIVE")


def test_a_finding_keeps_the_counts_and_an_unknown_size_is_null() -> None:
    first, _, denied = events(an_export())[1:4]
    data = first["evidences"][0]["data"]
    assert first["evidences"][0]["dst_endpoint"] == {"ip": "203.0.113.66", "port": 6667}
    assert data["connections"] == first["count"] and data["beaconing_score"] == 3
    assert denied["count"] == 30 and denied["evidences"][0]["data"]["total_bytes_sent"] is None
    assert "protocol_name" not in denied["evidences"][0]["connection_info"]


def test_what_was_done_is_set_and_lifted_and_a_failure_is_one() -> None:
    block, failed, address, lifted = events(an_export())[4:]
    assert (block["activity_name"], block["status"], block["command_uid"]) == (
        "Isolate",
        "Success",
        "K-0123456789abcdef",
    )
    assert [one["value"] for one in block["observables"]] == ["10.20.0.31", "203.0.113.66"]
    assert (failed["status"], failed["status_detail"]) == ("Failure", "the sensor is offline")
    assert failed["countermeasures"][0]["d3f_technique"]["uid"] == "D3-NI"
    assert (address["activity_name"], lifted["activity_name"]) == ("Isolate", "Restore")
    assert lifted["time"] > address["time"] and lifted["command_uid"] == address["command_uid"] == "K-3"
