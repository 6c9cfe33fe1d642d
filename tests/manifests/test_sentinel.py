"""Sentinel's templates: a strict model of their parts, secrets that stay hidden, and the incident's playbook walked."""

import json
import re
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from playbook import platforms
from playbook.actions import catalogue
from tests.playbook.alerts.scene import bot
from tests.players import Access, sentinel
from tests.players.service import CLOSED, service

FILES = {p: json.loads(text) for p, text in platforms.render("sentinel", catalogue()).items() if p.endswith(".json")}
TARGET = "198.51.100.23"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Action(Strict):
    type: Literal["Http", "Response", "If", "Until", "Wait", "ApiConnection", "ApiConnectionWebhook"]
    kind: Literal["Http"] | None = None
    inputs: dict[str, Any] | None = None
    expression: Any = None
    limit: dict[str, Any] | None = None
    actions: "dict[str, Action] | None" = None
    otherwise: "dict[Literal['actions'], dict[str, Action]] | None" = Field(default=None, alias="else")
    runAfter: dict[str, list[Literal["Succeeded", "Failed", "TimedOut", "Skipped"]]]
    runtimeConfiguration: dict[str, Any] | None = None


class Definition(Strict):
    schema_: str = Field(alias="$schema", pattern="workflowdefinition.json#$")
    contentVersion: Literal["1.0.0.0"]
    parameters: dict[str, dict[Literal["type", "defaultValue"], Any]]
    triggers: dict[str, dict[Literal["type", "kind", "inputs"], Any]] = Field(min_length=1, max_length=1)
    actions: dict[str, Action]
    outputs: dict[str, Any]


class Properties(Strict):
    state: Literal["Enabled"]
    definition: Definition
    parameters: dict[str, dict[Literal["value"], Any]]


class Resource(Strict):
    type: Literal["Microsoft.Logic/workflows"]
    apiVersion: Literal["2019-05-01"]
    name: str
    location: str
    identity: dict[Literal["type"], Literal["SystemAssigned"]]
    tags: dict[str, str]
    properties: Properties


class Template(Strict):
    schema_: str = Field(alias="$schema", pattern="deploymentTemplate.json#$")
    contentVersion: str = Field(pattern=r"^\d+\.\d+\.\d+\.\d+$")
    metadata: dict[str, Any]
    parameters: dict[str, dict[Literal["type", "defaultValue", "metadata"], Any]]
    resources: list[Resource] = Field(min_length=1, max_length=1)


def every(actions: dict[str, Action]):
    for name, one in actions.items():
        yield name, one
        yield from every(one.actions or {})
        yield from every((one.otherwise or {}).get("actions", {}))


@pytest.mark.parametrize("path", FILES)
def test_a_template_has_its_parts_and_hides_its_tokens(path):
    template = Template.model_validate(FILES[path])
    definition = template.resources[0].properties.definition
    for name, one in template.parameters.items():
        assert (one["type"] == "securestring") == name.endswith("token")
    for name, one in definition.parameters.items():
        assert (one["type"] == "SecureString") == name.endswith("token")
    actions = dict(every(definition.actions))
    for one in actions.values():
        if one.type == "Http":
            assert one.runtimeConfiguration == {"secureData": {"properties": ["inputs"]}}
        assert one.runAfter.keys() <= actions.keys()
    assert set(re.findall(r"parameters\('([$\w]+)'\)", json.dumps(FILES[path]))) <= {
        *definition.parameters,
        *template.parameters,
    }


def test_an_actions_template_names_one_token_by_its_scope():
    for action in catalogue():
        token = "response_token" if action.scope in ("approve", "contain") else "token"
        assert {one for one in FILES[f"{action.identifier}.json"]["parameters"] if "token" in one} == {token}


@pytest.fixture
def running(tmp_path, monkeypatch):
    with service(tmp_path, monkeypatch) as one:
        yield one


def incident(tmp_path, access, chosen, running=None):
    ((name, content),) = platforms.build("sentinel", catalogue()).items()
    (tmp_path / name).write_bytes(content)
    details = {key: [str(value)] for key, value in bot().items()}
    alert = {"properties": {"additionalData": {"Custom Details": json.dumps(details)}}}
    body = {"object": {"id": "/incidents/1", "properties": {"title": "x", "alerts": [alert]}}}
    run = sentinel.install(tmp_path, tmp_path, access).deployed("incident_to_containment", body, chosen)
    run.waits = [running.worked] if running else []
    run.start()
    return run


@pytest.mark.loopback
@pytest.mark.parametrize(("chosen", "comment", "active"), [("Approve", "in force", 1), ("Deny", "was denied", 0)])
def test_an_incident_goes_to_its_containment_by_way_of_a_person(running, tmp_path, chosen, comment, active):
    run = incident(tmp_path, running.access(), chosen, running)
    (question,) = run.questions
    assert f"block_address {TARGET} 14400 waiting" in question["Body"] and question["To"] == "soc@example"
    assert comment in run.comments[-1] and len(running.lapi.active(TARGET)) == active


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("change", "text"), [({"token": "bpt_wrong"}, "the token is unknown"), ({"address": CLOSED}, "cannot be reached")]
)
def test_what_is_in_the_way_is_a_comment_of_the_incident(running, tmp_path, change, text):
    run = incident(tmp_path, running.access(**change), "Approve")
    assert run.questions == [] and len(run.comments) == 1
    assert text in run.comments[0] and "bpt_wrong" not in run.comments[0]
    assert isinstance(running.access(), Access)
