"""The shared client alone, as every package carries it: in a process of its own, by Python without site packages."""

import json
from pathlib import Path
from typing import Any

from playbook.actions import catalogue
from playbook.platforms import _texts
from tests.players import PYTHON, Access, Reply, process

PLATFORM = ""
_CALL = """
import json, sys
from client import ACTIONS, Playbook, PlaybookFailure, lines
wish = json.loads(sys.stdin.read())
try:
    playbook = Playbook(*wish["access"])
    answer = playbook.act(wish["identifier"], wish["given"], ACTIONS[wish["identifier"]]["scope"])
    print(json.dumps([answer["status"] == "success", answer["data"], lines(answer)]))
except PlaybookFailure as fault:
    print(json.dumps([False, [], fault.sentence]))
"""


class Direct:
    """A script beside the client's text."""

    def __init__(self, folder: Path, access: Access) -> None:
        self._folder, self._access = folder, access
        (folder / "client.py").write_text(_texts.client(catalogue()), encoding="utf-8")
        (folder / "call.py").write_text(_CALL, encoding="utf-8")

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """Run the script."""
        wish = json.dumps({"access": self._access, "identifier": identifier, "given": given})
        done = process([PYTHON, "-S", "call.py"], self._folder, wish)
        assert done.returncode == 0, done.stderr
        ok, rows, text = json.loads(done.stdout)
        return Reply(ok, tuple(rows), text)


def install(built: Path, folder: Path, access: Access) -> Direct:
    """The client in this folder."""
    return Direct(folder, access)
