"""StackStorm: a pack with an action each, and a sensor that sends a trigger for every new case."""

from collections.abc import Mapping, Sequence
from typing import Any

from playbook.actions import Action, Slot
from playbook.platforms._archives import tar_gz
from playbook.platforms._texts import (
    ABOUT,
    ADDRESS_HELP,
    AUTHORITIES_HELP,
    NAME,
    PUBLISHER,
    RESPONSE_HELP,
    TOKEN_HELP,
    client,
    release,
    verbose,
)
from playbook.platforms._yaml import dump

_TYPES = {"text": "string", "integer": "integer", "number": "number", "boolean": "boolean"}


def render(catalogue: Sequence[Action]) -> dict[str, str | bytes]:
    """The pack's files."""
    actions = {f"actions/{action.identifier}.yaml": dump(_action(action)) for action in catalogue}
    return {
        "pack.yaml": dump(_PACK | {"version": release()}),
        "config.schema.yaml": dump(_CONFIG),
        f"{NAME}.yaml.example": _EXAMPLE,
        "requirements.txt": "",
        "README.md": _README,
        "actions/playbook_action.py": _PROGRAM,
        "actions/lib/botnet_playbook_client.py": client(catalogue),
        "sensors/cases.yaml": dump(_SENSOR),
        "sensors/cases.py": _SENSOR_PROGRAM,
        "sensors/botnet_playbook_client.py": client(catalogue),
        **actions,
    }


def build(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The pack as one archive, to be unpacked in /opt/stackstorm/packs or put into a repository."""
    return {f"{NAME}-{release()}.tar.gz": tar_gz(files, NAME)}


def _action(action: Action) -> dict[str, Any]:
    fixed = {"type": "string", "description": "Action of the service.", "default": action.identifier}
    return {
        "name": action.identifier,
        "pack": NAME,
        "runner_type": "python-script",
        "entry_point": "playbook_action.py",
        "enabled": True,
        "description": verbose(action),
        "tags": [{"name": "kind", "value": action.kind}, {"name": "changes", "value": str(action.changes).lower()}],
        "parameters": {
            "identifier": {**fixed, "immutable": True},
            **{slot.name: _parameter(slot, place) for place, slot in enumerate(action.inputs)},
        },
    }


def _parameter(slot: Slot, place: int) -> dict[str, Any]:
    parameter: dict[str, Any] = {
        "type": _TYPES[slot.type],
        "description": f"{slot.description}.",
        "required": slot.required,
        "position": place,
    }
    if slot.choices:
        # A text that may be left out may be empty, too.
        parameter["enum"] = [*slot.choices] if slot.required else ["", *slot.choices]
    if slot.default not in (None, ""):
        parameter["default"] = slot.default
    return parameter


_PACK: dict[str, Any] = {
    "ref": NAME,
    "name": NAME,
    "description": f"{ABOUT}.",
    "keywords": ["botnet", "beaconing", "SOAR", "containment"],
    "version": "",
    "python_versions": ["3"],
    "author": PUBLISHER,
    "email": "nobody@example.invalid",
    "contributors": [],
}
_CONFIG: dict[str, Any] = {
    "url": {"type": "string", "description": f"{ADDRESS_HELP}.", "required": True},
    "token": {"type": "string", "description": f"{TOKEN_HELP}.", "secret": True, "required": True},
    "response_token": {"type": "string", "description": f"{RESPONSE_HELP}.", "secret": True, "required": False},
    "authorities": {"type": "string", "description": f"{AUTHORITIES_HELP}.", "required": False},
    "first_poll_days": {
        "type": "integer",
        "description": "Days that the sensor looks back when it first starts.",
        "required": False,
        "default": 3,
    },
}
_EXAMPLE = """---
url: "https://playbook.example"
token: "{{ st2kv.system.botnet_playbook_token | decrypt_kv }}"
response_token: "{{ st2kv.system.botnet_playbook_response_token | decrypt_kv }}"
"""
_SENSOR: dict[str, Any] = {
    "class_name": "CasesSensor",
    "entry_point": "cases.py",
    "description": "Sends a trigger for each new case of botnet-playbook, once.",
    "poll_interval": 60,
    "trigger_types": [
        {
            "name": "case",
            "pack": NAME,
            "description": "A case that a person has to look at, or whose plan waits.",
            "payload_schema": {
                "type": "object",
                "properties": {
                    "case_id": {"type": "string"},
                    "host": {"type": "string"},
                    "status": {"type": "string"},
                    "disposition": {"type": "string"},
                },
            },
        }
    ],
}
_README = f"""# {NAME}

{ABOUT}. Made from the catalogue of actions by `botnet-playbook manifests write stackstorm`; do not edit it here.

Unpack the archive in `/opt/stackstorm/packs`, then `st2 run packs.setup_virtualenv packs={NAME}`,
`st2ctl reload --register-all`, and fill `/opt/stackstorm/configs/{NAME}.yaml` (see `{NAME}.yaml.example`).
Ask a person between `file_detection` and `approve_plan`, with `core.ask` in a workflow.
"""
_PROGRAM = '''"""Every action of the pack: one request to the service. Made, not written."""

from botnet_playbook_client import ACTIONS, Playbook, PlaybookFailure, lines
from st2common.runners.base_action import Action


class PlaybookAction(Action):
    """Succeeds with the answer, rows under ``data``; fails with the sentence that says why."""

    def run(self, identifier, **given):
        """One action; parameters that were not given are None or empty."""
        try:
            playbook = Playbook(
                self.config.get("url") or "",
                self.config.get("token") or "",
                self.config.get("response_token") or "",
                self.config.get("authorities") or "",
            )
            answer = playbook.act(identifier, given, ACTIONS[identifier]["scope"])
        except PlaybookFailure as fault:
            return False, {"error": fault.sentence, "data": []}
        if answer["status"] != "success":
            return False, {**answer, "error": lines(answer)}
        return True, answer
'''
_SENSOR_PROGRAM = '''"""A trigger for each new case, once. Made, not written."""

import json
import os
import sys
from datetime import datetime, timedelta, timezone

from st2reactor.sensor.base import PollingSensor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from botnet_playbook_client import Playbook, PlaybookFailure  # noqa: E402


class CasesSensor(PollingSensor):
    """Keeps its cursor in the datastore, and moves it once the triggers are sent."""

    def setup(self):
        """Nothing: each poll connects by itself."""

    def poll(self):
        """One poll; a failure is logged and the next poll goes on where this one began."""
        logger = self.sensor_service.get_logger(__name__)
        config = self.config or {}
        try:
            playbook = Playbook(config.get("url") or "", config.get("token") or "", "", config.get("authorities") or "")
            state = json.loads(self.sensor_service.get_value("cursor") or "{}")
            start = datetime.now(timezone.utc) - timedelta(days=int(config.get("first_poll_days") or 3))
            cases, state = playbook.new_cases(state, start.isoformat(), 200)
        except PlaybookFailure as fault:
            logger.error(fault.sentence)
            return
        for case in cases:
            payload = {name: case[name] for name in ("case_id", "host", "status", "disposition")}
            self.sensor_service.dispatch(trigger="botnet_playbook.case", payload=payload, trace_tag=case["case_id"])
        self.sensor_service.set_value("cursor", json.dumps(state))

    def cleanup(self):
        """Nothing is open."""

    def add_trigger(self, trigger):
        """Nothing depends on a trigger."""

    def update_trigger(self, trigger):
        """Nothing depends on a trigger."""

    def remove_trigger(self, trigger):
        """Nothing depends on a trigger."""
'''
