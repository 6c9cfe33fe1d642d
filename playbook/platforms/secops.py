"""Google SecOps: a response integration in the layout of the content hub, an action a file."""

from collections.abc import Mapping, Sequence
from typing import Any

from playbook.actions import Action, Slot
from playbook.platforms._archives import zip_file
from playbook.platforms._images import png, svg
from playbook.platforms._texts import (
    ABOUT,
    ADDRESS_HELP,
    AUTHORITIES_HELP,
    NAME,
    PUBLISHER,
    RESPONSE_HELP,
    TITLE,
    TOKEN_HELP,
    client,
    document,
    literal,
    release,
    verbose,
)
from playbook.platforms._yaml import dump

_ID = "BotnetPlaybook"
_DATE = "2026-12-01"
_TYPES = {"text": "string", "integer": "string", "number": "string", "boolean": "boolean"}
_SETTINGS = (
    ("Server Url", "string", ADDRESS_HELP, True),
    ("Token", "password", TOKEN_HELP, True),
    ("Response Token", "password", RESPONSE_HELP, False),
    ("Authorities", "string", AUTHORITIES_HELP, False),
    # The content hub demands it of every integration; false is refused with what to do instead.
    ("Verify SSL", "boolean", "Certificates are always checked; give authorities of your own instead of false", True),
)


def render(catalogue: Sequence[Action]) -> dict[str, str | bytes]:
    """The integration's folder."""
    words = {action.identifier: {slot.name: _worded(slot) for slot in action.inputs} for action in catalogue}
    files: dict[str, str | bytes] = {
        ".python-version": "3.11\n",
        "__init__.py": "",
        "README.md": _README,
        "definition.yaml": dump(_definition()),
        "release_notes.yaml": dump([_note()]),
        "pyproject.toml": _PYPROJECT.format(name=_ID, release=_release(), about=ABOUT),
        "actions/__init__.py": "",
        "actions/Ping.py": _PING,
        "actions/Ping.yaml": dump(_described("Ping", "Test the connection and the token.", [], None)),
        "core/__init__.py": "",
        "core/botnet_playbook_client.py": client(catalogue),
        "core/action.py": _CORE.replace("@WORDS@", literal(words)),
        "resources/image.png": png(100, 100),
        "resources/logo.svg": svg("#16324f"),
        "tests/__init__.py": "",
        "tests/config.json": document({name: kind == "boolean" or "" for name, kind, *_ in _SETTINGS}),
    }
    for action in catalogue:
        name = _named(action)
        example = f"resources/{name}_JsonResult_example.json"
        parameters = [_parameter(slot) for slot in action.inputs]
        files[f"actions/{name}.py"] = _ACTION.replace("@IDENTIFIER@", action.identifier).replace("@NAME@", name)
        files[f"actions/{name}.yaml"] = dump(_described(_titled(action), verbose(action), parameters, example))
        files[example] = document([{slot.name: slot.example for slot in action.outputs}])
    return {f"{NAME}/{path}": text for path, text in files.items()}


