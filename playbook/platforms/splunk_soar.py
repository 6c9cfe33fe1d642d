"""Splunk SOAR: the app's JSON, a connector that runs ``act``, two logos and a page on how to package it."""

import json
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import requires, version
from typing import Any

from playbook.actions import Action, DataType, Slot

_PACKAGE = "botnet_playbook"
_APPID = "5d1f7f0e-3c2b-5b0e-9a64-2f4b8f6a1c77"
_ON_THE_PLATFORM = {"requests"}
_TABLE_COLUMNS = 8
_TYPES: dict[DataType, str] = {"text": "string", "integer": "numeric", "number": "numeric", "boolean": "boolean"}
_NOTES = {
    "contain": "Changes the network: give this asset approvers, and only an approved plan is carried out.",
    "correct": "Takes back only what this playbook set.",
}


def render(catalogue: Sequence[Action]) -> dict[str, str]:
    """The app's files by path. The JSON holds to Splunk's app schema and naming rules."""
    inputs = {action.identifier: [slot.name for slot in action.inputs] for action in catalogue}
    return {
        f"{_PACKAGE}.json": json.dumps(_app(catalogue), indent=4, ensure_ascii=True) + "\n",
        f"{_PACKAGE}_connector.py": _CONNECTOR.replace("@INPUTS@", _literal(inputs)),
        "__init__.py": "",
        "logo.svg": _logo("#16324f"),
        "logo_dark.svg": _logo("#f2f5f9"),
        "README.md": _README,
    }


def _app(catalogue: Sequence[Action]) -> dict[str, Any]:
    release = version("botnet-playbook")
    return {
        "appid": _APPID,
        "name": "Botnet Playbook",
        "description": "Botnet-beaconing detections: evidence, a verdict with its reasons, and a response that "
        "people approve",
        "type": "network security",
        "publisher": "botnet-playbook",
        "package_name": f"phantom_{_PACKAGE}",
        "product_vendor": "botnet-playbook",
        "product_name": "Botnet Playbook",
        "product_version_regex": ".*",
        "license": "Apache-2.0",
        "app_version": release,
        "python_version": "3.13",
        "min_phantom_version": "7.0.0",
        "fips_compliant": False,
        "main_module": f"{_PACKAGE}_connector.py",
        "logo": "logo.svg",
        "logo_dark": "logo_dark.svg",
        "pip313_dependencies": {
            "wheel": [{"module": _PACKAGE, "input_file": f"wheels/shared/{_PACKAGE}-{release}-py3-none-any.whl"}],
            "pypi": [{"module": name} for name in _dependencies()],
        },
        "configuration": {
            "config_file": {
                "description": "Path of playbook.toml on the SOAR host (default: only the built-in tables)",
                "data_type": "string",
                "required": False,
                "order": 0,
            },
            "secrets": {
                "description": "JSON object of environment variables that playbook.toml names, such as "
                '{"SUMO_ACCESS_ID": "...", "SUMO_ACCESS_KEY": "..."}',
                "data_type": "password",
                "required": False,
                "order": 1,
            },
        },
        "actions": [_action(action) for action in catalogue],
    }


def _dependencies() -> list[str]:
    """The core distributions by name that the platform does not bring along."""
    core = (text for text in requires("botnet-playbook") or () if "extra ==" not in text)
    names = {match[0].lower() for text in core if (match := re.match(r"[A-Za-z0-9._-]+", text))}
    return sorted(names - _ON_THE_PLATFORM)


def _action(action: Action) -> dict[str, Any]:
    found: dict[str, Any] = {
        "action": action.name,
        "identifier": action.identifier,
        "description": action.description,
        "verbose": f"{action.description}. {_NOTES.get(action.kind, '')}".strip(),
        "type": action.kind,
        "read_only": action.read_only,
        "versions": "EQ(*)",
        "parameters": {slot.name: _parameter(slot, order) for order, slot in enumerate(action.inputs)},
        "output": [*_result(), *_repeated(action.inputs), *_columns(action.outputs), *_summary()],
    }
    if action.kind != "test":
        found["render"] = {"type": "table", "title": action.name.capitalize(), "width": 12}
    if not action.read_only:
        found["lock"] = {"enabled": True}
    return found


def _parameter(slot: Slot, order: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": slot.description,
        "data_type": _TYPES[slot.type],
        "required": slot.required,
        "order": order,
        "primary": slot.primary,
    }
    if slot.contains:
        found["contains"] = list(slot.contains)
    if slot.default not in (None, ""):
        found["default"] = slot.default
    if slot.choices:
        found["value_list"] = list(slot.choices)
    return found


def _result() -> Iterable[dict[str, Any]]:
    yield {"data_path": "action_result.status", "data_type": "string", "example_values": ["success", "failed"]}
    yield {"data_path": "action_result.message", "data_type": "string"}


def _repeated(slots: Iterable[Slot]) -> Iterable[dict[str, Any]]:
    for slot in slots:
        yield _path("action_result.parameter", slot)


def _columns(slots: Iterable[Slot]) -> Iterable[dict[str, Any]]:
    for order, slot in enumerate(slots):
        shown = order < _TABLE_COLUMNS
        named = {"column_name": slot.name.replace("_", " ").title(), "column_order": order} if shown else {}
        yield _path("action_result.data.*", slot) | named


