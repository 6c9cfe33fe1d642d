"""The action API as OpenAPI 3.0.3 with ``servers``, for the importers that read no 3.1: made from the 3.1 document."""

import json
from collections.abc import Sequence
from typing import Any

from playbook.actions import Action
from playbook.platforms import openapi

_BASE = "http://127.0.0.1:8080"


def document(catalogue: Sequence[Action], base: str = _BASE) -> dict[str, Any]:
    """The whole document; ``base`` is where the service is reached."""
    whole = openapi.document(catalogue)
    info = whole["info"] | {"license": {"name": whole["info"]["license"]["name"]}}
    whole_older: dict[str, Any] = _older(whole | {"info": info})
    return {"openapi": "3.0.3", "info": whole_older.pop("info"), "servers": [{"url": base}]} | {
        key: value for key, value in whole_older.items() if key != "openapi"
    }


def render(catalogue: Sequence[Action]) -> dict[str, str]:
    """``openapi-3.0.json``."""
    return {"openapi-3.0.json": json.dumps(document(catalogue), indent=2, ensure_ascii=True) + "\n"}


def _older(value: Any) -> Any:
    """The same in the words of 3.0: ``nullable`` for a null type, one ``example``, ``enum`` for ``const``."""
    if isinstance(value, list):
        return [_older(one) for one in value]
    if not isinstance(value, dict):
        return value
    older = {key: _older(one) for key, one in value.items()}
    kinds = older.get("type")
    if isinstance(kinds, list):
        older["type"] = next(kind for kind in kinds if kind != "null")
        older["nullable"] = True
    examples = older.pop("examples", None)
    if isinstance(examples, list) and examples:
        older["example"] = examples[0]
    if "const" in older:
        constant = older.pop("const")
        older["enum"] = [constant]
        older.setdefault("type", "boolean" if isinstance(constant, bool) else "string")
    if "enum" in older and isinstance(older["enum"], list) and "type" not in older:
        older["type"] = "string"
    return older
