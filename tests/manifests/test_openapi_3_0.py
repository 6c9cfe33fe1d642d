"""OpenAPI 3.0.3 beside 3.1: nothing in it that 3.0 does not know, and not a word less."""

import json
from pathlib import Path

import pytest

from playbook.actions import catalogue
from playbook.platforms import openapi, openapi_3_0

OLD = openapi_3_0.document(catalogue(), "https://soar.example")
NEW = openapi.document(catalogue())
# Every keyword of a Schema Object of 3.0.3 that we could have written; what 3.1 added is not among them.
SCHEMA = {
    "type",
    "properties",
    "required",
    "items",
    "additionalProperties",
    "description",
    "default",
    "enum",
    "nullable",
    "example",
    "minimum",
    "maximum",
    "maxItems",
    "maxLength",
    "anyOf",
    "$ref",
}


def schemas(value, inside=False):
    """Every schema of a document."""
    if isinstance(value, dict):
        if inside:
            yield value
            for name, one in value.items():
                if name == "properties":
                    for inner in one.values():
                        yield from schemas(inner, True)
                elif name in ("items", "additionalProperties"):
                    yield from schemas(one, isinstance(one, dict))
                elif name == "anyOf":
                    for inner in one:
                        yield from schemas(inner, True)
            return
        for name, one in value.items():
            yield from schemas(one, name == "schema")
            if name == "schemas":
                for inner in one.values():
                    yield from schemas(inner, True)
    elif isinstance(value, list):
        for one in value:
            yield from schemas(one)


def test_it_names_its_version_and_where_the_service_is():
    assert OLD["openapi"] == "3.0.3" and OLD["servers"] == [{"url": "https://soar.example"}]
    assert OLD["info"]["license"] == {"name": "Apache-2.0"} and next(iter(OLD)) == "openapi"
    committed = json.loads((Path(__file__).parents[2] / "manifests/openapi_3_0/openapi-3.0.json").read_text())
    assert committed["servers"] == [{"url": "http://127.0.0.1:8080"}]


def test_every_schema_is_one_of_3_0():
    found = list(schemas(OLD))
    assert len(found) > 200
    for schema in found:
        assert set(schema) <= SCHEMA, schema
        assert isinstance(schema.get("type", ""), str) and schema.get("type") != "null"
        assert "type" in schema or "$ref" in schema or "anyOf" in schema, schema
        if schema.get("type") == "array":
            assert "items" in schema


def test_it_has_the_operations_fields_and_answers_of_3_1():
    assert OLD["paths"].keys() == NEW["paths"].keys()
    for path, methods in NEW["paths"].items():
        for method, new in methods.items():
            old = OLD["paths"][path][method]
            assert old["operationId"] == new["operationId"] and old["responses"].keys() == new["responses"].keys()
    for action in catalogue():
        body = OLD["paths"][f"/api/actions/{action.identifier}"]["post"]["requestBody"]
        fields = body["content"]["application/json"]["schema"]["properties"]
        assert fields.keys() == {slot.name for slot in action.inputs}
        for slot in action.inputs:
            assert fields[slot.name].get("nullable", False) is not slot.required


@pytest.mark.parametrize("given", [{"const": True}, {"const": "a"}, {"type": ["integer", "null"], "examples": [3]}])
def test_what_3_1_says_is_said_in_3_0(given):
    old = openapi_3_0._older(given)
    assert old in (
        {"enum": [True], "type": "boolean"},
        {"enum": ["a"], "type": "string"},
        {"type": "integer", "nullable": True, "example": 3},
    )
