"""Microsoft Sentinel: a template deployed by a strict model of its parts, its workflow run by a small interpreter.

The interpreter knows what the templates use of the workflow definition language: expressions of functions, paths with
``?`` and texts with ``@{}``; actions Http, Response, If, Until, Wait and calls of API connections; ``runAfter``.
"""

import json
import re
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.players import Access, Reply

TOKEN_TEXT = "the token is unknown"
_TOKEN = re.compile(r"\s*(?:'(?P<text>(?:[^']|'')*)'|(?P<number>\d+)|(?P<name>[\w$]+)|(?P<sign>[()\[\],?]))")
_DONE = {"Succeeded", "Failed", "TimedOut", "Skipped"}


class Run:
    """One run of a workflow: the outputs of its actions, and what its connections were asked for."""

    def __init__(self, definition: dict[str, Any], values: dict[str, Any], body: Any, chosen: str = "") -> None:
        self.values, self.body, self.chosen = values, body, chosen
        self.outputs: dict[str, Any] = {}
        self.status: dict[str, str] = {}
        self.comments: list[str] = []
        self.questions: list[dict[str, Any]] = []
        self.waits: list[Callable[[], Any]] = []
        self.response: dict[str, Any] | None = None
        self.definition = definition

    def start(self) -> None:
        """Carry out all actions."""
        self.carry_out(self.definition["actions"])

    def carry_out(self, actions: dict[str, Any]) -> bool:
        """Every action whose predecessors ended as it wants; whether none failed that nothing handles."""
        left = dict(actions)
        while left:
            ready = [n for n, one in left.items() if all(self.status.get(b) in _DONE for b in one.get("runAfter", {}))]
            assert ready, f"these wait for each other: {sorted(left)}"
            for name in ready:
                action = left.pop(name)
                fits = all(self.status[before] in states for before, states in action.get("runAfter", {}).items())
                self.status[name] = self.one(name, action) if fits else "Skipped"
        handled = {b for one in actions.values() for b, states in one.get("runAfter", {}).items() if "Failed" in states}
        return all(self.status[name] != "Failed" or name in handled for name in actions)

    def one(self, name: str, action: dict[str, Any]) -> str:
        """Carry out one action; its status."""
        if action["type"] == "If":
            left, right = (self.value(one) for one in action["expression"]["equals"])
            branch = action["actions"] if left == right else action["else"]["actions"]
            return "Succeeded" if self.carry_out(branch) else "Failed"
        if action["type"] == "Until":
            for _ in range(action["limit"]["count"]):
                for inner in action["actions"]:
                    self.status.pop(inner, None)
                self.carry_out(action["actions"])
                if self.value(action["expression"]) is True:
                    return "Succeeded"
            return "Failed"
        if action["type"] == "Wait":
            for wait in self.waits:
                wait()
            return "Succeeded"
        return self.call(name, action["type"], self.value(action["inputs"]))

    def call(self, name: str, kind: str, inputs: dict[str, Any]) -> str:
        if kind == "Response":
            self.response = inputs
        elif kind == "Http":
            assert inputs["retryPolicy"] == {"type": "none"}
            self.outputs[name] = requested(inputs)
            return "Succeeded" if self.outputs[name].get("statusCode", 599) < 300 else "Failed"
        elif kind == "ApiConnectionWebhook":
            self.questions.append(inputs["body"]["Message"])
            self.outputs[name] = {"body": {"SelectedOption": self.chosen}}
        else:
            assert inputs["host"]["connection"]["name"] and inputs["path"] == "/Incidents/Comment"
            self.comments.append(inputs["body"]["message"])
        return "Succeeded"

    def value(self, value: Any) -> Any:
        """The value with its expressions evaluated."""
        if isinstance(value, dict):
            return {key: self.value(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if not isinstance(value, str):
            return value
        if value.startswith("@") and not value.startswith("@{"):
            return self.evaluated(value[1:])
        return re.sub(r"@\{((?:[^}'']|'[^']*')*)\}", lambda m: text_of(self.evaluated(m[1])), value)

    def evaluated(self, expression: str) -> Any:
        tokens = [match for match in _TOKEN.finditer(expression) if match[0].strip()]
        assert "".join(match[0] for match in tokens) == expression, expression
        result, end = self.term(tokens, 0)
        assert end == len(tokens), expression
        return result

    def term(self, tokens: list[re.Match[str]], at: int) -> tuple[Any, int]:
        token = tokens[at]
        if token["text"] is not None:
            return token["text"].replace("''", "'"), at + 1
        if token["number"]:
            return int(token["number"]), at + 1
        assert tokens[at + 1]["sign"] == "("
        given, at = [], at + 2
        while tokens[at]["sign"] != ")":
            one, at = self.term(tokens, at)
            given.append(one)
            at += tokens[at]["sign"] == ","
        result, at = self.function(token["name"], given), at + 1
        while at < len(tokens) and tokens[at]["sign"] in ("?", "["):
            lenient = tokens[at]["sign"] == "?"
            key, end = self.term(tokens, at + 1 + lenient)
            assert tokens[end]["sign"] == "]" and (lenient or result is not None)
            result, at = None if result is None else result.get(key) if lenient else result[key], end + 1
        return result, at

    def function(self, name: str, given: list[Any]) -> Any:
        functions: dict[str, Callable[..., Any]] = {
            "parameters": lambda key: self.values[key],
            "listCallbackUrl": lambda: "https://callback.example",
            "triggerBody": lambda: self.body,
            "outputs": lambda key: self.outputs.get(key),
            "body": lambda key: (self.outputs.get(key) or {}).get("body"),
            "first": lambda some: some[0] if some else None,
            "coalesce": lambda *some: next((one for one in some if one is not None), None),
            "greater": lambda one, other: one > other,
            "string": lambda one: one if isinstance(one, str) else json.dumps(one),
        }
        return functions[name](*given)


def text_of(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def requested(inputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs of an Http action; none where nothing answers."""
    body = json.dumps(inputs["body"]).encode()
    request = urllib.request.Request(inputs["uri"], body, inputs["headers"], method=inputs["method"])
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return {"statusCode": answer.status, "body": json.load(answer)}
    except urllib.error.HTTPError as fault:
        with fault:
            return {"statusCode": fault.code, "body": json.load(fault)}
    except OSError:
        return {}


class Sentinel:
    """A resource group with the templates deployed."""

    def __init__(self, archive: Path, folder: Path, access: Access) -> None:
        with zipfile.ZipFile(archive) as pack:
            pack.extractall(folder)
        self._folder = folder
        self._given = {"url": access.address, "token": access.token, "response_token": access.response_token}
        self._given |= {"sender": "", "approvers": "soc@example"}

    def deployed(self, name: str, body: Any, chosen: str = "") -> Run:
        """A run of the workflow that a template makes; its parameters reach it as the template passes them on."""
        template = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
        (resource,) = template["resources"]
        definition, passed = resource["properties"]["definition"], resource["properties"]["parameters"]
        assert passed.keys() == {k for k, one in definition["parameters"].items() if "defaultValue" not in one} | (
            {"$connections"} & passed.keys()
        )
        values = {key: one.get("defaultValue") for key, one in definition["parameters"].items()}
        for key, one in passed.items():
            if key != "$connections":
                assert one == {"value": f"[parameters('{key}')]"} and key in template["parameters"]
                values[key] = self._given[key]
            else:
                values[key] = {name: {"connectionId": name} for name in one["value"]}
        return Run(definition, values, body, chosen)

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """A nested workflow: the request trigger checks the body against its schema."""
        run = self.deployed(identifier, given)
        schema = run.definition["triggers"]["manual"]["inputs"]["schema"]
        assert given.keys() <= schema["properties"].keys() and set(schema["required"]) <= given.keys()
        run.start()
        answer = run.response["body"]
        if run.response["statusCode"] != 200:
            return Reply(False, (), answer["error"])
        return Reply(answer["status"] == "success", tuple(answer["data"]), answer["message"])


def install(built: Path, folder: Path, access: Access) -> Sentinel:
    """The templates that were built."""
    (archive,) = built.glob("*.zip")
    return Sentinel(archive, folder, access)
