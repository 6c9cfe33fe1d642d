"""Splunk: the add-on installed, an alert action run by splunkd: --execute, the payload on stdin, results as gzip CSV.

``splunk.rest`` stands for Splunk's own Python module: configuration and tokens come from it, and answers go to it.
"""

import configparser
import csv
import gzip
import json
import re
import tarfile
from pathlib import Path
from typing import Any

from tests.players import PYTHON, Access, Reply, process

REST = """
import json, types


def simpleRequest(path, sessionKey=None, getargs=None, postargs=None, method="GET", jsonargs=None, **more):
    state = json.load(open("splunk.json"))
    if sessionKey != state["session_key"]:
        return types.SimpleNamespace(status=401), b"{}"
    if path.startswith("/services/receivers/simple"):
        with open("events.jsonl", "a") as stream:
            stream.write(jsonargs + "\\n")
        return types.SimpleNamespace(status=200), b""
    entries = state[path.rpartition("/nobody/TA_botnet_playbook/")[2]]
    return types.SimpleNamespace(status=200), json.dumps({"entry": [{"content": one} for one in entries]}).encode()
"""


class SplunkEs:
    """A search head with the add-on, its configuration and its tokens."""

    def __init__(self, archive: Path, folder: Path, access: Access) -> None:
        with tarfile.open(archive) as app:
            app.extractall(folder, filter="data")
        self._folder, self.app = folder, folder / "TA_botnet_playbook"
        (folder / "splunk").mkdir()
        (folder / "splunk" / "__init__.py").write_text("")
        (folder / "splunk" / "rest.py").write_text(REST, encoding="utf-8")
        passwords = [
            {"realm": "botnet_playbook", "username": "token", "clear_password": access.token},
            {"realm": "botnet_playbook", "username": "response_token", "clear_password": access.response_token},
            {"realm": "other", "username": "token", "clear_password": "of another app"},
        ]
        state = {"configs/conf-botnet_playbook/service": [{"url": access.address}], "storage/passwords": passwords}
        (folder / "splunk.json").write_text(json.dumps({"session_key": "s1", **state}), encoding="utf-8")
        self.stanzas = configparser.ConfigParser(interpolation=None)
        self.stanzas.read(self.app / "default" / "alert_actions.conf", encoding="utf-8")

    def offered(self, name: str) -> list[str]:
        """The choices of the form."""
        form = (self.app / "default" / "data" / "ui" / "alerts" / f"{name}.html").read_text(encoding="utf-8")
        return re.findall(r'<option value="(\w+)">', form)

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """The response on one result, whose columns are the inputs; what is left out is what a search never gives."""
        name = next(one for one in self.stanzas.sections() if identifier in self.offered(one))
        row = json.loads(given["alert"]) if "alert" in given else given
        code, events, log = self.run(name, identifier, [row])
        good = all(one["status"] == "success" for one in events)
        assert (code == 0) == good, log
        text = "\n".join(one["message"] for one in events)
        assert "Traceback" not in log
        return Reply(good, tuple(events) if good else (), text)

    def run(
        self, name: str, identifier: str, rows: list[dict[str, Any]], session_key: str = "s1"
    ) -> tuple[int, Any, str]:
        """One run by splunkd: exit code, the events that it indexed, its stderr."""
        columns = sorted({column for row in rows for column in row})
        with gzip.open(self._folder / "results.csv.gz", "wt", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, [*columns, "__mv_x"])
            writer.writeheader()
            writer.writerows(rows)
        declared = {k.removeprefix("param."): v for k, v in self.stanzas[name].items() if k.startswith("param.")}
        payload = {
            "search_name": "x",
            "sid": "1.2",
            "session_key": session_key,
            "results_file": str(self._folder / "results.csv.gz"),
            "configuration": declared | {"action": identifier},
        }
        program = self.app / "bin" / f"{name}.py"
        (self._folder / "events.jsonl").write_text("", encoding="utf-8")
        done = process(
            [PYTHON, "-S", program, "--execute"], self._folder, json.dumps(payload), {"PYTHONPATH": str(self._folder)}
        )
        lines = (self._folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
        return done.returncode, [json.loads(line) for line in lines], done.stderr


def install(built: Path, folder: Path, access: Access) -> SplunkEs:
    """The add-on that was built."""
    (archive,) = built.glob("*.tgz")
    return SplunkEs(archive, folder, access)
