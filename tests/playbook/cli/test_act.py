"""act and actions as a platform calls them: JSON in, one JSON document out, the exit code, and what gets imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import playbook.sample
from playbook import actions
from playbook.__main__ import cli
from playbook.actions import identifiers
from playbook.errors import Incomplete, LimitExceeded, PlaybookError, Unauthorized, Unreachable
from tests.support.processes import case_of, run_config

SAMPLE = str(Path(next(iter(playbook.sample.__path__))) / "sample.toml")
# What only an extra brings; maxminddb is not among them, as the AS table asks for it and goes on without.
EXTRAS = {
    "cronsim",
    "dbos",
    "duckdb",
    "fastapi",
    "icalendar",
    "jinja2",
    "platformdirs",
    "publicsuffixlist",
    "pyrate_limiter",
    "recurring_ical_events",
    "rich",
    "sqlalchemy",
    "tenacity",
    "yaml",
    "zstandard",
}
NETWORKS = "[networks]\nlab = ['203.0.113.0/24']\n"


def act(*arguments: str, given: str | None = None) -> tuple[int, dict | None]:
    done = CliRunner().invoke(cli, ["act", *arguments], input=given)
    code = done.exception.exit_code if isinstance(done.exception, PlaybookError) else done.exit_code
    return code, json.loads(done.stdout) if done.stdout else None


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "playbook.toml"
    path.write_text(NETWORKS, encoding="utf-8")
    return str(path)


def test_every_action_is_listed_for_people_and_for_machines():
    listed = json.loads(CliRunner().invoke(cli, ["actions", "--json"]).stdout)["actions"]
    assert {one["identifier"] for one in listed} == set(identifiers())
    assert all(one["outputs"] and isinstance(one["read_only"], bool) for one in listed)
    told = CliRunner().invoke(cli, ["actions"]).stdout
    assert "block_pair" in told and "changes something" in told


def test_an_answer_is_one_document_and_needs_no_configuration():
    code, document = act("look_up_address", "--param", "address=8.8.8.8", "--json")
    assert (code, document["status"], document["action"]) == (0, "success", "look_up_address")
    (row,) = document["data"]
    assert row["asn"] == 15169 and all(not isinstance(value, list | dict) for value in row.values())


def test_input_comes_from_a_file_from_stdin_and_from_options_together(tmp_path):
    file = tmp_path / "in.json"
    file.write_text('{"address": "10.0.0.1"}', encoding="utf-8")
    assert act("look_up_address", "--input", str(file))[1]["data"][0]["is_global"] is False
    assert act("look_up_address", "--input", "-", given='{"address": "10.0.0.1"}')[0] == 0
    assert act("look_up_host", "--input", "-", "--param", "host=x", given='{"address": null}')[0] == 0


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (["nonsense"], None, "no action"),
        (["look_up_address", "--param", "address"], None, "expected KEY=VALUE"),
        (["look_up_address", "--param", "address=1.1.1.1", "--param", "address=2.2.2.2"], None, "given twice"),
        (["look_up_address", "--input", "-", "--param", "address=1.1.1.1"], '{"address": "2.2.2.2"}', "given twice"),
        (["look_up_address", "--input", "-"], "[1]", "not list"),
        (["look_up_address", "--input", "-"], "{", "expected a flat JSON object"),
        (["look_up_address", "--input", "-"], '{"address": "1.1.1.1", "address": ""}', "a key stands in it twice"),
        (["look_up_address", "--input", "-"], '{"address": {"ip": "1.1.1.1"}}', "address: expected text"),
        (["look_up_address", "--input", "-"], "[" * 100_000, "expected a flat JSON object"),
        (["look_up_address", "--input", "-"], '{"address": "' + "1" * 2**20 + '"}', "larger than"),
        (["look_up_address", "--input", "/nowhere/in.json"], None, "/nowhere/in.json"),
        (["look_up_address", "--config", "/nowhere.toml"], None, "/nowhere.toml"),
    ],
)
def test_bad_input_is_one_failed_document_and_exit_2(arguments, given, said):
    code, document = act(*arguments, "--json", given=given)
    assert code == 2
    assert (document["status"], document["exit_code"], document["data"]) == ("failed", 2, [])
    assert said in document["error"]
    assert act(*arguments, given=given) == (2, None), "without --json stdout stays empty"


def test_an_unanswered_question_is_exit_4_with_the_rows_that_are_known(tmp_path):
    path = tmp_path / "playbook.toml"
    path.write_text('[enrichers.inventory]\nkind = "inventory"\nhosts = "gone.csv"\n', encoding="utf-8")
    code, document = act("look_up_host", "--config", str(path), "--param", "host=ws-1")
    assert (code, document["status"], document["complete"]) == (4, "incomplete", False)
    assert "gone.csv" in document["warnings"][0]


def test_a_missing_secret_names_the_variable(tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    path = tmp_path / "playbook.toml"
    path.write_text(
        '[sources.sumo]\nkind = "sumologic"\nbase_url = "https://api.sumologic.com"\n'
        'access_id_env = "NOT_SET_HERE"\naccess_key_env = "NOT_SET_HERE"\n',
        encoding="utf-8",
    )
    code, document = act("fetch_detections", "--config", str(path), "--json")
    assert code == 2 and "NOT_SET_HERE" in document["error"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Unauthorized("SUMO_ACCESS_KEY was refused"), 3),
        (Unreachable("no answer"), 4),
        (Incomplete("half of it"), 4),
        (LimitExceeded("too many"), 5),
        (ModuleNotFoundError("x", name="duckdb"), 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_failure_has_its_exit_code_in_the_document_too(monkeypatch, fault, code):
    def fail(given, outside):
        raise fault

    monkeypatch.setattr(actions.find("list_exceptions").module, "run", fail)
    done = CliRunner().invoke(cli, ["act", "list_exceptions", "--json"])
    document = json.loads(done.stdout)
    assert (document["status"], document["exit_code"], document["complete"]) == ("failed", code, False)
    assert (str(fault) in document["error"]) or "duckdb is not installed" in document["error"]


def test_numbers_may_come_as_text_as_many_platforms_send_them(config):
    columns = {
        "src_ip": "10.20.0.31",
        "dst_ip": "203.0.113.66",
        "dst_port": "6667",
        "connections": "288.0",
        "hourly_buckets": "24",
        "first_seen": "2026-03-02",
        "last_seen": "2026-03-03",
        "bytes_known": "false",
        "avg_per_hour": "",
        "processes": None,
    }
    code, document = act("judge_detection", "--config", config, "--input", "-", given=json.dumps(columns))
    assert (code, document["data"][0]["beaconing_score"]) == (0, 3)


def test_a_change_is_refused_with_exit_5(config):
    approved = {"plan_id": "P-0123456789ab", "digest": "ab" * 32, "approved_by": "alice", "address": "203.0.113.66"}
    code, document = act("block_address", "--config", config, "--input", "-", "--json", given=json.dumps(approved))
    assert (code, document["status"], document["exit_code"]) == (5, "failed", 5)
    assert "nothing was changed" in document["error"]


def test_a_row_goes_from_fetch_to_judge_to_propose_as_it_is():
    code, fetched = act("fetch_detections", "--config", SAMPLE, "--json")
    assert code == 0 and len(fetched["data"]) > 10
    row = json.dumps(next(r for r in fetched["data"] if r["services"] == "irc"))
    _, judged = act("judge_detection", "--config", SAMPLE, "--input", "-", given=row)
    verdict = judged["data"][0]
    assert (verdict["disposition"], verdict["detection_id"]) == ("TRUE_POSITIVE", json.loads(row)["detection_id"])
    assert "beacon score" in verdict["reasons"], "the source was asked for the traffic behind the row"
    _, proposed = act("propose_response", "--config", SAMPLE, "--input", "-", given=row)
    (step,) = proposed["data"]
    case = case_of(run_config(Path(SAMPLE)), verdict["host"])
    assert (step["case_id"], step["digest"]) == (case.case_id, case.plan.digest), "the same plan as a run proposes"


def imported_by(*arguments: str) -> set[str]:
    code = (
        "import sys; from playbook.__main__ import cli; cli.main(sys.argv[1:], standalone_mode=False); "
        "print(*(m.split('.')[0] for m in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "", "HOME": "/nonexistent"},
        cwd=Path(__file__).parents[3],
    )
    assert "Traceback" not in done.stderr, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["act", "--help"], ["act", "look_up_address", "--param", "address=8.8.8.8"]])
def test_reading_needs_the_core_alone(arguments):
    imported = imported_by(*arguments)
    assert "playbook" in imported
    assert not imported & EXTRAS


def test_help_wires_no_connector_and_no_rule():
    code = (
        "import sys; from playbook.__main__ import cli; cli.main(['act', '--help'], standalone_mode=False); "
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    loaded = set(done.stderr.split())
    assert not {m for m in loaded if m.startswith(("connectors.", "playbook.rules.irc", "playbook.actions.look"))}
    assert "requests" not in loaded


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("plan_id", "P-123", "expected Identity of the approved plan: P- and 12 hexadecimal digits, such as P-0000"),
        ("digest", "latest", "expected SHA-256 of exactly the approved plan: 64 hexadecimal digits, such as 9f86d0"),
    ],
)
def test_a_wrong_plan_is_answered_in_words_with_an_example_and_no_pattern(config, field, value, words):
    right = {"plan_id": "P-0123456789ab", "digest": "ab" * 32, "approved_by": "alice", "address": "203.0.113.66"}
    given = json.dumps(right | {field: value})
    code, document = act("block_address", "--config", config, "--json", "--input", "-", given=given)
    assert code == 2 and f"block_address: {field}: {words}" in document["error"]
    assert "^" not in document["error"] and "pattern" not in document["error"]


@pytest.mark.parametrize("action", [a for a in actions.catalogue() if a.read_only], ids=lambda a: a.identifier)
def test_the_examples_of_an_action_can_be_given_together(tmp_path, action):
    logs = Path(SAMPLE).parent / "logs"
    (tmp_path / "playbook.toml").write_text(f'{NETWORKS}[sources.sumo]\nkind = "logs"\npaths = ["{logs}"]\n')
    given = json.dumps({slot.name: slot.example for slot in action.inputs if slot.example is not None})
    code, document = act(
        action.identifier, "--config", str(tmp_path / "playbook.toml"), "--json", "--input", "-", given=given
    )
    if action.on_record:
        assert code == 5 and "it needs [state]" in document["error"]
        return
    assert code in (0, 4) and document["status"] != "failed", document["message"]
