"""tune on the command line: one document, nothing stored, harmless text, and exit codes as promised."""

import gzip
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import playbook.sample
from playbook.__main__ import cli
from playbook.cli import _backtest, run, tune

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
    assert told["as_configured"] == {"proposed": 5, "ticket": 2, "watch": 0, "closed": 10, "filtered": 3}
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
    words = command.replace("WHO", "storage").replace("WHY", "test").replace(str(SAMPLE), str(folder)).split()[1:]
    assert CliRunner().invoke(cli, words).exit_code == 0
    run = json.loads(CliRunner().invoke(cli, ["run", *config, "--dry-run", "--json"]).stdout)
    status = {case["host"]: case["status"] for case in run["cases"]}
    assert all(status[change["host"]] == change["becomes"] for change in one["changes"]) and one["changes"]


def test_the_text_says_what_changes_and_warns_of_exceptions() -> None:
    done = tuned("--config", str(SAMPLE / "sample.toml"))
    assert "steady_interval.least_score is 0.5" in done.stdout
    assert "other values of [policy.rules] change nothing." in done.stdout
    assert "Enter one only if you know what it is" in done.stdout
    assert "--source media-02 --destination 192.0.2.70 --port 6881" in done.stdout
    assert "branch_sessions.csv: cannot be read" in done.stderr


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    """A day of DNS to a public resolver."""
    (tmp_path / "a.csv").write_text(
        _HEAD + "".join(f"{1772409600 + n * 300},,10.1.2.3,8.8.8.8,53,10,10,\n" for n in range(288)), encoding="utf-8"
    )
    return tmp_path / "a.csv"


def test_nothing_is_stored(quiet: Path) -> None:
    (quiet.parent / "c.toml").write_text('[state]\nurl = "sqlite:///state.db"\n')
    before = sorted(quiet.parent.rglob("*"))
    assert tuned(str(quiet), "--config", str(quiet.parent / "c.toml")).exit_code == 0
    assert sorted(quiet.parent.rglob("*")) == before


def test_log_files_are_named_without_a_source_and_a_quiet_log_spares_nobody(quiet: Path) -> None:
    done = tuned(str(quiet))
    assert done.exit_code == 0, done.stderr
    assert "1 filtered" in done.stdout and "No exception for one destination would spare anybody work." in done.stdout
    assert tuned(str(quiet), "--source", "x").exit_code == 2
    assert tuned("--config", str(SAMPLE / "sample.toml"), "--source", "none").exit_code == 2


def test_a_log_that_is_not_whole_is_incomplete(tmp_path: Path) -> None:
    cut = tmp_path / "conn.log.gz"
    cut.write_bytes((SAMPLE / "logs" / "conn.log.gz").read_bytes()[:40_000])
    assert tuned(str(cut), "--json").exit_code == 4


def test_it_warns_of_all_that_a_run_warns_of(told: dict) -> None:
    run = CliRunner().invoke(cli, ["run", "--config", str(SAMPLE / "sample.toml"), "--dry-run", "--json"])
    assert set(json.loads(run.stdout)["warnings"]) == set(told["warnings"])


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample to be changed, of which only the exceptions are looked at: no number is tried."""
    monkeypatch.setattr(_backtest, "settings", lambda _: iter(()))
    return shutil.copytree(SAMPLE, tmp_path / "s", ignore=shutil.ignore_patterns("__pycache__"))


def listed(folder: Path) -> list[dict]:
    done = tuned("--config", str(folder / "sample.toml"), "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["exceptions"]


def also(folder: Path, src: str, dst: str, port: str) -> None:
    """The beacon that convicts acct-07, from another host to another place."""
    with gzip.open(folder / "logs" / "conn.log.gz", "rt", encoding="utf-8") as log:
        lines = log.read().splitlines()
    made = []
    for line in lines:
        cells = line.split("\t")
        if line.startswith("#"):
            made.append(line)
        elif (cells[2], cells[4]) == ("10.1.2.21", "198.51.100.77"):
            made.append("\t".join([cells[0], f"X{cells[1]}", src, cells[3], dst, port, *cells[6:]]))
    (folder / "logs" / "conn.2.log").write_text("\n".join(made) + "\n", encoding="utf-8")


def test_a_destination_that_is_convicted_for_another_host_is_never_listed(copy: Path) -> None:
    assert "192.0.2.70" in {one["destination"] for one in listed(copy)}
    also(copy, "10.1.2.31", "192.0.2.70", "6881")
    assert "192.0.2.70" not in {one["destination"] for one in listed(copy)}


def test_an_exception_that_would_touch_a_convicted_host_is_never_listed(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever way its scope finds to it: here one that is far too wide."""
    wide = lambda one, site, rules: tuple(  # noqa: E731
        entry.model_copy(update={"source": "10.0.0.0/8", "destination": "198.51.100.0/24", "port": None})
        for entry in entries(one, site, rules)
    )
    entries = _backtest.entries
    monkeypatch.setattr(_backtest, "entries", wide)
    assert listed(copy) == []


@pytest.mark.parametrize("name", ["10.1.0.0/16", "10.1.2.99", "zero\u200bwidth", "Media*02", "--ends", "a b'; rm"])
def test_a_host_whose_name_is_no_plain_name_is_given_by_its_address(copy: Path, name: str) -> None:
    inventory = copy / "hosts.csv"
    inventory.write_text(inventory.read_text(encoding="utf-8").replace(",media-02,", f",{name},"), encoding="utf-8")
    (one,) = [one for one in listed(copy) if one["destination"] == "192.0.2.70"]
    assert one["sources"] == ["10.1.2.32"] and "--source 10.1.2.32 " in one["commands"][0]


def test_an_exception_is_tried_no_longer_than_the_rule_believes_one(copy: Path) -> None:
    with (copy / "sample.toml").open("a", encoding="utf-8") as file:
        file.write("\n[policy.rules.exception]\nlongest_days = 30\n")
    found = listed(copy)
    assert {one["destination"] for one in found} == {"192.0.2.70", "203.0.113.71"}
    assert all(command.endswith("--ends 2026-04-02") for one in found for command in one["commands"])


def test_what_is_not_tried_and_where_no_exception_could_be_kept_is_said(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune, "_MOST_TRIED", 1)
    file = copy / "sample.toml"
    text = file.read_text(encoding="utf-8")
    assert 'exceptions = "' in text
    file.write_text(text.replace('exceptions = "', '# exceptions = "'), encoding="utf-8")
    done = tuned("--config", str(file))
    assert "exceptions for 1 more destination were not tried" in done.stderr
    assert "policy.exceptions is not set" in done.stderr


@pytest.mark.parametrize(("window", "heartbeat"), [((), True), (("--from", "2026-03-01", "--to", "2026-03-02"), False)])
def test_a_siem_is_asked_as_a_run_asks_it(
    monkeypatch: pytest.MonkeyPatch, window: tuple[str, ...], heartbeat: bool
) -> None:
    for module, command in ((tune, "tune"), (run, "run")):
        wishes: list[dict] = []
        monkeypatch.setattr(module, "assemble", lambda *given, seen=wishes: seen.append(given[4]) or 1 / 0)
        CliRunner().invoke(cli, [command, "--config", str(SAMPLE / "sample.toml"), *window])
        assert wishes == [{"heartbeat": heartbeat}]
