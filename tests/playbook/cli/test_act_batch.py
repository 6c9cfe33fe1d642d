"""act --batch: many actions in one process, an answer a line in order, and a bad line costs no other."""

import json

import pytest
from click.testing import CliRunner

from playbook import actions
from playbook.cli import act
from tests.playbook.actions.world import ROW

NETWORKS = '[networks]\nlab = ["203.0.113.0/24"]\n'


def batch(tmp_path, lines, *arguments):
    (tmp_path / "playbook.toml").write_text(NETWORKS)
    text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    done = CliRunner().invoke(
        act.command, ["--config", str(tmp_path / "playbook.toml"), *arguments, "--batch", "-"], input=text
    )
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()], done


def test_each_line_is_answered_as_the_action_alone_would_be(tmp_path):
    lines = [
        {"action": "judge_detection", "input": ROW, "id": 7},
        {"action": "list_exceptions"},
        {"action": "look up address", "input": {"address": "203.0.113.9"}, "id": "b"},
    ]
    code, answers, _ = batch(tmp_path, lines)
    assert code == 0 and [one.get("id") for one in answers] == [7, None, "b"]
    assert [one["action"] for one in answers] == ["judge_detection", "list_exceptions", "look_up_address"]
    for line, answer in zip(lines, answers, strict=True):
        alone = CliRunner().invoke(
            act.command,
            [line["action"], "--config", str(tmp_path / "playbook.toml"), "--input", "-"],
            input=json.dumps(line.get("input", {})),
        )
        assert json.loads(alone.stdout)["data"] == answer["data"]


def test_the_name_once_and_inputs_alone(tmp_path):
    code, answers, _ = batch(tmp_path, [ROW, "\n", ROW | {"dst_port": 443}], "judge_detection")
    assert code == 0 and [one["data"][0]["dst_port"] for one in answers] == [6667, 443]


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("{\n", 2, "line 2: expected a flat JSON object"),
        ("[1]\n", 2, "not list"),
        ("\xff\n", 2, "line 2"),
        ({"action": "format_disk"}, 2, "is no action"),
        ({"input": {}}, 2, 'expected {"action": NAME'),
        ({"action": "judge_detection", "input": ROW | {"dst_port": True}}, 2, "not a boolean"),
        ({"action": "block_address", "input": {}}, 2, "required"),
        ({"action": "get_case", "input": {"case_id": "C-0123456789ab"}}, 5, "[state]"),
        ({"action": 7}, 2, "expected"),
        ({"action": "judge_detection", "input": ROW, "more": 1}, 2, "expected"),
        ("x" * 1_100_000 + "\n", 2, "line 2"),
    ],
)
def test_a_bad_line_fails_alone_and_the_worst_decides_the_exit_code(tmp_path, line, code, words):
    good = {"action": "judge_detection", "input": ROW}
    exit_code, answers, _ = batch(tmp_path, [good, line, good])
    assert exit_code == code and answers[0]["status"] == answers[-1]["status"] == "success"
    failed = [one for one in answers if one["status"] == "failed"]
    assert words in failed[0]["error"] and failed[0]["data"] == []


def test_batch_takes_no_other_inputs(tmp_path):
    code, answers, done = batch(tmp_path, [], "--param", "a=b")
    assert code == 2 and answers == [] and "--batch takes its inputs" in done.output
    assert CliRunner().invoke(act.command, []).exit_code == 2


def test_connectors_are_wired_once(tmp_path, monkeypatch):
    wired = []
    real = actions.find("judge_detection")
    assert real is not None
    monkeypatch.setattr(act, "shared", lambda inner: wired.append(inner) or inner)
    batch(tmp_path, [{"action": "list_exceptions"}] * 5)
    assert len(wired) == 1
