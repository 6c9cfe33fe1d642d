"""check as a person runs it: what fails and why, what to do about it, and the exit code of its kind."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from playbook.__main__ import cli
from tests.emulators.sumo import Behaviour, Tenant, running
from tests.support.sumo_fixtures import a_day

pytestmark = pytest.mark.loopback
ID, KEY = "suCanaryId", "canary-key-9c1e"
US2 = "https://api.us2.sumologic.com"
DEAD = "http://127.0.0.1:9"


def checked(folder: Path, tables: str) -> tuple[int, dict]:
    """Exit code and document of ``check --json`` over these tables."""
    (folder / "playbook.toml").write_text(tables)
    done = CliRunner().invoke(cli, ["check", "--json", "--config", str(folder / "playbook.toml")])
    assert KEY not in done.output and ID not in done.output
    return done.exit_code, json.loads(done.stdout)


def sumo(url: str, name: str = "sumo") -> str:
    """A table of a Sumo Logic source."""
    return (
        f'[sources.{name}]\nkind = "sumologic"\nbase_url = "{url}"\naccess_id_env = "CANARY_ID"\n'
        'access_key_env = "CANARY_KEY"\nrate = 4\n'
    )


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("CANARY_ID", ID)
    monkeypatch.setenv("CANARY_KEY", KEY)


@pytest.mark.parametrize(
    ("behaviour", "code", "words"),
    [
        (Behaviour(states=(), scopes=("another",)), 4, "scope unproven"),
        (Behaviour(refuse=True), 3, "CANARY_ID and CANARY_KEY"),
        (Behaviour(moved=f"{US2}/api/v1/search/jobs"), 2, f'base_url = "{US2}"'),
        (Behaviour(moved="https://evil.example/api/v1/search/jobs"), 4, "not followed"),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(tmp_path, behaviour, code, words):
    with running(Tenant(a_day(), behaviour)) as url:
        found, document = checked(tmp_path, sumo(url))
    failed = [r for r in document["results"] if not r["ok"]]
    assert found == code and not document["ok"]
    assert [r["connector"] for r in failed] == ["sources.sumo"] and words in failed[0]["message"]


def test_credentials_outrank_what_is_unreachable_and_every_connector_is_named(tmp_path):
    with running(Tenant(a_day(), Behaviour(refuse=True))) as url:
        found, document = checked(tmp_path, sumo(url) + sumo(DEAD, "dead"))
    assert found == 3
    assert {r["connector"] for r in document["results"] if not r["ok"]} == {"sources.sumo", "sources.dead"}


def test_nobody_there_is_exit_4_and_nothing_wrong_is_exit_0(tmp_path):
    assert checked(tmp_path, sumo(DEAD))[0] == 4
    found, document = checked(tmp_path, "")
    assert (found, document["ok"]) == (0, True)
