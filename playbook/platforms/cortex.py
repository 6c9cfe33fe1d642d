"""TheHive Cortex: an analyzer an action that reads, a responder every action; the standard library alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from playbook.actions import Action
from playbook.platforms._archives import zip_file
from playbook.platforms._texts import (
    ABOUT,
    ADDRESS_HELP,
    AUTHORITIES_HELP,
    PUBLISHER,
    RESPONSE_HELP,
    TOKEN_HELP,
    client,
    document,
    literal,
    release,
    verbose,
)

_FOLDER = "BotnetPlaybook"
# What platforms match on -> TheHive's types of observables.
_TYPES = {"ip": ("ip",), "host name": ("hostname", "fqdn"), "case id": ("other",)}


def render(catalogue: Sequence[Action]) -> dict[str, str | bytes]:
    """The folders ``analyzers/`` and ``responders/`` as Cortex reads them."""
    inputs = {action.identifier: _matched(action) for action in catalogue}
    program = _PROGRAM.replace("@MATCHED@", literal(inputs))
    files: dict[str, str | bytes] = {"README.md": _README}
    for kind in ("analyzers", "responders"):
        files |= {
            f"{kind}/{_FOLDER}/botnet_playbook.py": program,
            f"{kind}/{_FOLDER}/botnet_playbook_client.py": client(catalogue),
            f"{kind}/{_FOLDER}/requirements.txt": "",
        }
    for action in catalogue:
        if action.read_only and inputs[action.identifier]:
            name = f"analyzers/{_FOLDER}/{_named(action)}.json"
            files[name] = document(_flavour(action, inputs[action.identifier]))
        files[f"responders/{_FOLDER}/{_named(action)}.json"] = document(_responder(action))
    return files


def build(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """One zip, to be unpacked where Cortex looks for analyzers and responders."""
    return {f"{PUBLISHER}-cortex-{release()}.zip": zip_file(files)}


def _matched(action: Action) -> dict[str, str]:
    """Type of observable -> the input that takes it: the first that matches and is alone required, or primary."""
    required = [slot for slot in action.inputs if slot.required]
    slots = required if len(required) == 1 else [slot for slot in action.inputs if slot.primary and not required]
    if not required and not slots:
        slots = [slot for slot in action.inputs if slot.contains]
    matched: dict[str, str] = {}
    for slot in slots:
        for kind in slot.contains:
            for one in _TYPES.get(kind, ()):
                matched.setdefault(one, slot.name)
    return matched if len(required) <= 1 else {}


def _named(action: Action) -> str:
    return "BotnetPlaybook_" + "".join(part.capitalize() for part in action.identifier.split("_"))


def _flavour(action: Action, matched: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": _named(action),
        "version": release().rpartition(".")[0],
        "author": PUBLISHER,
        "url": "https://example.invalid/botnet-playbook",
        "license": "Apache-2.0",
        "description": verbose(action),
        "dataTypeList": sorted(matched),
        "baseConfig": _FOLDER,
        "command": f"{_FOLDER}/botnet_playbook.py",
        "config": {"service": action.identifier, "check_tlp": True, "max_tlp": 2},
        "configurationItems": _SETTINGS,
    }


def _responder(action: Action) -> dict[str, Any]:
    kinds = ["thehive:case", "thehive:alert", "thehive:case_artifact"]
    responder = _flavour(action, {}) | {"dataTypeList": kinds}
    return responder | {"config": {"service": action.identifier, "check_tlp": True, "max_tlp": 2, "responder": True}}


def _setting(name: str, text: str, required: bool) -> dict[str, Any]:
    return {"name": name, "description": text, "type": "string", "multi": False, "required": required}


_SETTINGS = [
    _setting("url", ADDRESS_HELP, True),
    _setting("token", TOKEN_HELP, True),
    _setting("response_token", RESPONSE_HELP, False),
    _setting("authorities", AUTHORITIES_HELP, False),
]
_README = f"""# {PUBLISHER} for TheHive Cortex

{ABOUT}. Made from the catalogue of actions by `botnet-playbook manifests write cortex`; do not edit it here.

Unpack the archive where Cortex looks: `analyzer.urls` names `analyzers`, `responder.urls` names `responders`.

- An analyzer takes the observable itself: an address, a host name, or a case's identity as type `other`.
- A responder takes its inputs from tags of the case, alert or observable, `botnet:NAME=VALUE`, such as
  `botnet:case_id=C-0123456789ab`, and from custom fields `botnet-NAME`. `file_detection` reads an alert whose
  description is the alert's JSON. What it answers (case_id, plan_id, digest) it adds as such tags, so that the next
  responder finds them.
