"""What a person meets at the terminal: a first configuration, tables, help with exit codes, and completion."""

import json
import re
import subprocess
import sys
import tomllib

import pytest
from click.testing import CliRunner

from playbook.__main__ import cli
from playbook.cli import act, init
from playbook.cli._table import pairs, table
from playbook.config import read

_HEAD = "time,hostname,src_ip,dst_ip,dst_port,bytes_sent,bytes_rcvd,process_name\n"


def call(*arguments, answers=""):
    done = CliRunner().invoke(cli, arguments, input=answers)
    return done.exit_code, done.stdout, done.stderr + str(done.exception or "")


@pytest.fixture
def logs(tmp_path):
    rows = [f"{1772409600 + n * 300},ws-60,10.1.2.3,45.60.1.1,6667,100,90,x\n" for n in range(60)]
    (tmp_path / "a.csv").write_text(_HEAD + "".join(rows), encoding="utf-8")
    return tmp_path


def test_init_asks_four_questions_and_writes_what_check_accepts(logs, monkeypatch):
    monkeypatch.chdir(logs)
    code, out, err = call("init", answers="logs\na.csv\n10.0.0.0/8\n10.1.0.53, 10.1.0.1\n")
    assert code == 0 and "wrote playbook.toml" in out and "FAILED" not in out and "ok " in out, out + err
    config = read(logs / "playbook.toml")
    assert [str(one) for one in config.networks.home] == ["10.0.0.0/8"] and config.off == ""
    assert (logs / "playbook.toml").stat().st_mode & 0o077 == 0
    code, _, err = call("init", answers="logs\na.csv\n\n\n")
    assert code == 2 and "is there already" in err


@pytest.mark.parametrize("home", ["10.0.0.0/8, x", "10.0.0.999", '10.0.0.0/8"]\n[state]\nurl="sqlite:///x'])
def test_init_writes_nothing_that_would_not_be_read(tmp_path, home):
    file = tmp_path / "p.toml"
    code, _, err = call("init", str(file), "--kind", "logs", "--place", "x", "--home", home, "--protected", "")
    assert code != 0 and "networks.home" in err and not file.exists()


@pytest.mark.parametrize("kind", ["splunk", "sumologic"])
def test_init_names_the_variables_of_the_secrets_and_asks_for_none(tmp_path, kind):
    file = tmp_path / "p.toml"
    code, out, _ = call(
        "init", str(file), "--kind", kind, "--place", "https://siem.example", "--home", "10.0.0.0/8", "--protected", ""
    )
    assert code == 0 and "environment variable" in out
    assert "base_url" in tomllib.loads(file.read_text())["sources"][kind]


def test_what_is_typed_stays_one_value_of_the_file():
    text = init.configuration_text("logs", 'a"]\nkind = "x', ["10.0.0.0/8"], [])
    assert tomllib.loads(text)["sources"]["logs"] == {"kind": "logs", "paths": ['a"]\nkind = "x']}


def test_detect_names_the_host_in_a_column_of_its_own(logs):
    code, out, _ = call("detect", str(logs / "a.csv"))
    assert code == 0 and "host" in out.splitlines()[0] and "ws-60" in out and "10.1.2.3 -> 45.60.1.1 port 6667" in out


def test_hunt_prints_a_table(logs):
    code, out, _ = call("hunt", "irc", str(logs / "a.csv"))
    title, head, row, count = out.splitlines()
    assert code == 0 and title == "Connections to the ports of IRC" and count == "1 row"
    assert head.split()[:2] == ["src", "ip"] and "45.60.1.1" in row and "=" not in row


def test_act_is_json_in_a_pipe_and_readable_on_a_terminal(monkeypatch):
    arguments = ("act", "look_up_address", "--param", "address=1.1.1.1")
    code, out, _ = call(*arguments)
    assert code in (0, 4) and json.loads(out)["action"] == "look_up_address"
    shown = []
    monkeypatch.setattr(act.sys.stdout.__class__, "isatty", lambda self: True, raising=False)
    monkeypatch.setattr(act.click, "echo", lambda text="", **_: shown.append(text))
    act._show(act.Result((), "nothing \x1b[31mfound"))
    assert shown == ["nothing found"]


def test_a_table_is_aligned_and_harmless():
    rows = [{"src_ip": "10.0.0.1", "connections": 5}, {"src_ip": "\x1b[2J10.0.0.20", "connections": 1200}]
    assert table(rows) == ("src ip     connections", "10.0.0.1             5", "10.0.0.20         1200")
    assert table([]) == ()
    assert pairs({"a": "x\ny", "longer": "", "b_c": 1}) == ("a    x", "     y", "b c  1")


@pytest.mark.parametrize("arguments", [(), ("run",), ("cases",), ("act",), ("audit", "verify")])
def test_help_says_what_exit_codes_mean(arguments):
    code, out, _ = call(*arguments, "--help")
    assert code == 0 and not re.search(r"[a-z,]\.\.\.", out), out
    if len(arguments) < 2:
        assert "Exit codes: 0 done" in " ".join(out.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_our_program(shell):
    code, out, _ = call("completion", shell)
    assert code == 0 and "_BOTNET_PLAYBOOK_COMPLETE" in out and "botnet-playbook" in out


def test_the_shell_is_told_our_commands():
    words = {"COMP_WORDS": "botnet-playbook ca", "COMP_CWORD": "1", "_BOTNET_PLAYBOOK_COMPLETE": "bash_complete"}
    program = "import sys; sys.argv[0] = 'botnet-playbook'; from playbook.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "/usr/bin:/bin"} | words,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "cases" in done.stdout, done


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("writable", "may be written by others"),
        ("open record", "is open to others"),
        ("no pair", "are no pair"),
        ("nothing", ""),
    ],
)
def test_check_looks_at_the_file_the_record_and_serve(tmp_path, harm, said):
    file, state = tmp_path / "playbook.toml", tmp_path / "state.db"
    text = '[state]\nurl = "sqlite:///state.db"\n'
    if harm == "no pair":
        (tmp_path / "c.pem").write_text("x")
        (tmp_path / "k.pem").write_text("x")
        text += '[serve]\ntls_certificate = "c.pem"\ntls_key = "k.pem"\n'
    file.write_text(text)
    file.chmod(0o666 if harm == "writable" else 0o600)
    if harm == "open record":
        state.touch()
        state.chmod(0o644)
    code, out, err = call("check", "--config", str(file))
    assert (code == 2) == bool(said) and said in out + err, out + err
    assert harm == "open record" or not state.exists()


def test_a_secret_in_the_file_is_refused_with_the_way_to_do_it_and_never_repeated(tmp_path):
    file = tmp_path / "playbook.toml"
    file.write_text(
        '[sources.s]\nkind = "splunk"\nbase_url = "https://s.example:8089"\ntoken = "hunter22"\n'
        '[tickets.t]\nkind = "servicenow"\nbase_url = "https://s.example"\npassword = "hunter23"\n'
    )
    code, out, err = call("check", "--config", str(file))
    assert code == 2 or "ConfigError" in err or "sources.s.token" in err
    assert "sources.s.token: a secret does not stand in the file" in err and 'token_env = "TOKEN"' in err
    assert "tickets.t.password" in err and "hunter2" not in out + err
