"""alerts: files of other products on the command line, a Splunk alert action's results file among them."""

import csv
import gzip
import json

import pytest
from click.testing import CliRunner

from playbook.cases import accounts
from playbook.cases.store import open_store
from playbook.cli import alerts
from playbook.errors import ConfigError, NotProven
from tests.playbook.alerts.scene import SAMPLE, bot
from tests.support.builders import NOW
from tests.support.case_store import fresh_record


@pytest.fixture
def run(tmp_path, monkeypatch):
    record = fresh_record(tmp_path / "state.db")
    text = SAMPLE.read_text().replace("sqlite:///../../state/serve.db", f"sqlite:///{record}")
    text = text.replace('["logs"]', f'["{SAMPLE.parent / "logs"}"]')
    for name in (
        "hosts.csv",
        "processes.csv",
        "software.csv",
        "backup_jobs.yaml",
        "backup_sessions.csv",
        "windows.yaml",
        "feed.csv",
        "exceptions.json",
    ):
        text = text.replace(f'"{name}"', f'"{SAMPLE.parent / name}"')
    (tmp_path / "playbook.toml").write_text(text)
    store = open_store(f"sqlite:///{record}", migrate=False)
    with store.change() as conn:
        accounts.add(conn, "siem", "responder", "", "test", NOW)
        tokens = {
            scope: accounts.make_token(conn, "siem", "test", NOW, scopes=(scope,), days=None)
            for scope in ("intake", "investigate")
        }
    store.close()

    def go(content, *arguments, scope="intake"):
        monkeypatch.setenv("BOTNET_PLAYBOOK_TOKEN", tokens[scope])
        return CliRunner().invoke(
            alerts.command,
            ["--config", str(tmp_path / "playbook.toml"), "-", *arguments],
            input=content if isinstance(content, str) else json.dumps(content),
        )

    return go


def test_an_alert_is_filed_judged_and_its_plan_waits(run):
    done = run([bot(), {"src_ip": "10.0.0.1"}], "--json")
    (row,) = json.loads(done.stdout)["alerts"]
    assert (done.exit_code, row["disposition"], row["plan_state"]) == (1, "TRUE_POSITIVE", "waiting")
    assert "row 2: dst_ip, dst_port: not in the row" in done.stderr
    again = run(bot(), "--json")
    assert json.loads(again.stdout)["repeated"] == 1 and json.loads(again.stdout)["alerts"] == [row]


@pytest.mark.parametrize("packed", [True, False])
def test_the_payload_of_a_splunk_alert_action_is_read_with_its_results(run, tmp_path, packed):
    path = tmp_path / "results.csv.gz"
    with gzip.open(path, "wt", newline="") if packed else path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*bot(), "__mv_src_ip"])
        writer.writeheader()
        writer.writerow(bot() | {"__mv_src_ip": ""})
    payload = {
        "sid": "s",
        "search_name": "botnet",
        "session_key": "secret",
        "results_file": str(path),
        "configuration": {},
    }
    done = run(payload, "--json")
    assert done.exit_code == 1 and len(json.loads(done.stdout)["alerts"]) == 1
    assert alerts.with_results(payload) == {
        "sid": "s",
        "search_name": "botnet",
        "configuration": {},
        "results": [bot(dst_port="6667")],
    }
    path.write_bytes(b"\x1f\x8bbroken")
    assert isinstance(run(payload).exception, ConfigError)


@pytest.mark.parametrize(
    ("content", "arguments", "scope", "fault", "words"),
    [
        ("{", (), "intake", ConfigError, "no JSON"),
        ([{"a": 1}], (), "intake", ConfigError, "no row of it"),
        (bot(), ("--as", "nobody"), "intake", ConfigError, "no \\[alerts.nobody\\]"),
        (bot(), (), "investigate", NotProven, "takes the scope intake"),
    ],
)
def test_what_is_refused_is_said_and_nothing_is_kept(run, content, arguments, scope, fault, words):
    done = run(content, *arguments, scope=scope)
    assert isinstance(done.exception, fault)
    with pytest.raises(fault, match=words):
        raise done.exception
