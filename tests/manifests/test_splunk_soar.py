"""The Splunk SOAR app: Splunk's own schema where it is present, its naming rules always, and the connector's deeds."""

import importlib.util
import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType, SimpleNamespace

import jsonschema
import pytest

from playbook.actions import catalogue
from tests.support.public_data import DATA

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "manifests" / "splunk_soar"
SCHEMA = DATA / "schemas" / "splunk_soar" / "app_schema.json"
APP = json.loads((PACKAGE / "botnet_playbook.json").read_text(encoding="utf-8"))
ACTIONS = {action["identifier"]: action for action in APP["actions"]}
# What comes from the catalogue; on_poll gives containers and no rows.
CALLED = [action for action in APP["actions"] if action["type"] != "ingest"]
# The types that Splunk's schema knows for an action, and for a parameter of one.
ACTION_TYPES = {"generic", "investigate", "contain", "correct", "test", "ingest"}
DATA_TYPES = {"string", "numeric", "boolean"}


# No package registry has the schema.
@pytest.mark.real_data
@pytest.mark.skipif(not SCHEMA.is_file(), reason="Splunk's schema is not on this machine")
def test_splunks_own_schema_accepts_the_app():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    assert [f"{fault.json_path}: {fault.message}" for fault in checker.iter_errors(APP)] == []


def test_the_app_has_what_the_platform_requires():
    required = {
        "actions",
        "app_version",
        "appid",
        "configuration",
        "description",
        "license",
        "logo",
        "logo_dark",
        "main_module",
        "min_phantom_version",
        "name",
        "package_name",
        "product_name",
        "product_vendor",
        "product_version_regex",
        "publisher",
        "python_version",
        "type",
    }
    assert required <= APP.keys()
    assert re.fullmatch(r"\d+\.\d+\.\d+", APP["app_version"])
    assert (PACKAGE / APP["main_module"]).is_file() and APP["main_module"].endswith(".py")
    assert not any("default" in field for field in APP["configuration"].values() if field["data_type"] == "password")
    assert ACTIONS.keys() == {action.identifier for action in catalogue()} | {"on_poll"}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action["identifier"])
def test_an_action_holds_to_the_naming_rules(action):
    assert re.fullmatch(r"[a-z]+( [a-z]+)+", action["action"])
    assert action["identifier"] == action["action"].replace(" ", "_")
    assert action["type"] in ACTION_TYPES and isinstance(action["read_only"], bool)
    described = (action["description"], action["verbose"], *(p["description"] for p in action["parameters"].values()))
    assert not any(text[0].islower() for text in described)
    assert not action["description"].endswith(".")
    assert [p["order"] for p in action["parameters"].values()] == list(range(len(action["parameters"])))
    assert {p["data_type"] for p in action["parameters"].values()} <= DATA_TYPES
    assert not any("default" in p for p in action["parameters"].values() if p["required"])


@pytest.mark.parametrize("action", CALLED, ids=lambda action: action["identifier"])
def test_every_output_is_documented_and_every_parameter_repeated_as_it_is(action):
    paths = {one["data_path"]: one for one in action["output"]}
    assert len(paths) == len(action["output"])
    assert {
        "action_result.status",
        "action_result.message",
        "summary.total_objects",
        "summary.total_objects_successful",
    } <= paths.keys()
    start = "action_result.parameter."
    repeated = {path.removeprefix(start): one for path, one in paths.items() if path.startswith(start)}
    assert repeated.keys() == action["parameters"].keys()
    for name, parameter in action["parameters"].items():
        assert repeated[name].get("contains") == parameter.get("contains")
        assert repeated[name]["data_type"] == parameter["data_type"]
    columns = [one["column_order"] for one in action["output"] if "column_order" in one]
    assert columns == list(range(len(columns)))
    documented = {path.removeprefix("action_result.data.*.") for path in paths if ".data.*." in path}
    assert documented == {
        slot.name for action_ in catalogue() if action_.identifier == action["identifier"] for slot in action_.outputs
    }


def test_the_approval_switch_is_off_for_what_reads_and_on_for_what_changes():
    assert {name for name, action in ACTIONS.items() if not action["read_only"]} == {
        "add_exception",
        "block_address",
        "block_pair",
        "isolate_host",
        "release_address",
        "release_pair",
        "release_host",
        "file_detection",
        "resolve_case",
        "comment_case",
        "approve_plan",
        "deny_plan",
        "write_outcome",
    }


@pytest.mark.parametrize("name", ["logo.svg", "logo_dark.svg"])
def test_a_logo_is_plain_svg_with_a_size(name):
    text = (PACKAGE / name).read_text(encoding="utf-8")
    root = ET.fromstring(text)
    assert (root.tag, root.get("width"), root.get("height")) == ("{http://www.w3.org/2000/svg}svg", "100", "100")
    assert "<!" not in text and "script" not in text


