"""Tracecat: a template an action, each one HTTP request; the service's own sentence is in the error that it shows."""

from collections.abc import Mapping, Sequence
from typing import Any

from playbook.actions import Action, DataType, Slot
from playbook.platforms._archives import tar_gz
from playbook.platforms._texts import ABOUT, NAME, TITLE, release, verbose
from playbook.platforms._yaml import dump

_TYPES: dict[DataType, str] = {"text": "str", "integer": "int", "number": "float", "boolean": "bool"}
_URL, _TOKEN = "BOTNET_PLAYBOOK_URL", "BOTNET_PLAYBOOK_TOKEN"


def render(catalogue: Sequence[Action]) -> dict[str, str | bytes]:
    """One template an action."""
    files = {f"templates/{NAME}/{action.identifier}.yml": dump(_template(action)) for action in catalogue}
    return {"README.md": _README, **files}


def build(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The templates as one archive, for a repository of custom actions."""
    return {f"{NAME}-tracecat-{release()}.tar.gz": tar_gz(files, NAME)}


def secret_of(action: Action) -> str:
    """The secret that an action takes its address and token from: what answers plans has one of its own."""
    return f"{NAME}_response" if action.scope in ("approve", "contain") else NAME


def _template(action: Action) -> dict[str, Any]:
    secret = secret_of(action)
    request = {
        "ref": "call",
        "action": "core.http_request",
        "args": {
            "url": f"${{{{ SECRETS.{secret}.{_URL} }}}}/api/actions/{action.identifier}",
            "method": "POST",
            "headers": {
                "Authorization": f"Bearer ${{{{ SECRETS.{secret}.{_TOKEN} }}}}",
                "Content-Type": "application/json",
            },
            # What is not given is null, which the service takes as not given.
            "payload": {slot.name: f"${{{{ inputs.{slot.name} }}}}" for slot in action.inputs},
            "follow_redirects": False,
        },
    }
    return {
        "type": "action",
        "definition": {
            "title": action.name.capitalize(),
            "description": verbose(action),
            "display_group": TITLE,
            "doc_url": "https://example.invalid/botnet-playbook",
            "namespace": f"tools.{NAME}",
            "name": action.identifier,
            "secrets": [{"name": secret, "keys": [_URL, _TOKEN]}],
            "expects": {slot.name: _argument(slot) for slot in action.inputs},
            "steps": [request],
            "returns": "${{ steps.call.result.data }}",
        },
    }


def _argument(slot: Slot) -> dict[str, Any]:
    kind = _TYPES[slot.type]
    argument: dict[str, Any] = {"type": kind, "description": f"{slot.description}."}
    if not slot.required:
        argument |= {"type": f"{kind} | None", "default": slot.default if slot.default not in (None, "") else None}
    return argument


_README = f"""# {TITLE} for Tracecat

{ABOUT}. Made from the catalogue of actions by `botnet-playbook manifests write tracecat`; do not edit it here.

Put `templates/` into your repository of custom actions and make two secrets, each with {_URL} (without a final slash)
and {_TOKEN}: `{NAME}` with a token of the scopes intake and investigate, and `{NAME}_response` with one of another
account and the scopes approve and contain. A template answers with the service's document: `status`, `message` and
`data`; `status` is `incomplete` where something that was asked for is missing. A refusal is an HTTP error whose body
holds the sentence.
"""
