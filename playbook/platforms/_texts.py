"""What several packages need of the catalogue: the client's text with a table of the actions, words and types."""

import inspect
import json
import re
from collections.abc import Sequence
from importlib.metadata import version
from pprint import pformat
from typing import Any

from playbook.actions import Action, Slot
from playbook.platforms import _client

NAME, TITLE = "botnet_playbook", "Botnet Playbook"
PUBLISHER = "botnet-playbook"
ABOUT = "Botnet-beaconing detections: evidence, a verdict with its reasons, and a response that people approve"
ADDRESS_HELP = "Address of botnet-playbook serve, such as https://playbook.example:8443; plain http for loopback only"
TOKEN_HELP = "Token with the scopes intake and investigate: it files detections and reads cases"
RESPONSE_HELP = "Token of another account with the scopes approve, contain and investigate: it answers plans"
AUTHORITIES_HELP = "Certificate authorities in PEM, where the system's do not know the service"


def release() -> str:
    """The version that packages carry: N.N.N."""
    match = re.match(r"\d+\.\d+\.\d+", version("botnet-playbook"))
    return match[0] if match else "0.0.0"


def client(catalogue: Sequence[Action]) -> str:
    """The client's text with ``ACTIONS``: identifier -> scope, read_only, changes, inputs by name and type."""
    table = {action.identifier: entry(action) for action in catalogue}
    return f"{inspect.getsource(_client)}\n\nACTIONS: dict[str, Any] = {literal(table)}\n"


def entry(action: Action) -> dict[str, Any]:
    """What a package has to know of an action at run time."""
    return {
        "scope": action.scope,
        "read_only": action.read_only,
        "changes": action.changes,
        "inputs": {slot.name: slot.type for slot in action.inputs},
    }


def literal(value: Any) -> str:
    """A value as Python source, one entry a line, in the order that it has."""
    return pformat(value, width=110, sort_dicts=False)


def document(value: Any) -> str:
    """JSON, which is YAML too and quotes every text safely; ends with a newline."""
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def verbose(action: Action) -> str:
    """The description with how dangerous it is and what it takes."""
    notes = {
        "contain": " Changes the network: it carries out an approved plan and nothing else.",
        "correct": " Takes back only what this playbook set.",
    }
    return f"{action.description}.{notes.get(action.kind, '')} Scope of the token: {action.scope}."


def named(slot: Slot) -> str:
    """A field's name for people: ``plan_id`` -> ``Plan id``."""
    return slot.name.replace("_", " ").capitalize()
