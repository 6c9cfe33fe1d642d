"""CACAO 2.0: read strictly, and run by a small engine against the service, from the case to its release."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from playbook.actions import catalogue
from playbook.cases import exports
from playbook.cases.exports import CaseExport
from playbook.cases.exports.cacao import story
from tests.playbook.alerts.scene import bot, carried_out, scene, with_crowdsec
from tests.support import cacao_engine
from tests.support.builders import a_case
from tests.support.case_store import fresh_record
from tests.support.export_fixtures import a_row, an_export, of_disposition
from tests.support.public_data import DATA

Object = dict[str, Any]


def rendered(export: CaseExport) -> str:
    return exports.render("cacao", export)


def without_a_plan() -> CaseExport:
    case = a_case(of_disposition("UNDETERMINED"), by_hand=("Contain 10.20.0.31 by hand: no step passes.",))
    return CaseExport(case=case, row=a_row(case))


@pytest.mark.parametrize(
    "text", [rendered(an_export()), rendered(without_a_plan()), json.dumps(story())], ids=["case", "no plan", "story"]
)
def test_it_is_read_strictly_and_calls_actions_with_their_own_inputs(text: str) -> None:
    playbook = cacao_engine.read(text)
    actions = {one.identifier: one for one in catalogue()}
    for step in playbook.workflow.values():
        for command in getattr(step, "commands", ()):
            if isinstance(command, cacao_engine.HttpCommand):
                action = actions[command.command.split()[1].removeprefix("/api/actions/")]
                inputs = json.loads(command.content)
                names = {slot.name for slot in action.inputs}
                assert set(inputs) <= names and {one.name for one in action.inputs if one.required} <= set(inputs)


def test_the_same_case_is_the_same_bytes_and_holds_no_secret() -> None:
    assert rendered(an_export()) == rendered(an_export())
    whole = json.loads(rendered(an_export()))
    assert whole["playbook_variables"]["__api_token__"] == {"type": "string", "external": True}
    assert whole["playbook_variables"]["__digest__"]["value"] == "ab" * 32
    assert whole["playbook_variables"]["__source_1__"] == {
        "type": "ipv4-addr",
        "external": False,
        "value": "10.20.0.31",
        "constant": True,
    }


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://soc.example.org/cases/C-1", {"address": {"url": ["https://soc.example.org"]}}),
        ("http://127.0.0.1:8080/cases/C-1", {"address": {"ipv4": ["127.0.0.1"]}, "port": "8080"}),
        ("", {"address": {"url": ["https://playbook.example.com"]}}),
    ],
)
def test_the_service_is_where_the_page_is(url: str, address: Object) -> None:
    agents = json.loads(rendered(an_export(url=url)))["agent_definitions"]
    (service,) = [one for one in agents.values() if one["type"] == "http-api"]
    assert {key: service[key] for key in address} == address


def broken(change: str) -> str:
    whole = json.loads(rendered(an_export()))
    steps = whole["workflow"]
    action = next(name for name, step in steps.items() if step["type"] == "action")
    if change == "dangling":
        steps[action]["on_completion"] = "end--00000000-0000-4000-8000-000000000000"
    elif change == "circle":
        steps[action]["on_completion"] = action
    elif change == "unknown key":
        steps[action]["wait"] = 1
    elif change == "no agent":
        steps[action]["agent"] = "http-api--00000000-0000-4000-8000-000000000000"
    else:
        del whole["playbook_variables"]["__plan_id__"]
    return json.dumps(whole)


# The published schema takes no top-level domain of more than six letters.
_PAGE = "https://soc.example.org/cases/C-0123456789ab"
_SCHEMAS = DATA / "schemas" / "cacao"


@pytest.mark.real_data
@pytest.mark.skipif(not _SCHEMAS.is_dir(), reason="the published CACAO schemas are not here")
@pytest.mark.parametrize("text", [rendered(an_export(url=_PAGE)), rendered(without_a_plan()), json.dumps(story())])
def test_the_published_schema_takes_it_and_each_command(text: str) -> None:
    def local(uri: str) -> Resource[Object]:
        return Resource.from_contents(json.loads(Path(uri.removeprefix("file://")).read_text()))

    def faults(value: Object, file: str) -> list[str]:
        schema = {"$schema": "http://json-schema.org/draft-07/schema#", "$ref": (_SCHEMAS / file).as_uri()}
        registry: Registry[Object] = Registry(retrieve=local)  # type: ignore[call-arg]
        return [one.message for one in Draft7Validator(schema, registry=registry).iter_errors(value)]

    whole = json.loads(text)
    assert faults(whole, "playbook.json") == []
    commands = [one for step in whole["workflow"].values() for one in step.get("commands", ())]
    assert [fault for one in commands for fault in faults(one, f"commands/{one['type']}.json")] == []
    assert faults(whole | {"workflow_start": "start--1"}, "playbook.json")


@pytest.mark.parametrize("change", ["dangling", "circle", "unknown key", "no agent", "variable"])
def test_the_reader_refuses_what_the_published_schema_lets_through(change: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        cacao_engine.read(broken(change))


class Responder:
    """Answers a playbook's questions, and keeps what was asked."""

    def __init__(self, **answers: str) -> None:
        self.asked: list[str] = []
        self._answers = {f"__{name}__": value for name, value in answers.items()}

    def __call__(self, question: str, fills: tuple[str, ...]) -> Object:
        self.asked.append(question)
        return {name: self._answers[name] for name in fills}


