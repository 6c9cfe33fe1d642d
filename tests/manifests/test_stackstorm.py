"""The StackStorm pack: StackStorm's own schemas where they are present, and the sensor's triggers, each case once."""

import json

import jsonschema
import pytest
import yaml

from playbook import platforms
from playbook.actions import catalogue
from tests.players import stackstorm
from tests.players.service import CLOSED, service
from tests.support.public_data import DATA

SCHEMAS = DATA / "schemas" / "stackstorm"
FILES = platforms.render("stackstorm", catalogue())
ACTIONS = {
    path: yaml.safe_load(text) for path, text in FILES.items() if path.startswith("actions/") and path.endswith("yaml")
}


# No package registry has the schemas.
@pytest.mark.real_data
@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="StackStorm's schemas are not on this machine")
def test_stackstorms_own_schemas_accept_the_pack():
    checkers = {
        name: jsonschema.Draft3Validator(json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8")))
        for name in ("pack", "action", "sensor")
    }
    faults = [str(one) for one in checkers["pack"].iter_errors(yaml.safe_load(FILES["pack.yaml"]))]
    faults += [f"{path}: {one}" for path, action in ACTIONS.items() for one in checkers["action"].iter_errors(action)]
    faults += [str(one) for one in checkers["sensor"].iter_errors(yaml.safe_load(FILES["sensors/cases.yaml"]))]
    assert faults == []
    assert [*checkers["action"].iter_errors({**next(iter(ACTIONS.values())), "nonsense": 1})]


def test_every_action_has_its_parameters_and_secrets_are_secret():
    assert {one["name"] for one in ACTIONS.values()} == {one.identifier for one in catalogue()}
    for action in catalogue():
        parameters = ACTIONS[f"actions/{action.identifier}.yaml"]["parameters"]
        assert parameters.keys() == {"identifier", *(slot.name for slot in action.inputs)}
        assert parameters["identifier"]["immutable"] and parameters["identifier"]["default"] == action.identifier
    config = yaml.safe_load(FILES["config.schema.yaml"])
    assert {name for name, one in config.items() if one.get("secret")} == {"token", "response_token"}


@pytest.mark.loopback
def test_the_sensor_sends_each_case_once_and_logs_why_it_cannot(tmp_path, monkeypatch):
    (name, content), *_ = platforms.build("stackstorm", catalogue()).items()
    (tmp_path / name).write_bytes(content)
    with service(tmp_path, monkeypatch) as running:
        case_id = running.waiting_plan("ws-31")["case_id"]
        one = stackstorm.install(tmp_path, tmp_path, running.access())
        (trigger, payload), *more = one.poll()["dispatched"]
        assert (trigger, payload["case_id"], more) == ("botnet_playbook.case", case_id, [])
        assert one.poll()["dispatched"] == []
        one.config["url"] = CLOSED
        out = one.poll()
        assert out["dispatched"] == [] and "cannot be reached" in out["errors"][0]
