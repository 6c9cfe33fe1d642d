"""Shuffle: the app as the worker runs it: api.yaml says what is sent, and all of it is text."""

import json
import zipfile
from pathlib import Path
from typing import Any

import yaml

from tests.players import PYTHON, Access, Reply, process

HOST = """
import json, sys, types
wish = json.loads(sys.stdin.read())


class AppBase:
    def __init__(self, redis=None, logger=None, console_logger=None):
        self.logger = logger

    @classmethod
    def run(cls, action=None):
        print(json.dumps(getattr(cls(), wish["name"])(**wish["parameters"])))


sdk = types.ModuleType("shuffle_sdk")
sdk.AppBase = AppBase
sys.modules["shuffle_sdk"] = sdk
sys.path.insert(0, ".")
exec(compile(open("app.py").read(), "app.py", "exec"), {"__name__": "__main__"})
"""


class Shuffle:
    """The app with its authentication filled in."""

    def __init__(self, archive: Path, folder: Path, access: Access) -> None:
        with zipfile.ZipFile(archive) as app:
            app.extractall(folder)
        (self.app,) = (folder / "botnet_playbook").iterdir()
        self.api = yaml.safe_load((self.app / "api.yaml").read_text(encoding="utf-8"))
        (self.app / "src" / "host.py").write_text(HOST, encoding="utf-8")
        self._settings = {"url": access.address, "token": access.token, "response_token": access.response_token}

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """A node of a workflow: every declared parameter is sent, as text, empty where nothing is filled in."""
        (action,) = [one for one in self.api["actions"] if one["name"] == identifier]
        declared = {one["name"]: one for one in action["parameters"]}
        assert given.keys() <= declared.keys()
        parameters = {name: str(given.get(name, "")) for name in declared}
        parameters |= {
            one["name"]: self._settings.get(one["name"], "") for one in self.api["authentication"]["parameters"]
        }
        wish = json.dumps({"name": identifier, "parameters": parameters})
        done = process([PYTHON, "-S", "host.py"], self.app / "src", wish)
        assert done.returncode == 0, done.stderr
        answer = json.loads(json.loads(done.stdout))
        return Reply(
            answer["success"], tuple(answer["data"]), answer["message"] if answer["success"] else answer["reason"]
        )


def install(built: Path, folder: Path, access: Access) -> Shuffle:
    """The app that was built."""
    (archive,) = built.glob("*.zip")
    return Shuffle(archive, folder, access)
