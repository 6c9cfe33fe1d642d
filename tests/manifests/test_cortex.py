"""Cortex: analyzers take observables, responders hand the plan on by tags, and every failure has an output."""

import json

import pytest

from playbook import platforms
from playbook.actions import catalogue
from tests.playbook.alerts.scene import bot
from tests.players import cortex
from tests.players.service import service

FILES = platforms.render("cortex", catalogue())
FLAVOURS = {path: json.loads(text) for path, text in FILES.items() if path.endswith(".json")}
KEYS = {
    "name",
    "version",
    "author",
    "url",
    "license",
    "description",
    "dataTypeList",
    "baseConfig",
    "command",
    "config",
    "configurationItems",
}


@pytest.mark.parametrize("path", FLAVOURS)
def test_a_flavour_is_what_cortex_reads(path):
    flavour = FLAVOURS[path]
    kind, folder, name = path.split("/")
    assert flavour.keys() == KEYS and flavour["dataTypeList"] and f"{kind}/{flavour['command']}" in FILES
    assert flavour["name"] == name.removesuffix(".json") and flavour["baseConfig"] == folder
    assert all(one.startswith("thehive:") for one in flavour["dataTypeList"]) == (kind == "responders")
    for one in flavour["configurationItems"]:
        assert one.keys() == {"name", "description", "type", "multi", "required"}


def test_analyzers_only_read_and_every_action_is_a_responder():
    services = {
        kind: {one["config"]["service"] for path, one in FLAVOURS.items() if path.startswith(kind)}
        for kind in ("analyzers", "responders")
    }
    assert services["responders"] == {one.identifier for one in catalogue()}
    assert {"look_up_address", "look_up_host", "get_case"} <= services["analyzers"]
    assert services["analyzers"] <= {one.identifier for one in catalogue() if one.read_only}


@pytest.mark.loopback
def test_an_alert_is_filed_from_its_text_and_the_plan_goes_on_in_tags(tmp_path, monkeypatch):
    ((name, content),) = platforms.build("cortex", catalogue()).items()
    (tmp_path / name).write_bytes(content)
    with service(tmp_path, monkeypatch) as running:
        one = cortex.install(tmp_path, tmp_path, running.access())
        alert = {"title": "x", "description": json.dumps(bot()), "tags": [], "customFields": {}}
        output = one.job("responders", "file_detection", {"dataType": "thehive:alert", "data": alert, "tlp": 2})
        assert output["success"], output
        tags = [operation["tag"] for operation in output["operations"]]
        assert {operation["type"] for operation in output["operations"]} == {"AddTagToAlert"}
        case = {"title": "x", "tags": tags, "customFields": None}
        output = one.job("responders", "approve_plan", {"dataType": "thehive:case", "data": case, "tlp": 2})
        assert output["full"]["data"][0]["result"] == "approved"
        output = one.job("analyzers", "look_up_address", {"dataType": "ip", "data": "10.0.0.1", "tlp": 2})
        assert output["success"] and output["summary"]["taxonomies"][0]["level"] == "info"
        case_id = next(tag for tag in tags if "case_id" in tag).partition("=")[2]
        output = one.job("analyzers", "get_case", {"dataType": "other", "data": case_id, "tlp": 2})
        assert output["summary"]["taxonomies"][0]["value"] == "TRUE_POSITIVE"
        for wish, text in (
            ({"dataType": "ip", "data": "10.0.0.1", "tlp": 3}, "TLP"),
            ({"dataType": "ip", "data": "nonsense", "tlp": 2}, "address"),
            ({"dataType": "ip", "data": {"tags": 7}}, "does not fit this program"),
        ):
            output = one.job("analyzers", "look_up_address", wish)
            assert (
                not output["success"] and text in output["errorMessage"] and running.access().token not in str(output)
            )
