"""Splunk SOAR: the app's archive in a folder of its own, under a stand-in for the platform's modules.

The platform starts a process, hands it one JSON document with identifier, config and parameter sets, and calls
``handle_action`` once a set; the results are what the user sees. Containers and artifacts are kept by their
source_data_identifier, as the platform does.
"""

import json
import tarfile
from pathlib import Path
from typing import Any

from tests.players import PYTHON, Access, Reply, process

HOST = """
import importlib.util, json, sys, types
sys.path.insert(0, "botnet_playbook")
wish = json.loads(sys.stdin.read())


class ActionResult:
    def __init__(self, param):
        self.param, self.data, self.summary, self.status, self.message = param, [], {}, None, ""

    def add_data(self, row):
        self.data.append(row)

    def set_summary(self, values):
        self.summary = values

    def set_status(self, status, message=""):
        self.status, self.message = status, message
        return status


class BaseConnector:
    def __init__(self):
        self.results, self.store = [], wish["store"]

    def get_action_identifier(self):
        return wish["identifier"]

    def get_config(self):
        return wish["config"]

    def is_poll_now(self):
        return wish["poll_now"]

    def add_action_result(self, result):
        self.results.append(result)
        return result

    def save_progress(self, text, *values):
        self.progress = text.format(*values)

    def load_state(self):
        return self.store["state"]

    def save_state(self, state):
        self.store["state"] = json.loads(json.dumps(state))

    def save_container(self, container):
        if wish["full"]:
            return False, "the disk is full", None
        known = self.store["containers"].setdefault(container["source_data_identifier"], container)
        known.setdefault("id", len(self.store["containers"]))
        return True, "", known["id"]

    def save_artifacts(self, artifacts):
        for one in artifacts:
            self.store["artifacts"].setdefault("%s/%s" % (one["container_id"], one["source_data_identifier"]), one)
        return True, "", []

    def _handle_action(self, document, handle):
        for param in json.loads(document)["parameters"]:
            self.handle_action(param)


app = types.SimpleNamespace(APP_SUCCESS=True, APP_ERROR=False)
for name, content in {
    "phantom": {"app": app}, "phantom.app": vars(app), "phantom.action_result": {"ActionResult": ActionResult},
    "phantom.base_connector": {"BaseConnector": BaseConnector},
}.items():
    module = types.ModuleType(name)
    vars(module).update(content)
    sys.modules[name] = module
import botnet_playbook_connector

connector = botnet_playbook_connector.BotnetPlaybookConnector()
connector._handle_action(json.dumps({"parameters": wish["parameters"]}), None)
print(json.dumps({"store": connector.store, "results": [
    {"ok": r.status, "rows": r.data, "message": r.message, "summary": r.summary} for r in connector.results]}))
"""


class SplunkSoar:
    """An asset of the installed app, and what the platform keeps for it."""

    def __init__(self, archive: Path, folder: Path, access: Access, **config: Any) -> None:
        with tarfile.open(archive) as app:
            app.extractall(folder, filter="data")
        self._folder = folder
        (folder / "host.py").write_text(HOST, encoding="utf-8")
        self.json = json.loads((folder / "botnet_playbook" / "botnet_playbook.json").read_text(encoding="utf-8"))
        self.store: dict[str, Any] = {"state": {}, "containers": {}, "artifacts": {}}
        tokens = {"token": access.token, "response_token": access.response_token}
        self.config = {"server_url": access.address, **tokens, **config}
        self.full = False

    def run(self, identifier: str, *parameters: dict[str, Any], poll_now: bool = False) -> list[dict[str, Any]]:
        """One process: its results, one a parameter set."""
        wish = {"identifier": identifier, "config": self.config, "parameters": list(parameters), "store": self.store}
        wish |= {"poll_now": poll_now, "full": self.full}
        done = process([PYTHON, "-S", "host.py"], self._folder, json.dumps(wish))
        assert done.returncode == 0, done.stderr
        out = json.loads(done.stdout)
        self.store = out["store"]
        return list(out["results"])

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """An action as a playbook runs it; the platform adds a context of its own."""
        (result,) = self.run(identifier, {**given, "context": {"guid": "x"}})
        return Reply(result["ok"], tuple(result["rows"]), result["message"])


def install(built: Path, folder: Path, access: Access, **config: Any) -> SplunkSoar:
    """The app that was built, installed with one asset."""
    (archive,) = built.glob("*.tgz")
    return SplunkSoar(archive, folder, access, **config)
