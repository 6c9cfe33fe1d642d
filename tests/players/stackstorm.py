"""StackStorm: the pack unpacked, its actions by the Python runner's convention, its sensor polled.

The runner checks the parameters against the action's metadata, puts ``actions/lib`` on the path, finds the one subclass
of ``Action``, gives it the pack's configuration and calls ``run``; (False, result) is a failed execution.
"""

import json
import tarfile
from pathlib import Path
from typing import Any

import yaml

from tests.players import PYTHON, Access, Reply, process

HOST = """
import inspect, json, sys, types
wish = json.loads(sys.stdin.read())
out = {"dispatched": [], "errors": []}


class Action:
    def __init__(self, config=None, action_service=None):
        self.config = config


class PollingSensor:
    def __init__(self, sensor_service, config=None, poll_interval=None):
        self.sensor_service, self.config = sensor_service, config


class Service:
    def get_logger(self, name):
        return types.SimpleNamespace(error=out["errors"].append)

    def get_value(self, name):
        return wish["store"].get(name)

    def set_value(self, name, value):
        wish["store"][name] = value

    def dispatch(self, trigger, payload, trace_tag=None):
        out["dispatched"].append([trigger, payload])


def module(name, **content):
    made = types.ModuleType(name)
    vars(made).update(content)
    sys.modules[name] = made


for name in ("st2common", "st2common.runners", "st2reactor", "st2reactor.sensor"):
    module(name)
module("st2common.runners.base_action", Action=Action)
module("st2reactor.sensor.base", PollingSensor=PollingSensor)
if wish["sensor"]:
    namespace = {"__file__": wish["file"], "__name__": "cases"}
    exec(compile(open(wish["file"]).read(), wish["file"], "exec"), namespace)
    namespace[wish["sensor"]](Service(), config=wish["config"], poll_interval=60).poll()
    print(json.dumps({**out, "store": wish["store"]}))
else:
    sys.path.insert(0, "botnet_playbook/actions/lib")
    namespace = {"__name__": "action"}
    exec(compile(open(wish["file"]).read(), wish["file"], "exec"), namespace)
    kinds = [one for one in namespace.values() if inspect.isclass(one) and issubclass(one, Action)]
    (kind,) = [one for one in kinds if one is not Action]
    print(json.dumps(kind(config=wish["config"]).run(**wish["parameters"])))
"""
_KINDS = {"string": str, "integer": int, "number": (int, float), "boolean": bool}


class StackStorm:
    """A registered pack with its configuration."""

    def __init__(self, archive: Path, folder: Path, access: Access) -> None:
        with tarfile.open(archive) as pack:
            pack.extractall(folder, filter="data")
        (folder / "host.py").write_text(HOST, encoding="utf-8")
        self._folder, self.pack, self.store = folder, folder / "botnet_playbook", {}
        schema = yaml.safe_load((self.pack / "config.schema.yaml").read_text(encoding="utf-8"))
        self.config = {"url": access.address, "token": access.token, "response_token": access.response_token}
        assert self.config.keys() <= schema.keys()
        self.config["first_poll_days"] = 9000

    def metadata(self, identifier: str) -> dict[str, Any]:
        """An action's YAML."""
        return dict(yaml.safe_load((self.pack / "actions" / f"{identifier}.yaml").read_text(encoding="utf-8")))

    def call(self, identifier: str, given: dict[str, Any]) -> Reply:
        """`st2 run botnet_playbook.IDENTIFIER name=value ...`."""
        metadata = self.metadata(identifier)
        declared = metadata["parameters"]
        values = {name: one.get("default") for name, one in declared.items()} | given
        assert values.keys() <= declared.keys()
        assert all(value is None or isinstance(value, _KINDS[declared[name]["type"]]) for name, value in values.items())
        file = f"botnet_playbook/actions/{metadata['entry_point']}"
        ok, result = self._run({"sensor": "", "file": file, "parameters": values})
        return Reply(ok, tuple(result["data"]), result["message"] if ok else result["error"])

    def poll(self) -> dict[str, Any]:
        """One poll of the sensor: what it dispatched and logged."""
        sensor = yaml.safe_load((self.pack / "sensors" / "cases.yaml").read_text(encoding="utf-8"))
        file = f"botnet_playbook/sensors/{sensor['entry_point']}"
        out = self._run({"sensor": sensor["class_name"], "file": file})
        self.store = out["store"]
        return dict(out)

    def _run(self, wish: dict[str, Any]) -> Any:
        document = json.dumps({"config": self.config, "store": self.store, **wish})
        done = process([PYTHON, "-S", "host.py"], self._folder, document)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def install(built: Path, folder: Path, access: Access) -> StackStorm:
    """The pack that was built."""
    (archive,) = built.glob("*.tar.gz")
    return StackStorm(archive, folder, access)
