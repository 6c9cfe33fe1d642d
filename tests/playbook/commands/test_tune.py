"""tune on the command line: one document, nothing stored, harmless text, and exit codes as promised."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import playbook.sample
from playbook.__main__ import cli
from playbook.commands import tune
from playbook.tuning import Candidate

SAMPLE = Path(next(iter(playbook.sample.__path__)))
_HEAD = "time,hostname,src_ip,dst_ip,dst_port,bytes_sent,bytes_rcvd,process_name\n"


def tuned(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["tune", *arguments], env={"COLUMNS": "100"})


@pytest.fixture(scope="module")
def told() -> dict:
    done = tuned("--config", str(SAMPLE / "sample.toml"), "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_one_document_with_what_each_number_would_have_raised(told: dict) -> None:
    assert told["as_configured"] == {"proposed": 5, "ticket": 2, "watch": 0, "closed": 10, "gated": 3}
    assert (told["source"], told["rows_read"], told["complete"]) == ("sample", 6611, True)
    flips = {f"{one['rule']}.{one['parameter']}": one for one in told["thresholds"] if one["changes"]}
    steady = flips["steady_interval.least_score"]
    assert steady["would_be"] == 1.0
    assert {"host": "acct-07", "was": "proposed", "becomes": "ticket"} in steady["changes"]
    for one in told["thresholds"]:
        assert sum(one["counts"].values()) == sum(told["as_configured"].values())


def test_a_command_that_it_shows_does_what_it_says(told: dict, tmp_path: Path) -> None:
    folder = shutil.copytree(SAMPLE, tmp_path / "s", ignore=shutil.ignore_patterns("__pycache__"))
    config = ("--config", str(folder / "sample.toml"))
    (one,) = [one for one in told["exceptions"] if one["destination"] == "203.0.113.71"]
    (command,) = one["commands"]
    words = command.replace("WHO", "storage").replace("WHY", "test").replace("YYYY-MM-DD", "2026-04-01").split()[1:]
    assert CliRunner().invoke(cli, [*words, *config]).exit_code == 0
    run = json.loads(CliRunner().invoke(cli, ["run", *config, "--dry-run", "--json"]).stdout)
    status = {case["host"]: case["status"] for case in run["cases"]}
    assert all(status[change["host"]] == change["becomes"] for change in one["changes"]) and one["changes"]


def test_the_text_says_what_changes_and_warns_of_exceptions() -> None:
    done = tuned("--config", str(SAMPLE / "sample.toml"))
    assert "steady_interval.least_score is 0.5" in done.stdout
    assert "other values of [policy.rules] change nothing." in done.stdout
    assert "Enter one only if you know what it is" in done.stdout
    assert "exceptions add --source media-02 --destination 192.0.2.70 --port 6881" in done.stdout
    assert "branch_sessions.csv: cannot be read" in done.stderr


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    """A day of DNS to a public resolver."""
    (tmp_path / "a.csv").write_text(_HEAD + "".join(
        f"{1772409600 + n * 300},,10.1.2.3,8.8.8.8,53,10,10,\n" for n in range(288)), encoding="utf-8")
    return tmp_path / "a.csv"


def test_nothing_is_stored(quiet: Path) -> None:
    (quiet.parent / "c.toml").write_text('[state]\nurl = "sqlite:///state.db"\n')
    before = sorted(quiet.parent.rglob("*"))
    assert tuned(str(quiet), "--config", str(quiet.parent / "c.toml")).exit_code == 0
    assert sorted(quiet.parent.rglob("*")) == before


def test_log_files_are_named_without_a_source_and_a_quiet_log_spares_nobody(quiet: Path) -> None:
    done = tuned(str(quiet))
    assert done.exit_code == 0, done.stderr
    assert "1 gated" in done.stdout and "No exception for one destination would spare anybody work." in done.stdout
    assert tuned(str(quiet), "--source", "x").exit_code == 2
    assert tuned("--config", str(SAMPLE / "sample.toml"), "--source", "none").exit_code == 2


def test_a_log_that_is_not_whole_is_incomplete(tmp_path: Path) -> None:
    cut = tmp_path / "conn.log.gz"
    cut.write_bytes((SAMPLE / "logs" / "conn.log.gz").read_bytes()[:40_000])
    assert tuned(str(cut), "--json").exit_code == 4


def test_a_host_name_cannot_write_a_command_of_its_own() -> None:
    (command,) = tune._commands(Candidate("203.0.113.9", 443, ("a\x1b[2Jb'; rm -rf ~ #",), ()))
    assert "\x1b" not in command and "--source 'ab'\"'\"'; rm -rf ~ #' --destination" in command
