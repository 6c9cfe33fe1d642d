"""Sumo Logic's Automation Service: an action's program alone in a process, inputs and settings in the environment.

Anything on stderr marks the action as failed, with that text as the reason; stdout has to be one JSON document.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import yaml

from tests.players import PYTHON, Access, Reply, process


class SumoAutomation:
    """The integration with one resource configured."""

    def __init__(self, archive: Path, folder: Path, access: Access) -> None:
        with zipfile.ZipFile(archive) as pack:
            pack.extractall(folder)
        self._folder = folder
        self._files = [yaml.safe_load(one.read_text(encoding="utf-8")) for one in sorted(folder.rglob("*.yaml"))]
        (self.integration,) = [one for one in self._files if "script" in one and "type" in one["script"]]
        self.settings = {"url": access.address, "token": access.token, "response_token": access.response_token}
        self.settings["authorities"] = "None"

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """A node of a playbook; fields that are not filled in are absent, empty or the text None, by turns."""
        name = identifier.replace("_", " ").capitalize()
        (action,) = [one for one in self._files if one["name"] == name]
        fields = [one["id"] for one in action["fields"]]
        assert given.keys() <= set(fields) and action["integration"] == self.integration["name"]
        environment = {name: ("", "None")[place % 2] for place, name in enumerate(fields) if place % 3}
        code, out, reason = self.ran(action["script"]["code"], environment | {k: str(v) for k, v in given.items()})
        if reason:
            assert code != 0
            return Reply(False, (), reason)
        answer = json.loads(out)
        return Reply(True, tuple(answer["data"]), answer["message"])

    def ran(self, program: str, environment: dict[str, str]) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a program."""
        (self._folder / "action.py").write_text(program, encoding="utf-8")
        done = process([PYTHON, "-S", "action.py"], self._folder, environment=environment | self.settings)
        return done.returncode, done.stdout, done.stderr


def install(built: Path, folder: Path, access: Access) -> SumoAutomation:
    """The integration that was built."""
    (archive,) = built.glob("*.zip")
    return SumoAutomation(archive, folder, access)
