"""A small CACAO engine: reads a playbook strictly, and runs it as SOARCA does, following ``on_completion``."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_NAME = r"__[a-zA-Z_][a-zA-Z0-9_-]{0,199}__"
Post = Callable[[str, dict[str, Any]], Any]
Answer = Callable[[str, tuple[str, ...]], Mapping[str, str]]


class Strict(BaseModel):
    """A model that knows every key."""

    model_config = ConfigDict(extra="forbid", strict=True)


class HttpCommand(Strict):
    type: Literal["http-api"]
    command: str = Field(pattern=r"^(GET|POST) /api/\S+ HTTP/1\.1$")
    headers: dict[str, list[str]]
    content: str
    playbook_activity: str


class ManualCommand(Strict):
    type: Literal["manual"]
    command: str = Field(min_length=20)
    playbook_activity: str


class Action(Strict):
    type: Literal["action"]
    name: str
    commands: list[HttpCommand | ManualCommand] = Field(min_length=1)
    agent: str
    timeout: int = Field(gt=0)
    out_args: list[str] = []
    on_completion: str


class If(Strict):
    type: Literal["if-condition"]
    name: str
    condition: str = Field(pattern=rf"^{_NAME}:value = true$")
    on_true: str
    on_false: str | None = None
    on_completion: str


class Start(Strict):
    type: Literal["start"]
    on_completion: str


class End(Strict):
    type: Literal["end"]


class Variable(Strict):
    type: Literal["bool", "string", "ipv4-addr", "ipv6-addr", "sha256-hash"]
    value: str | None = None
    constant: bool = False
    external: bool = False


class Reference(Strict):
    name: str
    source: str | None = None
    external_id: str | None = None
    url: str | None = None


class Login(Strict):
    type: Literal["oauth2"]
    oauth_header: Literal["Bearer"]
    token: str = Field(pattern=rf"^{_NAME}:value$")


class Agent(Strict):
    type: Literal["http-api", "group"]
    name: str
    address: dict[Literal["url", "ipv4"], list[str]] | None = None
    port: str | None = None
    authentication_info: str | None = None


class Playbook(Strict):
    type: Literal["playbook"]
    spec_version: Literal["cacao-2.0"]
    id: str = Field(pattern=rf"^playbook--{_UUID}$")
    name: str
    description: str
    playbook_types: list[Literal["investigation", "mitigation", "remediation"]]
    playbook_activities: list[Literal["analyze-collected-data", "restrict-access", "revert-system"]]
    playbook_processing_summary: dict[str, bool]
    created_by: str = Field(pattern=rf"^identity--{_UUID}$")
    created: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
    modified: str
    severity: int = Field(ge=0, le=100)
    impact: int = Field(ge=0, le=100)
    labels: list[str]
    external_references: list[Reference]
    playbook_variables: dict[str, Variable]
    workflow_start: str
    workflow: dict[str, Action | If | Start | End]
    authentication_info_definitions: dict[str, Login]
    agent_definitions: dict[str, Agent]


def read(text: str) -> Playbook:
    """The playbook, whose links all lead on, without a circle, to an end; AssertionError says what is wrong."""
    playbook = Playbook.model_validate_json(text)
    for identity, step in playbook.workflow.items():
        assert re.fullmatch(rf"{step.type}--{_UUID}", identity), identity
        for link in _links(step):
            assert link in playbook.workflow, f"{identity} leads to {link}, which is none"
        if isinstance(step, Action):
            assert step.agent in playbook.agent_definitions, f"{identity}: no agent {step.agent}"
            assert set(step.out_args) <= playbook.playbook_variables.keys()
    used = set(re.findall(rf"({_NAME}):value", text))
    assert used <= playbook.playbook_variables.keys(), used - playbook.playbook_variables.keys()
    seen = _reached(playbook, playbook.workflow_start, ())
    assert seen == set(playbook.workflow), f"never reached: {set(playbook.workflow) - seen}"
    for agent in playbook.agent_definitions.values():
        assert agent.authentication_info in (None, *playbook.authentication_info_definitions)
    return playbook


def _links(step: Action | If | Start | End) -> list[str]:
    names = ("on_completion", "on_true", "on_false")
    return [link for name in names if (link := getattr(step, name, None)) is not None]


def _reached(playbook: Playbook, identity: str, before: tuple[str, ...]) -> set[str]:
    assert identity not in before, f"a circle through {identity}"
    links = _links(playbook.workflow[identity])
    assert links or isinstance(playbook.workflow[identity], End), f"{identity} leads nowhere"
    return {identity}.union(*(_reached(playbook, link, (*before, identity)) for link in links))


def run(playbook: Playbook, post: Post, answer: Answer, given: Mapping[str, str] | None = None) -> list[str]:
    """Run it: the names of the steps that ran. ``post`` calls an action, and raises when that fails."""
    values = {name: one.value or "" for name, one in playbook.playbook_variables.items()} | dict(given or {})
    ran: list[str] = []
    _run_from(playbook, playbook.workflow_start, values, post, answer, ran)
    return ran


def _run_from(
    playbook: Playbook, identity: str, values: dict[str, str], post: Post, answer: Answer, ran: list[str]
) -> None:
    step = playbook.workflow[identity]
    while not isinstance(step, End):
        if isinstance(step, Action):
            ran.append(step.name)
            _act(step, values, post, answer)
        elif isinstance(step, If):
            name = step.condition.partition(":")[0]
            branch = step.on_true if values[name] == "true" else step.on_false
            if branch:
                _run_from(playbook, branch, values, post, answer, ran)
        step = playbook.workflow[step.on_completion]


def _act(step: Action, values: dict[str, str], post: Post, answer: Answer) -> None:
    for command in step.commands:
        if isinstance(command, ManualCommand):
            values.update(answer(command.command, tuple(step.out_args)))
            continue
        raw = json.loads(command.content)
        filled = {
            key: re.sub(rf"({_NAME}):value", lambda found: values[found[1]], value) if isinstance(value, str) else value
            for key, value in raw.items()
        }
        post(command.command.split()[1], filled)
