"""TheHive with Cortex: a responder run on a case, as a process over a job folder; its operations are carried out.

Cortex writes input/input.json with the flavour's ``config`` under the organisation's settings, starts the command with
the folder's path, and shows output/output.json; an exit without that file shows the user nothing.
"""

import itertools
import json
import zipfile
from pathlib import Path
from typing import Any

from tests.players import PYTHON, Access, Reply, process


class Cortex:
    """An organisation with the analyzers and responders enabled, and one case of TheHive."""

    def __init__(self, archive: Path, folder: Path, access: Access) -> None:
        with zipfile.ZipFile(archive) as pack:
            pack.extractall(folder)
        self._folder, self._jobs = folder, itertools.count(1)
        self.settings = {"url": access.address, "token": access.token, "response_token": access.response_token}
        self.tags: list[str] = []

    def flavour(self, kind: str, identifier: str) -> dict[str, Any]:
        """A definition by the action that it runs."""
        for file in sorted((self._folder / kind / "BotnetPlaybook").glob("*.json")):
            definition = json.loads(file.read_text(encoding="utf-8"))
            if definition["config"]["service"] == identifier:
                return dict(definition)
        raise AssertionError(f"no {kind} runs {identifier}")

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """A responder on the case; the analyst has put the inputs into tags and custom fields."""
        fields = {f"botnet-{name}": {"string": value, "order": 1} for name, value in given.items() if name == "alert"}
        tags = [f"botnet:{name}={value}" for name, value in given.items() if name not in ("alert", "sender")]
        case = {"title": "x", "description": "", "tags": tags, "customFields": fields}
        output = self.job("responders", identifier, {"dataType": "thehive:case", "data": case, "tlp": 2})
        if not output["success"]:
            return Reply(False, (), output["errorMessage"])
        self.tags += [one["tag"] for one in output["operations"]]
        return Reply(True, tuple(output["full"]["data"]), output["full"]["message"])

    def job(self, kind: str, identifier: str, wish: dict[str, Any]) -> dict[str, Any]:
        """One job in a folder of its own."""
        definition = self.flavour(kind, identifier)
        needed = {one["name"] for one in definition["configurationItems"] if one["required"]}
        assert needed <= self.settings.keys()
        folder = self._folder / f"job-{next(self._jobs)}"
        (folder / "input").mkdir(parents=True)
        document = wish | {"config": self.settings | definition["config"]}
        (folder / "input" / "input.json").write_text(json.dumps(document), encoding="utf-8")
        done = process([PYTHON, "-S", self._folder / kind / definition["command"], folder], self._folder)
        output = dict(json.loads((folder / "output" / "output.json").read_text(encoding="utf-8")))
        assert done.returncode == (0 if output["success"] else 1), done.stderr
        return output


def install(built: Path, folder: Path, access: Access) -> Cortex:
    """The archive that was built."""
    (archive,) = built.glob("*.zip")
    return Cortex(archive, folder, access)
