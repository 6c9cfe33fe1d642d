"""Sumo Logic Automation Service: an integration and a YAML file an action, each with a whole program in it."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from playbook.actions import Action, Slot
from playbook.platforms._archives import zip_file
from playbook.platforms._images import png
from playbook.platforms._texts import (
    ABOUT,
    ADDRESS_HELP,
    AUTHORITIES_HELP,
    RESPONSE_HELP,
    TITLE,
    TOKEN_HELP,
    client,
    release,
)
from playbook.platforms._yaml import dump

_KINDS = {"investigate": "Enrichment", "contain": "Containment", "correct": "Containment"}
_TYPES = {"text": "text", "integer": "number", "number": "number", "boolean": "checkbox"}
_VALIDATORS = {"ip": "ipaddress", "port": "port", "url": "url"}
_COLUMNS = 8
_SETTINGS = (
    ("url", "Address", ADDRESS_HELP, "text", True),
    ("token", "Token", TOKEN_HELP, "password", True),
    ("response_token", "Response token", RESPONSE_HELP, "password", False),
    ("authorities", "Authorities", AUTHORITIES_HELP, "textarea", False),
)


def render(catalogue: Sequence[Action]) -> dict[str, str | bytes]:
    """The integration's definition and its actions."""
    files = {f"{TITLE}/{action.name.capitalize()}.yaml": dump(_action(action)) for action in catalogue}
    return {f"{TITLE}/{TITLE}.yaml": dump(_integration()), "README.md": _README, **files}


def build(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The integration's folder as one zip, its files to be uploaded one by one."""
    return {f"botnet_playbook-sumo_automation-{release()}.zip": zip_file(files)}


def _integration() -> dict[str, Any]:
    attributes = {
        name: {"label": label, "type": kind, "required": required, "hint": text}
        for name, label, text, kind, required in _SETTINGS
    }
    return {
        "name": TITLE,
        "version": release().rpartition(".")[0],
        "icon": "data:image/png;base64," + base64.b64encode(png(100, 100)).decode(),
        "script": {"type": "python", "test_connection_code": client(()) + _CONNECTION},
        "docker_repo_tag": "python3_generic:latest",
        "local_repo": False,
        "configuration": {
            "testable_connection": True,
            "require_proxy_config": False,
            "data_attributes": attributes,
            "listing_attributes": {"url": {"name": "Address"}},
        },
    }


def _action(action: Action) -> dict[str, Any]:
    clash = {slot.name for slot in action.inputs} & {name for name, *_ in _SETTINGS}
    if clash:
        # Both arrive as environment variables under their own names.
        raise ValueError(f"{action.identifier}: an input has the name of a setting: {', '.join(clash)}")
    return {
        "integration": TITLE,
        "name": action.name.capitalize(),
        "type": _KINDS.get(action.kind, "Custom"),
        "script": {"code": client((action,)) + _PROGRAM.replace("@IDENTIFIER@", action.identifier)},
        "fields": [_field(slot) for slot in action.inputs],
        "output": [
            {"path": "message", "type": "string"},
            {"path": "complete", "type": "string"},
            *({"path": f"data.[].{slot.name}", "type": "string"} for slot in action.outputs),
        ],
        "table_view": [
            {"display_name": slot.name.replace("_", " ").capitalize(), "value": f"data.[].{slot.name}"}
            for slot in action.outputs[:_COLUMNS]
        ],
    }


def _field(slot: Slot) -> dict[str, Any]:
    field: dict[str, Any] = {
        "id": slot.name,
        "label": slot.name.replace("_", " ").capitalize(),
        "type": "list" if slot.choices else _TYPES[slot.type],
        "required": slot.required,
        "hint": slot.description,
    }
    validator = next((_VALIDATORS[one] for one in slot.contains if one in _VALIDATORS), "")
    if validator and not slot.choices:
        field["validator"] = validator
    if slot.choices:
        field["values"] = {one: one for one in slot.choices}
    if slot.default not in (None, "", False):
        field["default"] = slot.default
    return field


_README = f"""# {TITLE} for Sumo Logic's Automation Service

{ABOUT}. Made from the catalogue of actions by `botnet-playbook manifests write sumo_automation`; do not edit it here.

- Alerts come by a webhook connection to `POST /api/alerts/NAME` of the service; the documentation of alerts has the
  payload. Nothing of this folder is needed for that.
- For playbooks, upload `{TITLE}.yaml` as an integration, then each action's file. Every action is a program of its own
  with the standard library alone; changes are verified and released by the service.
- Ask a person (a user choice) between `File detection` and `Approve plan`.
"""
_READ = '''

import os  # noqa: E402
import sys  # noqa: E402


def given(name):
    """A field or setting: it is absent, empty or the text None where nothing was filled in."""
    value = os.environ.get(name, "")
    return "" if value == "None" else value


def service():
    """The service that the integration names."""
    return Playbook(given("url"), given("token"), given("response_token"), given("authorities"))

'''
_CONNECTION = (
    _READ
    + """
try:
    service().check()
except PlaybookFailure as fault:
    print(fault.sentence, file=sys.stderr)
    sys.exit(1)
"""
)
_PROGRAM = (
    _READ
    + """
try:
    action = ACTIONS["@IDENTIFIER@"]
    answer = service().act("@IDENTIFIER@", {name: given(name) for name in action["inputs"]}, action["scope"])
except PlaybookFailure as fault:
    print(fault.sentence, file=sys.stderr)
    sys.exit(1)
print(json.dumps(answer))
if answer["status"] != "success":
    # What is on stderr is the reason that the user sees; the rows stay on stdout.
    print("Incomplete: " + lines(answer), file=sys.stderr)
    sys.exit(1)
"""
)