@pytest.mark.loopback
@pytest.mark.parametrize("approved", ["true", "false"])
def test_an_engine_takes_a_case_from_the_question_to_the_release(
    approved: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        with_crowdsec(monkeypatch) as (lapi, tables),
        scene(f"sqlite:///{fresh_record(tmp_path / 'state.db')}", containments=tables) as s,
    ):
        sender, soar = s.token("siem", "intake", "investigate"), s.token("soar", "approve", "contain", "investigate")
        case_id = s.act("file_detection", bot(source="sample"), sender).json()["data"][0]["case_id"]
        text = s.web.client.get(f"/api/cases/{case_id}", params={"format": "cacao"}, headers=soar).text
        calls: list[tuple[str, Object]] = []

        def post(path: str, inputs: Object) -> None:
            answer = s.web.client.post(path, json=inputs, headers=soar)
            assert answer.status_code == 200, answer.text
            calls.append((path.rpartition("/")[2], answer.json()["data"][0]))
            if calls[-1][0] == "approve_plan":
                assert carried_out(s.works(), s.web.request.request_id) == ["done"]
                assert len(lapi.active("198.51.100.23")) == 1

        person = Responder(approved=approved, release=approved, approved_by="carol")
        ran = cacao_engine.run(cacao_engine.read(text), post, person)
        assert "TRUE_POSITIVE" in person.asked[0] and "Block an address: 198.51.100.23" in person.asked[0]
        names = [name for name, _ in calls]
        if approved == "true":
            assert names == ["get_case", "approve_plan", "get_case", "release_address", "get_case"]
            assert calls[2][1]["in_force"] == 1
        else:
            assert names == ["get_case", "deny_plan", "get_case", "get_case"]
            assert (calls[-1][1]["plan_state"], lapi.active("198.51.100.23")) == ("denied", [])
        assert ran[0] == "Read the case" and ran[-1] == "Read what became of it"


def test_the_story_files_a_detection_and_stops_at_a_denial(tmp_path: Path) -> None:
    with scene(f"sqlite:///{fresh_record(tmp_path / 'state.db')}") as s:
        sender, soar = s.token("siem", "intake", "investigate"), s.token("soar", "approve", "investigate")
        filed: Object = {}

        def post(path: str, inputs: Object) -> None:
            headers = sender if path.endswith("file_detection") else soar
            answer = s.web.client.post(path, json=inputs, headers=headers)
            assert answer.status_code == 200, answer.text
            filed.update(answer.json()["data"][0])

        def person(_: str, fills: tuple[str, ...]) -> Object:
            return {name: str(filed.get(name.strip("_"), "false")) for name in fills}

        given = {"__alert__": json.dumps(bot(source="sample")), "__sender__": ""}
        ran = cacao_engine.run(cacao_engine.read(json.dumps(story())), post, person, given)
        assert ran[:3] == ["File the detection", "Ask a person", "Deny the plan"] and filed["plan_state"] == "denied"
