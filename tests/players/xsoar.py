"""Cortex XSOAR: the uploaded pack's integration, whole in one YAML file, under a stand-in for the server's modules.

The server puts its own modules in front of the program and runs it once a command; what the program hands to
``demisto`` is what the user's war room shows: an entry of type 4 is an error.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import yaml

from tests.players import PYTHON, Access, Reply, process

HOST = """
import json, sys
from datetime import datetime, timedelta


class demisto:
    wish = json.loads(sys.stdin.read())
    out = {"results": [], "incidents": None, "last_run": None}
    command = staticmethod(lambda: demisto.wish["command"])
    args = staticmethod(lambda: demisto.wish["args"])
    params = staticmethod(lambda: demisto.wish["params"])
    getLastRun = staticmethod(lambda: demisto.wish["last_run"])
    debug = staticmethod(lambda text: None)

    @staticmethod
    def setLastRun(value):
        demisto.out["last_run"] = value

    @staticmethod
    def incidents(some):
        demisto.out["incidents"] = some

    @staticmethod
    def results(entry):
        demisto.out["results"].append(entry)


class CommandResults:
    def __init__(self, outputs_prefix=None, outputs_key_field=None, outputs=None, readable_output=None,
                 raw_response=None):
        key = f"(val.{outputs_key_field} && val.{outputs_key_field} == obj.{outputs_key_field})"
        self.entry = {"Type": 1, "ContentsFormat": "json", "Contents": raw_response, "HumanReadable": readable_output,
                      "EntryContext": {outputs_prefix + (key if outputs_key_field else ""): outputs}}


def tableToMarkdown(name, t, removeNull=False):
    return "### " + name + "\\n" + "\\n".join(f"|{k}|{v}|" for row in t for k, v in row.items() if v or not removeNull)


def return_results(results):
    demisto.results(results.entry if isinstance(results, CommandResults) else results)


def return_error(message, error="", outputs=None):
    demisto.results({"Type": 4, "ContentsFormat": "text", "Contents": message})
    sys.exit(0)


try:
    exec(compile(open("integration.py").read(), "integration", "exec"), globals() | {"__name__": "__builtin__"})
finally:
    print(json.dumps(demisto.out))
"""


class Xsoar:
    """One instance of the integration."""

    def __init__(self, pack: Path, folder: Path, access: Access, **params: Any) -> None:
        with zipfile.ZipFile(pack) as archive:
            self.yaml = yaml.safe_load(archive.read("Integrations/integration-BotnetPlaybook.yml"))
        self.commands = {one["name"]: one for one in self.yaml["script"]["commands"]}
        defaults = {one["name"]: one["defaultvalue"] for one in self.yaml["configuration"] if "defaultvalue" in one}
        self._folder, self.last_run = folder, {}
        self.params = {
            **defaults,
            "url": access.address,
            "credentials": {"identifier": "", "password": access.token},
            "response_credentials": {"identifier": "", "password": access.response_token},
            **params,
        }
        (folder / "integration.py").write_text(self.yaml["script"]["script"], encoding="utf-8")
        (folder / "host.py").write_text(HOST, encoding="utf-8")

    def run(self, command: str, args: dict[str, str]) -> dict[str, Any]:
        """One run of the container: what was handed to the server."""
        wish = {"command": command, "args": args, "params": self.params, "last_run": self.last_run}
        done = process([PYTHON, "-S", "host.py"], self._folder, json.dumps(wish))
        assert done.returncode == 0, done.stderr
        out = json.loads(done.stdout)
        self.last_run = self.last_run if out["last_run"] is None else out["last_run"]
        return out

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """A command as an analyst or a playbook gives it: the server passes declared arguments, all of them texts."""
        command = f"botnet-{identifier.replace('_', '-')}"
        declared = {one["name"]: one for one in self.commands[command]["arguments"]}
        assert given.keys() <= declared.keys()
        args = {name: str(value) for name, value in given.items()}
        (entry,) = self.run(command, args)["results"]
        if entry["Type"] == 4:
            return Reply(False, (), entry["Contents"])
        (rows,) = entry["EntryContext"].values()
        incomplete = entry["HumanReadable"].startswith("### INCOMPLETE")
        return Reply(not incomplete, tuple(rows), entry["HumanReadable"])


def install(built: Path, folder: Path, access: Access, **params: Any) -> Xsoar:
    """An instance of the uploaded pack's integration."""
    return Xsoar(built / "BotnetBeaconingResponse.zip", folder, access, **params)
