"""Splunk SOAR: an app that talks to the service and polls its cases; with wheels it can run ``act`` in process too."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from playbook.actions import Action, DataType, Slot
from playbook.errors import ConfigError
from playbook.platforms._archives import tar_gz
from playbook.platforms._images import svg
from playbook.platforms._texts import (
    ABOUT,
    ADDRESS_HELP,
    AUTHORITIES_HELP,
    PUBLISHER,
    RESPONSE_HELP,
    TITLE,
    TOKEN_HELP,
    client,
    release,
)
from playbook.platforms.splunk_soar._connector import CONNECTOR

_PACKAGE = "botnet_playbook"
_APPID = "5d1f7f0e-3c2b-5b0e-9a64-2f4b8f6a1c77"
_JSON = f"{_PACKAGE}.json"
_WHEEL = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-[^-]+(-\d[^-]*)?-(?P<python>[^-]+)-[^-]+-(?P<platform>[^-]+)\.whl")
_TABLE_COLUMNS = 8
_TYPES: dict[DataType, str] = {"text": "string", "integer": "numeric", "number": "numeric", "boolean": "boolean"}
_NOTES = {
    "contain": "Changes the network: give this asset approvers, and only an approved plan is carried out.",
    "correct": "Takes back only what this playbook set.",
}


def render(catalogue: Sequence[Action]) -> dict[str, str | bytes]:
    """The app's files by path. The JSON holds to Splunk's app schema and naming rules."""
    return {
        _JSON: json.dumps(_app(catalogue), indent=4, ensure_ascii=True) + "\n",
        f"{_PACKAGE}_connector.py": CONNECTOR,
        f"{_PACKAGE}_client.py": client(catalogue),
        "__init__.py": "",
        "logo.svg": svg("#16324f"),
        "logo_dark.svg": svg("#f2f5f9"),
        "README.md": _README,
    }


def build(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The app as the platform installs it: one folder in a tar.gz."""
    return {f"phantom_{_PACKAGE}-{release()}.tgz": tar_gz(files, _PACKAGE)}


def with_wheels(files: Mapping[str, str | bytes], wheels: Mapping[str, bytes]) -> dict[str, str | bytes]:
    """The app with these wheels, pinned by being there. ConfigError when one is not for 3.13, or ours is missing."""
    listed: list[dict[str, str]] = []
    placed: dict[str, str | bytes] = {}
    for name in sorted(wheels):
        match = _WHEEL.fullmatch(name)
        if match is None or not {"py3", "cp313", "abi3"} & set(re.split(r"[.-]", name)):
            raise ConfigError(f"--wheels: {name}: expected a wheel for Python 3.13")
        folder = "shared" if match["platform"] == "any" else "python313"
        placed[f"wheels/{folder}/{name}"] = wheels[name]
        listed.append({"module": match["name"].replace("_", "-").lower(), "input_file": f"wheels/{folder}/{name}"})
    if PUBLISHER not in {one["module"] for one in listed}:
        raise ConfigError(
            f"--wheels: the wheel of {PUBLISHER} is missing; README.md of the package says how to fill it"
        )
    app = json.loads(files[_JSON]) | {"pip313_dependencies": {"wheel": listed}}
    return {**files, **placed, _JSON: json.dumps(app, indent=4, ensure_ascii=True) + "\n"}


def _app(catalogue: Sequence[Action]) -> dict[str, Any]:
    return {
        "appid": _APPID,
        "name": TITLE,
        "description": ABOUT,
        "type": "network security",
        "publisher": PUBLISHER,
        "package_name": f"phantom_{_PACKAGE}",
        "product_vendor": PUBLISHER,
        "product_name": TITLE,
        "product_version_regex": ".*",
        "license": "Apache-2.0",
        "app_version": release(),
        "python_version": "3.13",
        "min_phantom_version": "7.0.0",
        "fips_compliant": False,
        "main_module": f"{_PACKAGE}_connector.py",
        "logo": "logo.svg",
        "logo_dark": "logo_dark.svg",
        "configuration": {
            name: {"description": text, "data_type": kind, "required": False, "order": order, **more}
            for order, (name, kind, text, more) in enumerate(_SETTINGS)
        },
        "actions": [*(_action(action) for action in catalogue), _on_poll()],
    }


_SETTINGS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("server_url", "string", ADDRESS_HELP, {}),
    ("token", "password", TOKEN_HELP, {}),
    ("response_token", "password", RESPONSE_HELP, {}),
    ("authorities", "string", AUTHORITIES_HELP, {}),
    ("timeout", "numeric", "Seconds that one call may take", {"default": 60}),
    ("first_poll_days", "numeric", "Days that the first poll looks back", {"default": 3}),
    (
        "config_file",
        "string",
        "Without server_url: path of playbook.toml on the SOAR host, for actions in process (needs the wheels)",
        {},
    ),
    (
        "secrets",
        "password",
        "Without server_url: JSON object of environment variables that playbook.toml names, such as "
        '{"SUMO_ACCESS_ID": "...", "SUMO_ACCESS_KEY": "..."}',
        {},
    ),
)
_POLL = (
    ("container_id", "string", "Cases to keep, by identity, separated by commas"),
    ("start_time", "numeric", "Start of the time range, in milliseconds since 1970"),
    ("end_time", "numeric", "End of the time range, in milliseconds since 1970"),
    ("container_count", "numeric", "Most cases of one poll"),
    ("artifact_count", "numeric", "Most artifacts of one poll"),
)


def _on_poll() -> dict[str, Any]:
    return {
        "action": "on poll",
        "identifier": "on_poll",
        "description": "Keep new cases as containers and their detections as artifacts",
        "verbose": "A case is kept once, however late it is recorded; the cursor moves when its container is kept.",
        "type": "ingest",
        "read_only": True,
        "versions": "EQ(*)",
        "parameters": {
            name: {"description": text, "data_type": kind, "required": False, "order": order}
            for order, (name, kind, text) in enumerate(_POLL)
        },
        "output": [],
    }


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


_README = """# Botnet Playbook for Splunk SOAR

Made from the catalogue of actions by `botnet-playbook manifests write splunk_soar`; do not edit it here.

- Package: `botnet-playbook manifests build splunk_soar -o DIR` makes the file to install. It needs nothing but what
  the platform brings: every action is one HTTPS request to `botnet-playbook serve`.
- Asset: `server_url`, `token` and `response_token`, of two accounts. Cases become containers by `on poll`.
- In process: without `server_url`, actions that only read run as `act` with `config_file` and `secrets`, once the
  package holds the wheels. On a machine with the Internet and Python 3.13, the product's own wheel beside it:
  `pip download --only-binary :all: --python-version 3.13 --platform manylinux_2_28_x86_64 -d WHEELS
  "botnet_playbook-VERSION-py3-none-any.whl[logs,files]"`, then `manifests build splunk_soar --wheels WHEELS`.
- Approval: `read_only` is the switch. Give the asset approvers, and every action of kind contain or correct, and
  whatever else writes, waits for them; what only reads runs at once. Besides that, a contain or correct action takes
  the identity and the digest of one approved plan and does nothing without them.
- An incomplete answer is a failed result whose rows are kept: an empty answer never stands for an unasked question.
"""
