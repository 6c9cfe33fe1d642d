"""Shuffle: an app with a method an action; its parameters are texts, its answer a JSON text with ``success``."""

from collections.abc import Mapping, Sequence
from typing import Any

from playbook.actions import Action, Slot
from playbook.platforms._archives import zip_file
from playbook.platforms._images import png
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
    release,
    verbose,
)
from playbook.platforms._yaml import dump

_SETTINGS = (
    ("url", ADDRESS_HELP, "https://playbook.example", True),
    ("token", TOKEN_HELP, "bpt_...", True),
    ("response_token", RESPONSE_HELP, "bpt_...", False),
    ("authorities", AUTHORITIES_HELP, "-----BEGIN CERTIFICATE-----", False),
)


def render(catalogue: Sequence[Action]) -> dict[str, str | bytes]:
    """The app's folder for one version."""
    files: dict[str, str | bytes] = {
        "api.yaml": dump(_app(catalogue)),
        "requirements.txt": "shuffle_sdk==0.0.41\n",
        "Dockerfile": _DOCKERFILE,
        "README.md": _README,
        "icon.png": png(100, 100),
        "src/app.py": _PROGRAM.replace("@METHODS@", "\n".join(map(_method, catalogue))),
        "src/botnet_playbook_client.py": client(catalogue),
    }
    return {f"{NAME}/{release()}/{path}": text for path, text in files.items()}


def build(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The app's folder as one zip, to be unpacked among the apps that Shuffle loads."""
    return {f"{NAME}-shuffle-{release()}.zip": zip_file(files)}


def _app(catalogue: Sequence[Action]) -> dict[str, Any]:
    return {
        "app_version": release(),
        "name": TITLE,
        "description": f"{ABOUT}.",
        "contact_info": {"name": PUBLISHER, "url": "https://example.invalid", "email": "nobody@example.invalid"},
        "tags": ["botnet", "response"],
        "categories": ["Network"],
        "authentication": {
            "required": True,
            "parameters": [
                {"name": name, "description": f"{text}.", "example": example, "multiline": name == "authorities"}
                | {"required": required, "schema": {"type": "string"}}
                for name, text, example, required in _SETTINGS
            ],
        },
        "actions": [_action(action) for action in catalogue],
    }


def _action(action: Action) -> dict[str, Any]:
    return {
        "name": action.identifier,
        "description": verbose(action),
        "parameters": [_parameter(slot) for slot in action.inputs],
        "returns": {"schema": {"type": "string"}},
    }


def _parameter(slot: Slot) -> dict[str, Any]:
    parameter: dict[str, Any] = {
        "name": slot.name,
        "description": f"{slot.description}.",
        "required": slot.required,
        "multiline": slot.name in ("alert", "comment", "reason"),
        "example": "" if slot.example is None else str(slot.example),
        "schema": {"type": "string"},
    }
    choices = slot.choices or (("true", "false") if slot.type == "boolean" else ())
    if choices:
        parameter["options"] = [*choices] if slot.required else ["", *choices]
    return parameter


def _method(action: Action) -> str:
    """A method whose arguments are exactly the settings and the action's inputs."""
    ordered = sorted(action.inputs, key=lambda slot: not slot.required)
    names = [slot.name if slot.required else f'{slot.name}=""' for slot in ordered]
    needed = [name for name, *_, required in _SETTINGS if required]
    optional = [f'{name}=""' for name, *_, required in _SETTINGS if not required]
    required = [name for name in names if "=" not in name]
    arguments = ", ".join(["self", *needed, *required, *optional, *(name for name in names if "=" in name)])
    given = ", ".join(f'"{slot.name}": {slot.name}' for slot in action.inputs)
    return (
        f"    def {action.identifier}({arguments}):\n"
        f'        """{action.description}."""\n'
        "        access = (url, token, response_token, authorities)\n"
        f'        return carried_out(access, "{action.identifier}", {{{given}}})\n'
    )


_DOCKERFILE = f"""FROM frikky/shuffle:app_sdk as base
FROM base as builder
RUN mkdir /install
WORKDIR /install
COPY requirements.txt /requirements.txt
RUN pip install --no-cache-dir --prefix=/install -r /requirements.txt
FROM base
COPY --from=builder /install /usr/local
COPY src /app
WORKDIR /app
LABEL org.opencontainers.image.title="{PUBLISHER}"
CMD ["python", "app.py"]
"""
_README = f"""# {TITLE} for Shuffle

{ABOUT}. Made from the catalogue of actions by `botnet-playbook manifests write shuffle`; do not edit it here.

Every action answers a JSON text: `success`, `message`, `status` and `data`, the rows. With `success` false, `reason`
says why. Ask a person (a User Input trigger) between `file_detection` and `approve_plan`.
"""
_PROGRAM = '''"""Botnet Playbook for Shuffle: a method an action. Made, not written."""

import json

from botnet_playbook_client import ACTIONS, Playbook, PlaybookFailure, lines
from shuffle_sdk import AppBase


def carried_out(access, identifier, given):
    """The answer as a JSON text; a failure says why under ``reason``."""
    try:
        answer = Playbook(*access).act(identifier, given, ACTIONS[identifier]["scope"])
    except PlaybookFailure as fault:
        return json.dumps({"success": False, "reason": fault.sentence, "data": []})
    good = answer["status"] == "success"
    return json.dumps({**answer, "success": good, **({} if good else {"reason": lines(answer)})})


class BotnetPlaybook(AppBase):
    """The app as Shuffle's worker runs it."""

    __version__ = "@VERSION@"
    app_name = "Botnet Playbook"

@METHODS@

if __name__ == "__main__":
    BotnetPlaybook.run()
'''.replace("@VERSION@", release())
