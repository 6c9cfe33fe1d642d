"""Google SecOps: the integration's folder as a package, an action run as the platform's worker does.

The worker hands over parameters by their names in words, all as text; what ``end`` is given is what the analyst sees.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import yaml

from tests.players import PYTHON, Access, Reply, process

HOST = """
import json, runpy, sys, types
wish = json.loads(sys.stdin.read())
out = {"json": []}


class Result:
    def add_result_json(self, value):
        out["json"] = value


class SiemplifyAction:
    def __init__(self):
        self.result, self.script_name = Result(), ""
        self.LOGGER = types.SimpleNamespace(error=lambda text: None, info=lambda text: None)

    def extract_configuration_param(self, provider_name, param_name, default_value=None, input_type=str,
                                    is_mandatory=False, print_value=False):
        return wish["configuration"].get(param_name, default_value)

    def extract_action_param(self, param_name, default_value=None, input_type=str, is_mandatory=False,
                             print_value=False):
        return wish["parameters"].get(param_name, default_value)

    def end(self, message, result_value, execution_state=0):
        print(json.dumps({**out, "message": message, "value": result_value, "state": execution_state}))


def module(name, **content):
    made = types.ModuleType(name)
    vars(made).update(content)
    sys.modules[name] = made


module("soar_sdk")
module("soar_sdk.ScriptResult", EXECUTION_STATE_COMPLETED=0, EXECUTION_STATE_FAILED=2)
module("soar_sdk.SiemplifyAction", SiemplifyAction=SiemplifyAction)
module("soar_sdk.SiemplifyUtils", output_handler=lambda function: function)
sys.path.insert(0, ".")
runpy.run_module("botnet_playbook.actions." + wish["script"], run_name="__main__")
"""


class SecOps:
    """An environment with one instance of the integration."""

    def __init__(self, archive: Path, folder: Path, access: Access) -> None:
        with zipfile.ZipFile(archive) as pack:
            pack.extractall(folder)
        (folder / "host.py").write_text(HOST, encoding="utf-8")
        self._folder, self.root = folder, folder / "botnet_playbook"
        self.definition = yaml.safe_load((self.root / "definition.yaml").read_text(encoding="utf-8"))
        self.configuration = {one["name"]: str(one["default_value"]) for one in self.definition["parameters"]}
        self.configuration |= {"Server Url": access.address, "Token": access.token}
        self.configuration["Response Token"] = access.response_token

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """An action of a playbook."""
        script = "".join(part.capitalize() for part in identifier.split("_"))
        declared = {one["name"]: one for one in self.action(script)["parameters"]}
        worded = {name.replace("_", " ").title(): str(value) for name, value in given.items()}
        assert worded.keys() <= declared.keys()
        return self.run(script, {name: one["default_value"] for name, one in declared.items()} | worded)

    def action(self, script: str) -> dict[str, Any]:
        """An action's YAML."""
        return dict(yaml.safe_load((self.root / "actions" / f"{script}.yaml").read_text(encoding="utf-8")))

    def run(self, script: str, parameters: dict[str, str]) -> Reply:
        """One run of a script."""
        wish = {"configuration": self.configuration, "parameters": parameters, "script": script}
        done = process([PYTHON, "-S", "host.py"], self._folder, json.dumps(wish))
        assert done.returncode == 0, done.stderr
        out = json.loads(done.stdout)
        assert (out["state"] == 0) == out["value"]
        return Reply(out["value"], tuple(out["json"]), out["message"])


def install(built: Path, folder: Path, access: Access) -> SecOps:
    """The integration that was built."""
    (archive,) = built.glob("*.zip")
    return SecOps(archive, folder, access)
