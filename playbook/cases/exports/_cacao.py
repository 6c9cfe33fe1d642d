"""A CACAO 2.0 playbook from a list of steps: identities, links between them, and the parts that every playbook has.

Steps are told in the order in which they run; ``if_true`` branches off and comes back. Secrets are variables, never
text: ``__api_token__`` is filled by who runs the playbook.
"""

import json
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

TIMEOUT_MS = 60_000
PERSON_MS = 8 * 3_600_000
PLACEHOLDER = "https://playbook.example.com"
Object = dict[str, Any]


class Call(NamedTuple):
    """One action of the API with its inputs; ``__name__:value`` in a value is filled when the step runs."""

    name: str
    action: str
    inputs: Mapping[str, Any]
    activity: str


class Ask(NamedTuple):
    """What a person is asked, and the variables that the answer fills."""

    name: str
    question: str
    fills: tuple[str, ...]


class Branch(NamedTuple):
    """Two ways by a variable that is ``true`` or not; both come back."""

    name: str
    variable: str
    if_true: tuple[Call, ...]
    if_false: tuple[Call, ...] = ()


Step = Call | Ask | Branch


class Frame(NamedTuple):
    """What a playbook says of itself beside its steps."""

    about: str
    name: str
    description: str
    created: str
    modified: str
    variables: Mapping[str, Object]
    severity: int
    base: str = PLACEHOLDER
    case_url: str = ""


def document(frame: Frame, steps: Sequence[Step]) -> Object:
    """The whole playbook."""
    service, people, login = (_id(kind, frame, kind) for kind in ("http-api", "group", "oauth2"))
    links = _Links(frame, service, people)
    start, end = _id("start", frame, "start"), _id("end", frame, "end")
    first = links.chain(steps, end, "")
    workflow = {start: {"type": "start", "on_completion": first}} | links.made | {end: {"type": "end"}}
    return {
        "type": "playbook",
        "spec_version": "cacao-2.0",
        "id": _id("playbook", frame, ""),
        "name": frame.name,
        "description": frame.description,
        "playbook_types": ["investigation", "mitigation", "remediation"],
        "playbook_activities": ["analyze-collected-data", "restrict-access", "revert-system"],
        "playbook_processing_summary": {"manual_playbook": True, "if_logic": True},
        "created_by": f"identity--{uuid5(NAMESPACE_URL, 'botnet-playbook/cacao/identity')}",
        "created": frame.created,
        "modified": frame.modified,
        "severity": frame.severity,
        "impact": 40,
        "labels": ["botnet", "beaconing"],
        "external_references": _references(frame),
        "playbook_variables": dict(frame.variables) | _TOKEN,
        "workflow_start": start,
        "workflow": workflow,
        "authentication_info_definitions": {
            login: {"type": "oauth2", "oauth_header": "Bearer", "token": "__api_token__:value"}
        },
        "agent_definitions": {
            service: _service(frame.base) | {"authentication_info": login},
            people: {"type": "group", "name": "Responders"},
        },
    }


class _Links:
    """Steps with the identities of what follows them; ``made`` grows from the last to the first."""

    def __init__(self, frame: Frame, service: str, people: str) -> None:
        self.made: dict[str, Object] = {}
        self._frame, self._service, self._people = frame, service, people

    def chain(self, steps: Sequence[Step], end: str, path: str) -> str:
        """The identity of the first of these steps, or ``end`` where there is none."""
        following = end
        for number, step in reversed(list(enumerate(steps))):
            following = self._one(step, following, f"{path}/{number} {step.name}")
        return following

    def _one(self, step: Step, following: str, path: str) -> str:
        if isinstance(step, Branch):
            return self._branch(step, following, path)
        command = _question(step) if isinstance(step, Ask) else _call(step)
        made: Object = {"type": "action", "name": step.name, "commands": [command]}
        if isinstance(step, Ask):
            made |= {"agent": self._people, "timeout": PERSON_MS, "out_args": list(step.fills)}
        else:
            made |= {"agent": self._service, "timeout": TIMEOUT_MS}
        identity = _id("action", self._frame, path)
        self.made = {identity: made | {"on_completion": following}} | self.made
        return identity

    def _branch(self, step: Branch, following: str, path: str) -> str:
        identity = _id("if-condition", self._frame, path)
        ends = {way: _id("end", self._frame, f"{path} {way}") for way in ("true", "false")}
        made: Object = {
            "type": "if-condition",
            "name": step.name,
            "condition": f"{step.variable}:value = true",
            "on_true": self.chain(step.if_true, ends["true"], f"{path} true"),
        }
        if step.if_false:
            made["on_false"] = self.chain(step.if_false, ends["false"], f"{path} false")
        used = ends.values() if step.if_false else (ends["true"],)
        closing = {one: {"type": "end"} for one in used}
        self.made = {identity: made | {"on_completion": following}} | closing | self.made
        return identity


def variable(kind: str, value: str | None, external: bool = False) -> Object:
    """A variable of the playbook; one without a value is filled by a step, or by who runs it when ``external``."""
    known: Object = {} if value is None else {"value": value, "constant": True}
    return {"type": kind, "external": external} | known


_TOKEN = {"__api_token__": {"type": "string", "external": True}}


def _call(step: Call) -> Object:
    return {
        "type": "http-api",
        "command": f"POST /api/actions/{step.action} HTTP/1.1",
        "headers": {"Content-Type": ["application/json"]},
        "content": json.dumps(dict(step.inputs)),
        "playbook_activity": step.activity,
    }


def _question(step: Ask) -> Object:
    return {"type": "manual", "command": step.question, "playbook_activity": "analyze-collected-data"}


def _service(base: str) -> Object:
    """Where the API is: a literal IPv4 address with its port, or a URL."""
    parts = urlsplit(base)
    try:
        literal = isinstance(ip_address(parts.hostname or ""), IPv4Address)
    except ValueError:
        literal = False
    if not literal:
        return {"type": "http-api", "name": "botnet-playbook", "address": {"url": [base]}}
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"type": "http-api", "name": "botnet-playbook", "address": {"ipv4": [parts.hostname]}, "port": str(port)}


def _references(frame: Frame) -> list[Object]:
    known = [
        {
            "name": f"ATT&CK {technique}",
            "source": "mitre-attack",
            "external_id": technique,
            "url": f"https://attack.mitre.org/techniques/{technique.replace('.', '/')}/",
        }
        for technique in ("T1071", "T1571", "T1584.005")
    ]
    return [*known, *([{"name": "The case", "url": frame.case_url}] if frame.case_url else [])]


def _id(kind: str, frame: Frame, path: str) -> str:
    return f"{kind}--{uuid5(NAMESPACE_URL, f'botnet-playbook/cacao/{frame.about}/{kind}/{path}')}"
