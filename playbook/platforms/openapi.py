"""The action API as an OpenAPI 3.1 document, for any platform that imports one: made from the catalogue alone."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from playbook.actions import Action, Slot

_SECURITY: list[dict[str, list[str]]] = [{"token": []}]
_ERRORS = {
    "400": "The input is wrong; the message names each field",
    "401": "No token, or one that does not count",
    "403": "The token's scope does not reach this action",
    "409": "Refused by a safety rule; nothing was changed",
    "413": "The body is too large",
    "415": "The body is not application/json",
    "429": "Too many requests",
    "502": "A product that was asked did not answer as it should",
    "503": "The record cannot be read or written",
}


def scope_of(action: Action) -> str:
    """The scope a token needs for this action."""
    return action.scope


def role_of(action: Action) -> str:
    """The least role a token needs for this action."""
    return action.role


def document(catalogue: Sequence[Action]) -> dict[str, Any]:
    """The whole document; every action is one POST."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "botnet-playbook",
            "version": version("botnet-playbook"),
            "description": "Every action of the playbook as one POST. A token's scope decides what it may call; "
            "contain and correct actions only carry out a plan that people approved, by its digest.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {f"/api/actions/{action.identifier}": {"post": _operation(action)} for action in catalogue}
        | paths_of_intake(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Failure": _FAILURE},
            "responses": {code: _failure(said) for code, said in _ERRORS.items()},
        },
    }


def render(catalogue: Sequence[Action]) -> dict[str, str]:
    """``openapi.json``."""
    return {"openapi.json": json.dumps(document(catalogue), indent=2, ensure_ascii=True) + "\n"}


def paths_of_intake() -> dict[str, Any]:
    """Alerts in, and cases to read: what is no action."""
    body = {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "description": "A row, an array of rows, or a body of Sumo Logic, Splunk, Elastic or Sentinel",
                    "anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}],
                }
            }
        },
    }
    refused = {code: {"$ref": f"#/components/responses/{code}"} for code in _ERRORS}
    received = {
        "description": "Every row is kept or named in rejected",
        "content": {"application/json": {"schema": _RECEIVED}},
    }
    name = {
        "name": "name",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "description": "An [alerts.NAME] table of the configuration",
    }
    post = {
        "summary": "File alerts",
        "tags": ["alerts"],
        "security": _SECURITY,
        "requestBody": body,
        "description": "Keeps every row, then answers. The token's scope: intake.",
        "responses": {"202": received} | refused,
    }
    return {
        "/api/alerts": {"post": {"operationId": "file_alerts", **post}},
        "/api/alerts/{name}": {"post": {"operationId": "file_alerts_as", **post, "parameters": [name]}},
        "/api/cases": {"get": _cases(refused)},
    }


def _cases(refused: dict[str, Any]) -> dict[str, Any]:
    filters = [{"name": one, "in": "query", "schema": kind, "description": text} for one, kind, text in _FILTERS]
    page = {"description": "One page", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {
        "operationId": "list_cases",
        "summary": "List cases",
        "tags": ["cases"],
        "security": _SECURITY,
        "description": "The last changed first. The token's scope: investigate.",
        "parameters": filters,
        "responses": {"200": page} | refused,
    }


_TEXT: dict[str, Any] = {"type": "string"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_FILTERS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("status", _TEXT | {"enum": ["proposed", "ticket", "watch", "closed"]}, "Only cases of this status"),
    (
        "disposition",
        _TEXT | {"enum": ["TRUE_POSITIVE", "UNDETERMINED", "BENIGN_POSITIVE", "FALSE_POSITIVE"]},
        "Only cases of this disposition",
    ),
    ("host", _TEXT | {"maxLength": 255}, "Only the cases of this host"),
    ("changed_since", _TEXT | {"maxLength": 40}, "Only cases that changed at or after this time, ISO 8601"),
    ("limit", _COUNT | {"minimum": 1, "maximum": 1000}, "Cases on one page, by default 100"),
    ("offset", _COUNT | {"maximum": 1_000_000}, "Cases to leave out before the page"),
)
_RECEIVED = {
    "type": "object",
    "additionalProperties": False,
    "required": ["status", "message", "accepted", "repeated", "over_cap", "rejected", "alerts", "warnings"],
    "properties": {
        "status": {"enum": ["accepted"]},
        "message": _TEXT,
        "accepted": _COUNT,
        "repeated": _COUNT,
        "over_cap": _COUNT,
        "rejected": {
            "type": "array",
            "items": {"type": "object", "required": ["row", "error"], "properties": {"row": _COUNT, "error": _TEXT}},
        },
        "alerts": {"type": "array", "items": _TEXT},
        "warnings": {"type": "array", "items": _TEXT},
    },
}


def _operation(action: Action) -> dict[str, Any]:
    required = any(one.required for one in action.inputs)
    return {
        "operationId": action.identifier,
        "summary": action.name.capitalize(),
        "tags": [action.kind],
        "description": f"{action.description}. The token's scope: {scope_of(action)}.",
        "security": _SECURITY,
        "requestBody": {
            "required": required,
            "content": {"application/json": {"schema": _object(action.inputs, True)}},
        },
        "responses": {"200": _answer(action)} | {code: {"$ref": f"#/components/responses/{code}"} for code in _ERRORS},
    }


def _answer(action: Action) -> dict[str, Any]:
    envelope = {
        "action": {"const": action.identifier},
        "status": {"enum": ["success", "incomplete"]},
        "message": {"type": "string"},
        "complete": {"type": "boolean"},
        "warnings": {"type": "array", "items": {"type": "string"}},
        "data": {"type": "array", "items": _object(action.outputs, False)},
    }
    schema = {"type": "object", "properties": envelope, "required": list(envelope), "additionalProperties": False}
    return {
        "description": "What the action says; incomplete: something asked for is missing from it",
        "content": {"application/json": {"schema": schema}},
    }


_FAILURE = {
    "type": "object",
    "required": ["status", "error", "message", "complete", "warnings", "data"],
    "properties": {
        "status": {"const": "failed"},
        "error": {"type": "string"},
        "message": {"type": "string"},
        "complete": {"const": False},
        "warnings": {"type": "array", "items": {"type": "string"}},
        "data": {"type": "array", "maxItems": 0, "items": {"type": "object"}},
    },
    "additionalProperties": False,
}


def _failure(said: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Failure"}
    return {
        "description": said,
        "content": {"application/json": {"schema": schema}, "text/plain": {"schema": {"type": "string"}}},
    }


def _object(slots: Sequence[Slot], given: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": {one.name: _property(one, given) for one in slots}}
    required = [one.name for one in slots if one.required] if given else [one.name for one in slots]
    return found | ({"required": required} if required else {}) | {"additionalProperties": False}


def _property(one: Slot, given: bool) -> dict[str, Any]:
    kind = {"text": "string"}.get(one.type, one.type)
    # Null means "not given" in an input and "unknown" in an output.
    nullable = not one.required
    found: dict[str, Any] = {"type": [kind, "null"] if nullable else kind, "description": one.description}
    if one.choices:
        found["enum"] = [*one.choices, *([None] if nullable else [])]
    if given and one.default is not None:
        found["default"] = one.default
    return found | ({"examples": [one.example]} if one.example is not None else {})