def _summary() -> Iterable[dict[str, Any]]:
    yield {"data_path": "action_result.summary.complete", "data_type": "boolean", "example_values": [True, False]}
    yield {"data_path": "action_result.summary.rows", "data_type": "numeric", "example_values": [1]}
    yield {"data_path": "summary.total_objects", "data_type": "numeric", "example_values": [1]}
    yield {"data_path": "summary.total_objects_successful", "data_type": "numeric", "example_values": [1]}


def _path(where: str, slot: Slot) -> dict[str, Any]:
    found: dict[str, Any] = {"data_path": f"{where}.{slot.name}", "data_type": _TYPES[slot.type]}
    if slot.contains:
        found["contains"] = list(slot.contains)
    if slot.type == "boolean":
        found["example_values"] = [True, False]
    elif slot.example is not None:
        found["example_values"] = [slot.example]
    return found


def _literal(inputs: dict[str, list[str]]) -> str:
    rows = (
        f'    "{name}": (\n' + "".join(f'        "{field}",\n' for field in fields) + "    ),\n"
        if fields
        else f'    "{name}": (),\n'
        for name, fields in inputs.items()
    )
    return "{\n" + "".join(rows) + "}"


def _logo(colour: str) -> str:
    """A mast that beats, in one colour."""
    arcs = "".join(f'<path d="M{50 - r} {46 + r // 3}a{r} {r} 0 0 1 {2 * r} 0"/>' for r in (14, 26, 38))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100" viewBox="0 0 100 100">'
        f'<g fill="none" stroke="{colour}" stroke-width="5" stroke-linecap="round">{arcs}'
        f'<path d="M50 56V88M36 88h28"/></g><circle cx="50" cy="54" r="5" fill="{colour}"/></svg>\n'
    )


_README = """# Botnet Playbook for Splunk SOAR

Made from the catalogue of actions by `botnet-playbook manifests write splunk_soar`; do not edit it here.

- Package: put the wheel of botnet-playbook into `wheels/shared/`, add the wheels of `pip313_dependencies.pypi`, and
  pack this folder as a tar file. Actions that read log files need the extra `logs` as well.
- Asset: `config_file` names a playbook.toml on the SOAR host; `secrets` holds the environment variables it names.
- Approval: `read_only` is the switch. Give the asset approvers, and every action of kind contain or correct, and
  whatever else writes, waits for them; what only reads runs at once. Besides that, a contain or correct action takes
  the identity and the digest of one approved plan and does nothing without them.
- An incomplete answer is a failed result whose rows are kept: an empty answer never stands for an unasked question.
"""

_CONNECTOR = '''"""Botnet Playbook for Splunk SOAR: each action is one run of ``act``. Made, not written."""

import json
import os
import subprocess
import sys

import phantom.app as phantom
from phantom.action_result import ActionResult
from phantom.base_connector import BaseConnector

TIMEOUT_SECONDS = 900
# What each action takes; the platform adds parameters of its own, which are left out.
INPUTS = @INPUTS@


class BotnetPlaybookConnector(BaseConnector):
    """Hands an action to the playbook and its answer to the platform."""

    def handle_action(self, param):
        """Run the action that the platform asks for; an answer that is not complete is a failed result with rows."""
        identifier = self.get_action_identifier()
        result = self.add_action_result(ActionResult(dict(param)))
        given = {name: param[name] for name in INPUTS[identifier] if name in param}
        answer = act(identifier, given, self.get_config())
        for row in answer["data"]:
            result.add_data(row)
        result.update_summary({"rows": len(answer["data"]), "complete": answer["complete"]})
        message = "\\n".join([answer["message"], *answer["warnings"]])
        self.save_progress(message)
        good = answer["status"] == "success"
        return result.set_status(phantom.APP_SUCCESS if good else phantom.APP_ERROR, message)


def act(identifier, given, asset):
    """The answer of one action, a failure included; secrets reach the playbook as environment variables only."""
    command = [sys.executable, "-m", "playbook", "act", identifier, "--input", "-", "--json"]
    if asset.get("config_file"):
        command += ["--config", asset["config_file"]]
    try:
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)), **secrets_of(asset))
        done = subprocess.run(
            command, input=json.dumps(given), capture_output=True, text=True, timeout=TIMEOUT_SECONDS,
            env=environment, check=False,
        )
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return failed("no answer within {} seconds".format(TIMEOUT_SECONDS))
    except (OSError, ValueError) as fault:
        return failed("the playbook gave no answer: {}".format(fault))


def secrets_of(asset):
    """The environment variables of the asset; ValueError, without any value in it, when they are no flat object."""
    if not asset.get("secrets"):
        return {}
    try:
        found = json.loads(asset["secrets"])
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError("secrets: expected a JSON object of names and texts")
    return {name: value for name, value in found.items() if name != "PYTHONPATH"}


def failed(message):
    """The shape of an answer, saying why there is none."""
    return {"status": "failed", "message": message, "complete": False, "warnings": [], "data": []}
'''
