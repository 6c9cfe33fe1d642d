"""The MCP server: what an assistant may call and what not, with types it can hold to; errors keep their sentence."""

import json

import pytest

from playbook import platforms
from playbook.actions import catalogue
from playbook.platforms.mcp import offered
from tests.players import Access, mcp

OFFERED = {one.identifier for one in offered(catalogue())}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mcp")
    for name, content in platforms.build("mcp", catalogue()).items():
        (folder / name).write_bytes(content)
    return mcp.install(folder, folder, Access("http://playbook.example", "t", ""))


def test_nothing_that_approves_contains_or_changes_is_offered():
    changing = {one.identifier for one in catalogue() if not one.read_only}
    assert OFFERED & changing == {"file_detection"}
    assert {one.identifier for one in catalogue() if one.read_only} <= OFFERED
    files = platforms.render("mcp", catalogue())
    assert "block_address" not in "".join(str(text) for text in files.values())
    manifest = json.loads(files["manifest.json"])
    assert {one["name"] for one in manifest["tools"]} == OFFERED
    assert "response_token" not in manifest["user_config"] and manifest["user_config"]["token"]["sensitive"]


@pytest.mark.loopback
def test_the_tools_have_types_and_hints_and_a_failure_keeps_its_sentence(server):
    tools = server.tools()
    assert tools.keys() == OFFERED
    schema = tools["look_up_address"].input_schema
    assert schema["required"] == ["address"] and schema["properties"]["address"]["type"] == "string"
    assert (
        tools["look_up_address"].annotations.read_only_hint and not tools["file_detection"].annotations.read_only_hint
    )
    assert not any(one.annotations.destructive_hint for one in tools.values())
    reply = server.call("look_up_address", {"address": "9.9.9.9"})
    assert not reply.ok and "has to be https://HOST" in reply.text
    reply = server.call("look_up_address", {})
    assert not reply.ok and "address" in reply.text
