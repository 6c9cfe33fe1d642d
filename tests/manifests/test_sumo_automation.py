"""The Automation Service's files under a strict model of the vendor's tables, and the test of the connection."""

from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from playbook import platforms
from playbook.actions import catalogue
from tests.players import sumo_automation
from tests.players.service import CLOSED, service

FILES = {
    path: yaml.safe_load(text)
    for path, text in platforms.render("sumo_automation", catalogue()).items()
    if path.endswith("yaml")
}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Attribute(Strict):
    label: str
    type: Literal["checkbox", "list", "number", "password", "text", "textarea"]
    required: bool
    hint: str = ""


class Configuration(Strict):
    testable_connection: bool
    require_proxy_config: bool
    data_attributes: dict[str, Attribute]
    listing_attributes: dict[str, dict[Literal["name"], str]]


class Script(Strict):
    type: Literal["python"]
    test_connection_code: str


class Integration(Strict):
    name: str
    version: str
    icon: str
    script: Script
    docker_repo_tag: str
    local_repo: bool
    configuration: Configuration


class Field(Strict):
    id: str
    label: str
    type: Literal["checkbox", "list", "number", "text", "textarea"]
    required: bool
    hint: str = ""
    validator: Literal["ipaddress", "port", "url"] | None = None
    values: dict[str, str] | None = None
    default: Any = None


class Output(Strict):
    path: str
    type: Literal["string"]


class Column(Strict):
    display_name: str
    value: str


class Action(Strict):
    integration: str
    name: str
    type: Literal["Enrichment", "Containment", "Custom", "Notification"]
    script: dict[Literal["code"], str]
    fields: list[Field]
    output: list[Output]
    table_view: list[Column]


@pytest.mark.parametrize("path", FILES)
def test_a_file_has_what_the_vendors_tables_name_and_nothing_else(path):
    value = TypeAdapter(Integration | Action).validate_python(FILES[path])
    if isinstance(value, Action):
        columns = {one.path for one in value.output}
        assert {one.value for one in value.table_view} <= columns
        assert len({one.id for one in value.fields}) == len(value.fields)
    else:
        assert value.icon.startswith("data:image/png;base64,")


def test_what_contains_is_a_containment_and_every_action_is_there():
    kinds = {one["name"]: one["type"] for one in FILES.values() if "fields" in one}
    assert kinds.keys() == {one.name.capitalize() for one in catalogue()}
    assert {name for name, kind in kinds.items() if kind == "Containment"} == {
        one.name.capitalize() for one in catalogue() if one.changes
    }


@pytest.mark.loopback
def test_the_connection_is_tested_by_its_own_program(tmp_path, monkeypatch):
    ((name, content),) = platforms.build("sumo_automation", catalogue()).items()
    (tmp_path / name).write_bytes(content)
    with service(tmp_path, monkeypatch) as running:
        one = sumo_automation.install(tmp_path, tmp_path, running.access())
        program = one.integration["script"]["test_connection_code"]
        assert one.ran(program, {}) == (0, "", "")
        one.settings["url"] = CLOSED
        code, out, reason = one.ran(program, {})
        assert (code, out) == (1, "") and "cannot be reached" in reason