def build(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The folder as one zip, for a content repository, where `mp build` makes what the platform imports."""
    return {f"{NAME}-secops-{release()}.zip": zip_file(files)}


def _release() -> str:
    return release().rpartition(".")[0] if not release().startswith("0.") else "1.0"


def _named(action: Action) -> str:
    return "".join(part.capitalize() for part in action.identifier.split("_"))


def _titled(action: Action) -> str:
    return action.name.title()


def _worded(slot: Slot) -> str:
    return slot.name.replace("_", " ").title()


def _definition() -> dict[str, Any]:
    return {
        "identifier": _ID,
        "name": TITLE,
        "description": f"{ABOUT}.",
        "parameters": [
            {"name": name, "default_value": True if kind == "boolean" else "", "type": kind, "description": f"{text}."}
            | {"is_mandatory": required, "integration_identifier": _ID}
            for name, kind, text, required in _SETTINGS
        ],
        "documentation_link": "https://example.invalid/botnet-playbook",
        "categories": ["Network Security"],
        "svg_logo_path": "resources/logo.svg",
        "image_path": "resources/image.png",
    }


def _described(name: str, text: str, parameters: list[dict[str, Any]], example: str | None) -> dict[str, Any]:
    result = {"result_example_path": example, "result_name": "JsonResult", "show_result": True}
    return {
        "name": name,
        "description": text,
        "integration_identifier": _ID,
        "creator": PUBLISHER,
        "default_result_value": "",
        "script_result_name": "is_success",
        "parameters": parameters,
        "dynamic_results_metadata": [result],
    }


def _parameter(slot: Slot) -> dict[str, Any]:
    choices = f" One of: {', '.join(slot.choices)}." if slot.choices else ""
    default = "" if slot.default is None else str(slot.default).lower() if slot.type == "boolean" else str(slot.default)
    return {
        "name": _worded(slot),
        "default_value": default,
        "type": _TYPES[slot.type],
        "description": f"{slot.description}.{choices}",
        "is_mandatory": slot.required,
    }


def _note() -> dict[str, Any]:
    return {
        "description": f"The actions of {PUBLISHER} {release()}.",
        "version": float(_release()),
        "item_name": TITLE,
        "item_type": "Integration",
        "publish_time": _DATE,
        "new": True,
        "ticket_number": "",
    }


_PYPROJECT = """[project]
name = "{name}"
version = "{release}"
description = "{about}."
requires-python = ">=3.11,<3.12"
dependencies = []

[dependency-groups]
dev = [
    "pytest-json-report>=1.5.0",
    "pytest>=8.3.5",
    "soar-sdk",
]

[tool.uv.sources]
soar-sdk = {{ git = "https://github.com/chronicle/soar-sdk.git" }}

[[tool.uv.index]]
url = "https://pypi.org/simple"
default = true
"""
_README = f"""# {TITLE} for Google SecOps

{ABOUT}. Made from the catalogue of actions by `botnet-playbook manifests write secops`; do not edit it here.

Unpack it in a content repository as `content/response_integrations/third_party/community/{NAME}`, run `uv lock` in the
folder (it fetches the vendor's SDK), then `mp validate integration {NAME}` and `mp build`.
"""
_ACTION = '''"""@NAME@. Made, not written."""

from __future__ import annotations

from soar_sdk.SiemplifyUtils import output_handler

from ..core.action import run


@output_handler
def main() -> None:
    """Carry out the action."""
    run("@IDENTIFIER@", "@NAME@")


if __name__ == "__main__":
    main()
'''
_PING = '''"""Test of the connection. Made, not written."""

from __future__ import annotations

from soar_sdk.SiemplifyUtils import output_handler

from ..core.action import ping


@output_handler
def main() -> None:
    """Try the tokens."""
    ping(
        "Successfully connected to the botnet-playbook service with the provided connection parameters!",
        "Failed to connect to the botnet-playbook service! Error is {error}",
    )


if __name__ == "__main__":
    main()
'''
_CORE = '''"""What every action does: one request to the service, its rows as the JSON result. Made, not written."""

from __future__ import annotations

from soar_sdk.ScriptResult import EXECUTION_STATE_COMPLETED, EXECUTION_STATE_FAILED
from soar_sdk.SiemplifyAction import SiemplifyAction

from .botnet_playbook_client import ACTIONS, Playbook, PlaybookFailure, lines

INTEGRATION = "BotnetPlaybook"
WORDS = @WORDS@


def service(siemplify: SiemplifyAction) -> Playbook:
    """The service that the integration's instance names."""
    names = ("Server Url", "Token", "Response Token", "Authorities")
    values = [siemplify.extract_configuration_param(INTEGRATION, param_name=name, default_value="") for name in names]
    checked = siemplify.extract_configuration_param(INTEGRATION, param_name="Verify SSL", default_value="true")
    if str(checked).lower() != "true":
        raise PlaybookFailure("input", "Certificates are always checked: put the authority into Authorities instead.")
    return Playbook(*(value or "" for value in values))


def run(identifier: str, name: str) -> None:
    """Carry out one action; an incomplete answer fails and keeps its rows."""
    siemplify = SiemplifyAction()
    siemplify.script_name = f"{INTEGRATION} - {name}"
    action = ACTIONS[identifier]
    given = {
        slot: siemplify.extract_action_param(param_name=WORDS[identifier][slot], default_value="")
        for slot in action["inputs"]
    }
    try:
        answer = service(siemplify).act(identifier, given, action["scope"])
    except PlaybookFailure as fault:
        siemplify.LOGGER.error(fault.sentence)
        siemplify.end(fault.sentence, False, EXECUTION_STATE_FAILED)
        return
    good = answer["status"] == "success"
    siemplify.result.add_result_json(answer["data"])
    siemplify.end(lines(answer), good, EXECUTION_STATE_COMPLETED if good else EXECUTION_STATE_FAILED)


def ping(good: str, bad: str) -> None:
    """Whether the service answers and accepts the token."""
    siemplify = SiemplifyAction()
    siemplify.script_name = f"{INTEGRATION} - Ping"
    try:
        service(siemplify).check()
    except PlaybookFailure as fault:
        siemplify.end(bad.format(error=fault.sentence), False, EXECUTION_STATE_FAILED)
        return
    siemplify.end(good, True, EXECUTION_STATE_COMPLETED)
'''