"""
_PROGRAM = '''"""A job of Cortex: input/input.json in, output/output.json out. Made, not written."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from botnet_playbook_client import ACTIONS, Playbook, PlaybookFailure, lines  # noqa: E402

MATCHED = @MATCHED@
TAG = "botnet:"
CARRIED = ("case_id", "plan_id", "digest")
LEVELS = {
    "TRUE_POSITIVE": "malicious",
    "UNDETERMINED": "suspicious",
    "BENIGN_POSITIVE": "safe",
    "FALSE_POSITIVE": "safe",
}


def main(folder):
    """Carry out the job; 0 when its output says success."""
    with open(os.path.join(folder, "input", "input.json"), encoding="utf-8") as stream:
        job = json.load(stream)
    try:
        output = carried_out(job)
    except PlaybookFailure as fault:
        output = failed(job, fault.sentence)
    except Exception as fault:  # noqa: BLE001 without an output the user sees nothing at all
        output = failed(job, "The job does not fit this program: {}".format(type(fault).__name__))
    os.makedirs(os.path.join(folder, "output"), exist_ok=True)
    with open(os.path.join(folder, "output", "output.json"), "w", encoding="utf-8") as stream:
        json.dump(output, stream)
    return 0 if output["success"] else 1


def carried_out(job):
    """The output of one action."""
    config = job.get("config") or {}
    identifier = config.get("service")
    if identifier not in ACTIONS:
        raise PlaybookFailure("input", "This program has no action {!r}.".format(identifier))
    if config.get("check_tlp") and int(job.get("tlp", 2)) > int(config.get("max_tlp", 2)):
        raise PlaybookFailure("input", "The TLP of this object is above the most that may leave it.")
    playbook = Playbook(
        config.get("url") or "", config.get("token") or "", config.get("response_token") or "",
        config.get("authorities") or "",
    )
    given = inputs_of(job, identifier)
    answer = playbook.act(identifier, given, ACTIONS[identifier]["scope"])
    if answer["status"] != "success":
        raise PlaybookFailure("answer", "Incomplete: " + lines(answer))
    full = {"message": lines(answer), "data": answer["data"]}
    if config.get("responder"):
        return {"success": True, "full": full, "artifacts": [], "operations": operations_of(job, answer["data"])}
    return {
        "success": True,
        "summary": {"taxonomies": taxonomies_of(identifier, answer["data"])},
        "artifacts": [],
        "operations": [],
        "full": full,
    }


def inputs_of(job, identifier):
    """What the job gives to the action's inputs: the observable, tags, custom fields, an alert's own text."""
    names = ACTIONS[identifier]["inputs"]
    kind, data = job.get("dataType"), job.get("data")
    if not isinstance(data, dict):
        name = MATCHED[identifier].get(kind)
        return {name: data} if name else {}
    given = {}
    for tag in data.get("tags") or ():
        name, _, value = str(tag)[len(TAG):].partition("=")
        if str(tag).startswith(TAG) and name in names:
            given[name] = value
    for name in names:
        field = (data.get("customFields") or {}).get("botnet-" + name)
        if isinstance(field, dict):
            given[name] = next((one for key, one in field.items() if key != "order" and one is not None), None)
    if kind == "thehive:case_artifact":
        name = MATCHED[identifier].get(data.get("dataType"))
        if name:
            given.setdefault(name, data.get("data"))
    if "alert" in names and "alert" not in given and str(data.get("description") or "").lstrip()[:1] in ("{", "["):
        given["alert"] = data["description"]
    return given


def operations_of(job, rows):
    """Tags that carry the case and its plan on to the next responder."""
    kinds = {
        "thehive:case": "AddTagToCase",
        "thehive:alert": "AddTagToAlert",
        "thehive:case_artifact": "AddTagToArtifact",
    }
    row = rows[0] if rows else {}
    tags = ["{}{}={}".format(TAG, name, row[name]) for name in CARRIED if row.get(name)]
    return [{"type": kinds[job["dataType"]], "tag": tag} for tag in tags] if job.get("dataType") in kinds else []


def taxonomies_of(identifier, rows):
    """One short word for the list of observables."""
    row = rows[0] if rows else {}
    value = row.get("disposition") or "{} row(s)".format(len(rows))
    level = LEVELS.get(row.get("disposition"), "info")
    return [{"level": level, "namespace": "Botnet", "predicate": identifier, "value": value}]


def failed(job, sentence):
    """A job that failed, as the user sees it; the input comes back without its settings."""
    shown = {name: job.get(name) for name in ("dataType", "data", "tlp")}
    return {"success": False, "errorMessage": sentence, "input": json.dumps(shown)[:10000]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "/job"))
'''
