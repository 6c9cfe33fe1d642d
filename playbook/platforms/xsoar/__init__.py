"""Cortex XSOAR: a pack with an integration that fetches incidents, a classifier, a mapper and a playbook that asks."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from playbook.actions import Action
from playbook.platforms._archives import zip_file
from playbook.platforms._images import png
from playbook.platforms._texts import ABOUT, PUBLISHER, TITLE, client, document, release, verbose
from playbook.platforms._yaml import dump
from playbook.platforms.xsoar._code import HEAD, TAIL
from playbook.platforms.xsoar._content import PLAYBOOK, classifier, incident_type, mapper, playbook
from playbook.platforms.xsoar._integration import CATEGORY, FROM, ID, command_of, integration

PACK = "BotnetBeaconingResponse"
_NAME = "Botnet Beaconing Response"
_INTEGRATION = f"Integrations/{ID}/{ID}"
_PLAYBOOK = f"Playbooks/playbook-{PLAYBOOK.replace(' - ', '_-_').replace(' ', '_')}"
_TYPE = "IncidentTypes/incidenttype-Botnet_Beaconing.json"
_CLASSIFIER = f"Classifiers/classifier-{ID}.json"
_MAPPER = f"Classifiers/classifier-mapper-incoming-{ID}.json"


def render(catalogue: Sequence[Action]) -> dict[str, str | bytes]:
    """The pack's sources as they lie in a content repository, under ``Packs/``."""
    files: dict[str, str | bytes] = {
        "pack_metadata.json": document(_metadata()),
        "README.md": _README,
        ".pack-ignore": "",
        ".secrets-ignore": "",
        f"{_INTEGRATION}.yml": dump(integration(catalogue, "-")),
        f"{_INTEGRATION}.py": _program(catalogue),
        f"{_INTEGRATION}_description.md": _HELP,
        f"{_INTEGRATION}_image.png": png(120, 50),
        f"Integrations/{ID}/README.md": _page(catalogue),
        f"{_PLAYBOOK}.yml": dump(playbook()),
        f"{_PLAYBOOK}_README.md": f"{playbook()['description']}\n",
        _TYPE: document(incident_type()),
        _CLASSIFIER: document(classifier()),
        _MAPPER: document(mapper()),
    }
    files[f"ReleaseNotes/{release().replace('.', '_')}.md"] = _notes()
    return {f"Packs/{PACK}/{path}": text for path, text in files.items()}


def build(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The zip that XSOAR's "Upload pack" takes: the integration whole in one YAML file, the rest beside it."""
    pack = {path.removeprefix(f"Packs/{PACK}/"): content for path, content in files.items()}
    whole = integration_from(pack)
    content = {
        "metadata.json": document(_metadata() | {"id": PACK, "serverMinVersion": FROM, "legacy": True}).encode(),
        "pack_metadata.json": pack["pack_metadata.json"],
        "README.md": pack["README.md"],
        f"Integrations/integration-{ID}.yml": whole,
        f"{_PLAYBOOK}.yml": pack[f"{_PLAYBOOK}.yml"],
        _TYPE: pack[_TYPE],
        _CLASSIFIER: pack[_CLASSIFIER],
        _MAPPER: pack[_MAPPER],
    }
    content |= {path: text for path, text in pack.items() if path.startswith("ReleaseNotes/")}
    return {f"{PACK}.zip": zip_file(content)}


def integration_from(pack: Mapping[str, bytes]) -> bytes:
    """The integration's YAML with its program, image and help put in."""
    # The server puts its own modules in front of the program and knows no import of them.
    program = pack[f"{_INTEGRATION}.py"].decode().removeprefix(HEAD)
    text = pack[f"{_INTEGRATION}.yml"].decode()
    lines = dump({"script": {"script": program}}).split("\n", 1)[1]
    image = base64.b64encode(pack[f"{_INTEGRATION}_image.png"]).decode()
    more = {
        "image": f"data:image/png;base64,{image}",
        "detaileddescription": pack[f"{_INTEGRATION}_description.md"].decode(),
    }
    return (text.replace('  script: "-"\n', lines) + dump(more)).encode()


def _program(catalogue: Sequence[Action]) -> str:
    return HEAD + client(catalogue) + TAIL


def _metadata() -> dict[str, Any]:
    return {
        "name": _NAME,
        "description": f"{ABOUT}.",
        "support": "community",
        "currentVersion": release(),
        "author": PUBLISHER,
        "url": "",
        "email": "",
        "created": "2026-12-01T00:00:00Z",
        "categories": [CATEGORY],
        "tags": [],
        "useCases": [],
        "keywords": ["botnet", "beaconing", "command and control", "T1584.005", "T1071", "T1571"],
        "marketplaces": ["xsoar", "marketplacev2"],
    }


def _notes() -> str:
    return (
        f"\n#### Integrations\n\n##### {_NAME}\n\n- The commands follow the actions of {PUBLISHER} {release()}.\n"
        "- *Containment commands carry out an approved plan and nothing else.*\n"
    )


def _page(catalogue: Sequence[Action]) -> str:
    parts = [f"{ABOUT}.\n\n## Commands\n"]
    for action in catalogue:
        rows = "".join(
            f"| {slot.name} | {slot.description}. | {'Required' if slot.required else 'Optional'} |\n"
            for slot in action.inputs
        )
        table = f"| **Argument Name** | **Description** | **Required** |\n| --- | --- | --- |\n{rows}" if rows else ""
        parts.append(f"### {command_of(action)}\n\n{verbose(action)}\n" + (f"\n{table}" if table else ""))
    return "\n".join(parts)


_HELP = f"""## {TITLE}

1. Start `botnet-playbook serve` where this server or its engine can reach it.
2. Make two accounts. One files and reads: `accounts token NAME --scope intake --scope investigate --platform`.
   The other answers plans: `accounts token OTHER --scope approve --scope contain --scope investigate --platform`.
3. Put the first into **Token**, the second into **Response token**. Without the second nothing can be contained.
"""

_README = f"""{ABOUT}.

This pack files detections with a running {PUBLISHER} service, fetches its cases as incidents, and lets a person approve
exactly one plan. Containment has a time to live, is verified, and is released by the service.
"""
