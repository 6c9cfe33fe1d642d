"""MCP: the bundle unpacked, its server started over stdio by the official SDK's client, a process a call."""

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import anyio
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.players import Access, Reply

CONTAINS = False


class Mcp:
    """An assistant with the server configured."""

    def __init__(self, bundle: Path, folder: Path, access: Access) -> None:
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(folder)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        start = manifest["server"]["mcp_config"]
        chosen = {"url": access.address, "token": access.token, "authorities": ""}
        environment = {
            name: chosen[text.removeprefix("${user_config.").removesuffix("}")] for name, text in start["env"].items()
        }
        arguments = [text.replace("${__dirname}", str(folder)) for text in start["args"]]
        # The environment that has the SDK, as the extra brings it.
        self._server = StdioServerParameters(command=sys.executable, args=arguments, env=environment)

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """A tool as the assistant calls it."""
        answer = self.ask(lambda session: session.call_tool(identifier, given))
        text = "\n".join(one.text for one in answer.content if one.type == "text")
        if answer.is_error:
            return Reply(False, (), text)
        content = answer.structured_content
        return Reply(content["status"] == "success", tuple(content["data"]), content["message"])

    def tools(self) -> dict[str, Any]:
        """What the server offers, by name."""
        return {one.name: one for one in self.ask(lambda session: session.list_tools()).tools}

    def ask(self, question: Any) -> Any:
        """One session with the server."""

        async def talk() -> Any:
            async with stdio_client(self._server) as (reading, writing), ClientSession(reading, writing) as session:
                await session.initialize()
                return await question(session)

        return anyio.run(talk)


def install(built: Path, folder: Path, access: Access) -> Mcp:
    """The bundle that was built."""
    (bundle,) = built.glob("*.mcpb")
    return Mcp(bundle, folder, access)
