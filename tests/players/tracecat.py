"""Tracecat: the templates as its executor runs them: inputs checked, expressions evaluated, requests made.

An HTTP status of 400 or above is an error that shows the status and the body, as is a service that is down.
"""

import json
import re
import tarfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from tests.players import Access, Reply

# The service's own words: no program of ours stands between it and the user.
TOKEN_TEXT, DOWN_TEXT = "the token is unknown", "Connection refused"
_EXPRESSION = re.compile(r"\$\{\{ ([\w.]+) \}\}")
_TYPES = {"str": str, "int": int, "float": (int, float), "bool": bool, "None": type(None)}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Argument(Strict):
    type: str
    description: str
    default: Any = None


class Secret(Strict):
    name: str
    keys: list[str]


class Step(Strict):
    ref: str = Field(pattern=r"^[a-z0-9_]+$")
    action: Literal["core.http_request"]
    args: dict[str, Any]


class Definition(Strict):
    title: str
    description: str
    display_group: str
    doc_url: str
    namespace: str = Field(pattern=r"^tools\.")
    name: str
    secrets: list[Secret]
    expects: dict[str, Argument]
    steps: list[Step] = Field(min_length=1)
    returns: Any


class Template(Strict):
    """The model that accepted every template of a public snapshot of Tracecat."""

    type: Literal["action"]
    definition: Definition


class Tracecat:
    """A workspace with the templates and both secrets."""

    def __init__(self, archive: Path, folder: Path, access: Access) -> None:
        with tarfile.open(archive) as pack:
            pack.extractall(folder, filter="data")
        files = sorted((folder / "botnet_playbook" / "templates").rglob("*.yml"))
        self.templates = {one.stem: Template.model_validate(yaml.safe_load(one.read_text("utf-8"))) for one in files}
        self._secrets = {
            name: {"BOTNET_PLAYBOOK_URL": access.address, "BOTNET_PLAYBOOK_TOKEN": token}
            for name, token in (("botnet_playbook", access.token), ("botnet_playbook_response", access.response_token))
        }

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """An action of a workflow."""
        definition = self.templates[identifier].definition
        assert given.keys() <= definition.expects.keys()
        inputs = {name: given.get(name, one.default) for name, one in definition.expects.items()}
        for name, one in definition.expects.items():
            assert isinstance(inputs[name], tuple(_TYPES[part] for part in one.type.split(" | "))), name
        declared = {one.name: {key: self._secrets[one.name][key] for key in one.keys} for one in definition.secrets}
        scope: dict[str, Any] = {"inputs": inputs, "SECRETS": declared, "steps": {}}
        for step in definition.steps:
            try:
                scope["steps"][step.ref] = {"result": requested(**evaluated(step.args, scope))}
            except urllib.error.HTTPError as fault:
                with fault:
                    return Reply(False, (), f"HTTP {fault.code}: {fault.read().decode()}")
            except OSError as fault:
                return Reply(False, (), str(fault))
        answer = evaluated(definition.returns, scope)
        return Reply(answer["status"] == "success", tuple(answer["data"]), answer["message"])


def evaluated(value: Any, scope: dict[str, Any]) -> Any:
    """The value with its expressions put in; one that is all of a text keeps its type."""
    if isinstance(value, dict):
        return {key: evaluated(one, scope) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    whole = _EXPRESSION.fullmatch(value)
    return looked_up(whole[1], scope) if whole else _EXPRESSION.sub(lambda m: str(looked_up(m[1], scope)), value)


def looked_up(path: str, scope: Any) -> Any:
    for part in path.split("."):
        scope = scope[part]
    return scope


def requested(url: str, method: str, headers: dict[str, str], payload: Any, follow_redirects: bool) -> dict[str, Any]:
    """core.http_request."""
    assert not follow_redirects
    request = urllib.request.Request(url, json.dumps(payload).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return {"status_code": answer.status, "data": json.load(answer)}


def install(built: Path, folder: Path, access: Access) -> Tracecat:
    """The templates that were built."""
    (archive,) = built.glob("*.tar.gz")
    return Tracecat(archive, folder, access)
