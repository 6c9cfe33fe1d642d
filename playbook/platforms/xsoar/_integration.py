"""The integration's YAML: the instance's settings, and a command an action with its arguments and context paths."""

from collections.abc import Sequence
from typing import Any

from playbook.actions import Action, DataType, Slot
from playbook.platforms._texts import ADDRESS_HELP, AUTHORITIES_HELP, RESPONSE_HELP, TOKEN_HELP, verbose

ID, TITLE = "BotnetPlaybook", "Botnet Beaconing Response"
CATEGORY, FROM = "Network Security", "6.10.0"
IMAGE = "demisto/python3:3.12.8.3296088"
TYPE = "Botnet Beaconing"
_CONTEXT: dict[DataType, str] = {"text": "String", "integer": "Number", "number": "Number", "boolean": "Boolean"}
_TEXT, _BOX, _SECRET, _TYPE, _LONG = 0, 8, 9, 13, 12


def integration(catalogue: Sequence[Action], script: str) -> dict[str, Any]:
    """The whole file; ``script`` is "-" beside a program in a file of its own, else the program."""
    return {
        "category": CATEGORY,
        "commonfields": {"id": ID, "version": -1},
        "configuration": [*_connection(), *_collection()],
        "description": "Files botnet-beaconing detections with botnet-playbook, reads their cases and carries out "
        "what people approved.",
        "display": TITLE,
        "name": ID,
        "sectionorder": ["Connect", "Collect"],
        "script": {
            "commands": [_command(action) for action in catalogue],
            "dockerimage": IMAGE,
            "isfetch": True,
            "runonce": False,
            "script": script,
            "subtype": "python3",
            "type": "python",
        },
        "fromversion": FROM,
        "tests": ["No tests"],
    }


def command_of(action: Action) -> str:
    """``look_up_address`` -> ``botnet-look-up-address``."""
    return f"botnet-{action.identifier.replace('_', '-')}"


def context_of(action: Action) -> str:
    """``look_up_address`` -> ``BotnetPlaybook.LookUpAddress``."""
    return f"{ID}." + "".join(part.capitalize() for part in action.identifier.split("_"))


def _connection() -> list[dict[str, Any]]:
    return [
        {"display": "Server URL", "name": "url", "type": _TEXT, "required": True, "section": "Connect"}
        | {"additionalinfo": f"{ADDRESS_HELP}."},
        {"display": "", "displaypassword": "Token", "name": "credentials", "type": _SECRET, "required": True}
        | {"hiddenusername": True, "section": "Connect", "additionalinfo": f"{TOKEN_HELP}."},
        {"display": "", "displaypassword": "Response token", "name": "response_credentials", "type": _SECRET}
        | {"required": False, "hiddenusername": True, "section": "Connect", "additionalinfo": f"{RESPONSE_HELP}."},
        {"display": "Certificate authorities", "name": "authorities", "type": _LONG, "required": False}
        | {"section": "Connect", "advanced": True, "additionalinfo": f"{AUTHORITIES_HELP}."},
        {"display": "Timeout in seconds", "name": "timeout", "type": _TEXT, "required": False, "defaultvalue": "60"}
        | {"section": "Connect", "advanced": True, "additionalinfo": "How long one call may take."},
    ]


def _collection() -> list[dict[str, Any]]:
    return [
        {"display": "Fetch incidents", "name": "isFetch", "type": _BOX, "required": False, "section": "Collect"},
        {"display": "Incident type", "name": "incidentType", "type": _TYPE, "required": False, "section": "Collect"},
        {"display": "First fetch timestamp (<number> <time unit>, e.g., 12 hours, 7 days)", "name": "first_fetch"}
        | {"type": _TEXT, "required": False, "defaultvalue": "3 days", "section": "Collect"},
        {"display": "Maximum incidents to fetch", "name": "max_fetch", "type": _TEXT, "required": False}
        | {"defaultvalue": "50", "section": "Collect"},
    ]


def _command(action: Action) -> dict[str, Any]:
    command = {
        "name": command_of(action),
        "description": verbose(action),
        "arguments": [_argument(slot) for slot in action.inputs],
        "outputs": [_output(action, slot) for slot in action.outputs],
    }
    return command | ({"execution": True} if action.changes else {})


def _argument(slot: Slot) -> dict[str, Any]:
    argument: dict[str, Any] = {
        "name": slot.name,
        "description": f"{slot.description}.",
        "required": slot.required,
    }
    choices = slot.choices or (("true", "false") if slot.type == "boolean" else ())
    if choices:
        argument |= {"auto": "PREDEFINED", "predefined": list(choices)}
    if slot.default not in (None, ""):
        argument["defaultValue"] = str(slot.default).lower() if slot.type == "boolean" else str(slot.default)
    return argument


def _output(action: Action, slot: Slot) -> dict[str, Any]:
    return {
        "contextPath": f"{context_of(action)}.{slot.name}",
        "description": f"{slot.description}.",
        "type": _CONTEXT[slot.type],
    }
