"""The SecOps integration: a file pair and an example an action, and the sentences of its Ping."""

import json

import pytest
import yaml

from playbook import platforms
from playbook.actions import catalogue
from tests.players import Access, secops
from tests.players.service import CLOSED, service

FILES = {path.split("/", 1)[1]: text for path, text in platforms.render("secops", catalogue()).items()}


def test_every_action_has_its_script_its_description_and_an_example():
    for action in catalogue():
        name = "".join(part.capitalize() for part in action.identifier.split("_"))
        described = yaml.safe_load(FILES[f"actions/{name}.yaml"])
        assert described["integration_identifier"] == "BotnetPlaybook" and f"actions/{name}.py" in FILES
        (result,) = described["dynamic_results_metadata"]
        (row,) = json.loads(FILES[result["result_example_path"]])
        assert list(row) == [slot.name for slot in action.outputs]
        assert [one["is_mandatory"] for one in described["parameters"]] == [slot.required for slot in action.inputs]
    definition = yaml.safe_load(FILES["definition.yaml"])
    assert json.loads(FILES["tests/config.json"]).keys() == {one["name"] for one in definition["parameters"]}
    assert {one["name"] for one in definition["parameters"] if one["type"] == "password"} == {"Token", "Response Token"}


@pytest.mark.loopback
def test_ping_says_whether_the_service_answers(tmp_path, monkeypatch):
    ((name, content),) = platforms.build("secops", catalogue()).items()
    (tmp_path / name).write_bytes(content)
    with service(tmp_path, monkeypatch) as running:
        reply = secops.install(tmp_path, tmp_path, running.access()).run("Ping", {})
        assert reply.ok and reply.text.startswith("Successfully connected to the")
    one = secops.install(tmp_path, tmp_path, Access(CLOSED, "t", ""))
    one.configuration["Verify SSL"] = "false"
    assert "Certificates are always checked" in one.run("Ping", {}).text
    one.configuration["Verify SSL"] = "true"
    reply = one.run("Ping", {})
    assert not reply.ok and reply.text.startswith("Failed to connect to the") and "cannot be reached" in reply.text
