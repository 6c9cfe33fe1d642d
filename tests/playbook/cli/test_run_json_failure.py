"""run --json and act: exactly one document whatever fails, with the reason and the column of refused rows in it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from playbook.__main__ import cli
from tests.emulators.splunk import Server, running
from tests.support.splunk_fixtures import DAY, EVENTS, READY

SPAN = ("--from", DAY.start.isoformat(), "--to", DAY.end.isoformat())


def splunk(folder: Path, url: str) -> Path:
    config = folder / "playbook.toml"
    config.write_text(
        f'[policy]\nnow = "2026-11-24T00:15:00Z"\n[sources.siem]\nkind = "splunk"\nbase_url = "{url}"\n'
        'token_env = "TEST_SPLUNK_TOKEN"\npreset = "raw"\nrate = 50\ndeadline_s = 10\n'
    )
    return config


def called(config: Path, *arguments: str) -> Result:
    name, *rest = arguments
    return CliRunner().invoke(cli, [name, "--config", str(config), *rest], env={"TEST_SPLUNK_TOKEN": "testtoken"})


@pytest.mark.loopback
def test_a_source_that_is_down_is_one_document_and_exit_4(tmp_path: Path) -> None:
    done = called(splunk(tmp_path, "http://127.0.0.1:1"), "run", "--dry-run", "--json", *SPAN)
    said = json.loads(done.stdout)
    assert done.exception and said["exit_code"] == 4 and "connection refused" in said["error"]
    assert (said["complete"], said["cases"], said["filtered"]) == (False, [], [])


@pytest.mark.parametrize(
    ("more", "words"),
    [(("--since", "5x"), "'5x'"), (("--source", "other"), "--source NAME (siem)")],
    ids=["a wrong option", "no such source"],
)
def test_a_wrong_call_is_one_document_too(tmp_path: Path, more: tuple[str, ...], words: str) -> None:
    done = called(splunk(tmp_path, "http://127.0.0.1:1"), "run", "--dry-run", "--json", *more)
    said = json.loads(done.stdout)
    assert said["exit_code"] == 2 and words in said["error"] and not said["complete"]


def test_without_json_nothing_stands_on_stdout(tmp_path: Path) -> None:
    assert called(splunk(tmp_path, "http://127.0.0.1:1"), "run", "--dry-run", *SPAN).stdout == ""


@pytest.mark.loopback
@pytest.mark.parametrize("command", ["run", "act"])
def test_the_column_of_a_refused_row_stands_in_the_document(tmp_path: Path, command: str) -> None:
    wrong = {"src_ip": "10.0.0.1", "dst_ip": "no address", "dst_port": "443", "row_count": "5", "hostname": "pc-1"}
    with running(Server(EVENTS, READY, rows=[wrong])) as url:
        config = splunk(tmp_path, url)
        if command == "run":
            done = called(config, "run", "--dry-run", "--json", *SPAN)
        else:
            given = ("--param", f"start={DAY.start:%Y-%m-%d %H:%M:%S}", "--param", f"end={DAY.end:%Y-%m-%d %H:%M:%S}")
            done = called(config, "act", "fetch_detections", "--json", *given)
    said = json.loads(done.stdout)
    assert any("dst_ip: expected an address, got 'no address'" in text for text in said["warnings"]), said
    assert said["complete"] is False