# --- the connector, under stand-ins for the platform's own modules -------------------------------------------------


class Result:
    def __init__(self, param: dict) -> None:
        self.param, self.rows, self.summary, self.status, self.message = param, [], {}, None, ""

    def add_data(self, row: dict) -> None:
        self.rows.append(row)

    def update_summary(self, values: dict) -> None:
        self.summary |= values

    def set_status(self, status: bool, message: str) -> bool:
        self.status, self.message = status, message
        return status


class Base:
    """What the platform's base class does, as far as the connector uses it."""

    def __init__(self, identifier: str, asset: dict) -> None:
        self.identifier, self.asset, self.results = identifier, asset, []

    def get_action_identifier(self) -> str:
        return self.identifier

    def get_config(self) -> dict:
        return self.asset

    def add_action_result(self, result: Result) -> Result:
        self.results.append(result)
        return result

    def save_progress(self, text: str, *values: str) -> None:
        self.progress = text.format(*values)


@pytest.fixture
def connector(monkeypatch) -> ModuleType:
    app = SimpleNamespace(APP_SUCCESS=True, APP_ERROR=False)
    stands = {
        "phantom": SimpleNamespace(app=app),
        "phantom.app": app,
        "phantom.action_result": SimpleNamespace(ActionResult=Result),
        "phantom.base_connector": SimpleNamespace(BaseConnector=Base),
    }
    for name, module in stands.items():
        monkeypatch.setitem(sys.modules, name, module)
    # The platform starts the app in its own folder.
    monkeypatch.syspath_prepend(str(PACKAGE))
    spec = importlib.util.spec_from_file_location("soar_app", PACKAGE / APP["main_module"])
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def run(connector: ModuleType, identifier: str, param: dict, **asset: str) -> Result:
    one = connector.BotnetPlaybookConnector(identifier, asset)
    one.handle_action(param)
    return one.results[0]


def test_an_action_gives_its_rows_and_the_platforms_own_parameters_are_left_out(connector):
    result = run(connector, "look_up_address", {"address": "10.0.0.1", "context": {"guid": "x"}})
    assert result.status is True, result.message
    assert [row["why_not_global"] for row in result.rows] == ["private (RFC 1918)"]
    assert result.summary == {"rows": 1, "complete": True}


def test_an_incomplete_answer_is_a_failed_result_that_keeps_its_rows(connector, tmp_path):
    config = tmp_path / "playbook.toml"
    config.write_text('[enrichers.own]\nkind = "lists"\n[enrichers.own.extra.x]\npath = "gone.txt"\ncategory = "cdn"\n')
    result = run(connector, "look_up_address", {"address": "9.9.9.9"}, config_file=str(config))
    assert result.status is False and len(result.rows) == 1
    assert result.rows[0]["unavailable"].startswith("own: ")


@pytest.mark.parametrize(
    ("identifier", "param", "asset", "said"),
    [
        ("look_up_address", {"address": "nonsense"}, {}, "address: "),
        (
            "block_address",
            {"address": "9.9.9.9", "plan_id": "P-0123456789ab", "digest": "ab" * 32, "approved_by": "alice"},
            {},
            "nothing was changed",
        ),
        ("look_up_address", {"address": "9.9.9.9"}, {"secrets": '{"A": "hunter2"'}, "secrets: expected a JSON object"),
        ("look_up_address", {"address": "9.9.9.9"}, {"secrets": '{"A": 1}'}, "secrets: expected a JSON object"),
    ],
)
def test_what_goes_wrong_is_a_failed_result_that_says_why_and_no_secret(connector, identifier, param, asset, said):
    result = run(connector, identifier, param, **asset)
    assert (result.status, result.rows, result.summary["complete"]) == (False, [], False)
    assert said in result.message and "hunter2" not in result.message


def test_secrets_reach_the_playbook_as_the_variables_that_the_configuration_names(connector, tmp_path):
    config = tmp_path / "playbook.toml"
    config.write_text(
        '[sources.s]\nkind = "sumologic"\nbase_url = "https://api.sumologic.com"\n'
        'access_id_env = "S_ID"\naccess_key_env = "S_KEY"\nwrong = 1\n'
    )
    asset = {"config_file": str(config), "secrets": '{"S_ID": "one", "S_KEY": "hunter2"}'}
    result = run(connector, "fetch_detections", {}, **asset)
    assert "wrong: unknown key" in result.message and "S_ID" not in result.message
    assert "hunter2" not in result.message
    assert "S_ID is not set" in run(connector, "fetch_detections", {}, config_file=str(config)).message
