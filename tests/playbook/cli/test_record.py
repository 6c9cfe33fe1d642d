"""The commands over the record: a run files its cases and asks; who answers proves it; exit codes are as promised."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

import playbook.sample
from playbook.__main__ import cli
from playbook.errors import PlaybookError

SAMPLE = Path(next(iter(playbook.sample.__path__)))
STATE = '[state]\nurl = "sqlite:///state.db"\n'


class Told(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


def call(*arguments, token="", given=None):
    done = CliRunner().invoke(cli, arguments, input=given, env={"BOTNET_PLAYBOOK_TOKEN": token})
    fault = done.exception if isinstance(done.exception, PlaybookError) else None
    return Told(fault.exit_code if fault else done.exit_code, done.stdout, done.stderr + str(fault or ""))


@pytest.fixture(scope="module")
def filed(tmp_path_factory):
    """The sample with a record in which one run was filed, root is admin and anna and vera are there; their tokens."""
    folder = tmp_path_factory.mktemp("sample") / "sample"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / "sample.toml").read_text(encoding="utf-8")
    (folder / "sample.toml").write_text(text if "[state]" in text else f"{text}\n{STATE}", encoding="utf-8")
    config = ("--config", str(folder / "sample.toml"))
    ran = call("run", *config, "--json")
    root = call("accounts", "add", "root", "--role", "admin", "--token", *config).out.strip()
    tokens = {
        name: call("accounts", "add", name, "--role", role, "--token", *config, token=root).out.strip()
        for name, role in (("anna", "approver"), ("rene", "responder"), ("vera", "viewer"))
    }
    return folder, ran, {"root": root} | tokens


@pytest.fixture
def world(filed, tmp_path):
    """A copy of it for one test: arguments that choose it, what ``run`` said, the tokens."""
    folder, ran, tokens = filed
    copy = tmp_path / "sample"
    shutil.copytree(folder, copy)
    return ("--config", str(copy / "sample.toml")), ran, tokens


def listed(config, *more):
    return json.loads(call("approvals", "list", "--json", *more, *config).out)["requests"]


def test_a_run_files_asks_and_says_so_by_exit_code_one(world):
    config, ran, _ = world
    document = json.loads(ran.out)
    proposed = {c["case_id"]: c["plan"]["digest"] for c in document["cases"] if c["status"] == "proposed"}
    assert ran.code == 1 and proposed
    assert {r["case_id"]: r["offers"][0]["digest"] for r in listed(config)} == proposed
    recorded = json.loads(call("cases", "--json", *config).out)
    assert {c["case_id"] for c in recorded["cases"]} == {c["case_id"] for c in document["cases"]}
    (ticket,) = {c["ticket"]["key"] for c in document["cases"] if c["host"] == "kiosk-04"}
    assert ticket.startswith("case:C-")


def test_a_dry_run_and_a_run_without_a_record_store_nothing(tmp_path):
    shutil.copytree(SAMPLE, tmp_path / "s", ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "s" / "sample.toml"
    text = file.read_text(encoding="utf-8").partition("[state]")[0]
    file.write_text(text, encoding="utf-8")
    without = call("run", "--config", str(file), "--json")
    file.write_text(f"{text}\n{STATE}", encoding="utf-8")
    dry = call("run", "--config", str(file), "--dry-run", "--json")
    assert (without.code, dry.code, list(tmp_path.rglob("*.db"))) == (0, 0, [])
    assert "nothing is stored" in without.err and json.loads(dry.out)["cases"]


def test_an_answer_takes_a_proof_and_exactly_one_digest(world):
    config, _, tokens = world
    first, second = listed(config)[:2]
    answer = ("approvals", "approve", first["request_id"], *config, "--digest")
    digest = first["offers"][1]["digest"]
    assert call(*answer, digest, "--by", "anna", given="").code == 3
    assert call(*answer, digest, "--by", "anna", token=tokens["root"]).code == 3
    assert call(*answer, digest, token="bpt_wrong").code == 3
    assert call(*answer, digest, token=tokens["vera"]).code == 3
    stale = call(*answer, second["offers"][0]["digest"], token=tokens["anna"])
    assert stale.code == 5 and "refused (stale)" in stale.err
    done = call(*answer, digest, "--by", "anna", "--comment", "go", token=tokens["anna"])
    again = call(*answer, digest, token=tokens["anna"])
    assert done.code == 0 and (again.code, "refused (repeated)" in again.err) == (5, True)
    (contained,) = json.loads(call("containments", "list", "--json", *config).out)["containments"]
    assert contained["key"] in done.out and contained["step"] == first["offers"][1]["steps"][0]
    denied = call("approvals", "deny", second["case_id"], "--comment", "no", *config, token=tokens["anna"])
    shown = json.loads(call("approvals", "show", second["request_id"], "--json", *config).out)
    assert denied.code == 0 and shown["state"] == "denied" and shown["answers"][0]["comment"] == "no"


def test_a_release_is_marked_once_by_a_proven_approver(world):
    config, _, tokens = world
    request = listed(config)[0]
    call(
        "approvals",
        "approve",
        request["request_id"],
        "--digest",
        request["offers"][0]["digest"],
        *config,
        token=tokens["anna"],
    )
    (contained,) = json.loads(call("containments", "list", "--json", *config).out)["containments"]
    assert all(
        call("containments", "release", contained["key"], *config, token=tokens[who]).code == 3
        for who in ("vera", "rene")
    )
    assert "will be released" in call("containments", "release", contained["key"], *config, token=tokens["anna"]).out
    assert (
        "release asked by anna" in call("containments", "release", contained["key"], *config, token=tokens["anna"]).out
    )
    assert call("containments", "release", "K-0", *config, token=tokens["anna"]).code == 2


@pytest.fixture
def serving(filed, tmp_path):
    """A copy of the record under a configuration that has a block list: arguments that choose it, and the tokens."""
    folder, _, tokens = filed
    copy = tmp_path / "serving"
    shutil.copytree(folder, copy)
    text = (copy / "sample.toml").read_text(encoding="utf-8")
    (copy / "sample.toml").write_text(text + '\n[containments.edge]\nkind = "blocklist"\n', encoding="utf-8")
    return ("--config", str(copy / "sample.toml")), tokens


def of_plan(request):
    """The input of the block of one pair that a request proposes."""
    step, plan = request["offers"][0]["steps"][0], request["offers"][0]
    source, _, there = step["target"].partition(">")
    address, _, port = there.rpartition(":")
    return {
        "plan_id": plan["plan_id"],
        "digest": plan["digest"],
        "approved_by": "carol",
        "src_ip": source,
        "dst_ip": address,
        "dst_port": port,
    }


def act(name, config, given, token=""):
    done = call("act", name, *config, "--input", "-", "--json", given=json.dumps(given), token=token)
    return done.code, json.loads(done.out) if done.out else {}


def enqueued(config):
    with sqlite3.connect(Path(config[1]).parent / "state.db") as conn:
        return [name for (name,) in conn.execute("SELECT name FROM workflow_status ORDER BY created_at")]


def test_act_contains_and_corrects_through_the_record_as_the_api_does(serving):
    config, tokens = serving
    given = of_plan(
        next(r for r in listed(config) if r["people"] == 1 and r["offers"][0]["steps"][0]["kind"] == "block_pair")
    )
    assert act("block_pair", config, given)[0] == 3
    assert act("block_pair", config, given, tokens["vera"])[0] == 3
    assert act("block_pair", config, given | {"digest": "nonsense"}, tokens["anna"])[0] == 2
    code, said = act("block_pair", config, given | {"digest": "ab" * 32}, tokens["anna"])
    assert code == 5 and "nothing was changed" in said["error"]
    assert act("release_pair", config, given, tokens["anna"])[0] == 5 and enqueued(config) == []
    code, said = act("block_pair", config, given, tokens["anna"])
    assert (code, said["data"][0]["state"]) == (0, "approved, being set") and enqueued(config) == ["contain_case"]
    assert "no worker is alive" in said["warnings"][0]
    assert act("block_pair", config, given, tokens["anna"])[0] == 0 and enqueued(config) == ["contain_case"]
    code, said = act("release_pair", config, given, tokens["anna"])
    assert (code, said["data"][0]["state"]) == (0, "being released")
    kinds = [line["kind"] for line in json.loads(call("audit", "list", "--json", *config).out)["lines"]]
    assert [kinds.count(kind) for kind in ("approved", "containment intended", "release asked")] == [1, 1, 1]


def test_an_approval_from_the_command_line_is_set_going_at_once(world):
    config, _, tokens = world
    request = listed(config)[0]
    call(
        "approvals",
        "approve",
        request["request_id"],
        "--digest",
        request["offers"][0]["digest"],
        *config,
        token=tokens["anna"],
    )
    assert enqueued(config) == ["contain_case"]


def test_a_persons_word_closes_a_case_and_opens_it_again(world):
    config, _, tokens = world
    case_id = listed(config)[0]["case_id"]
    word = ("cases", "resolve", case_id, "--as", "FALSE_POSITIVE", "--reason", "a test", *config)
    assert call(*word, "--by", "vera", token=tokens["vera"]).code == 3
    benign = ("BENIGN_POSITIVE" if part == "FALSE_POSITIVE" else part for part in word)
    refused = call(*benign, "--because", "data", token=tokens["anna"])
    assert refused.code == 2 and "--as FALSE_POSITIVE" in refused.err
    assert call(*word, "--by", "anna", "--because", "data", token=tokens["anna"]).code == 0
    assert call(*word, token=tokens["anna"]).code == 2
    assert case_id not in {r["case_id"] for r in listed(config)}
    (row,) = [
        c
        for c in json.loads(call("cases", "--status", "closed", "--json", *config).out)["cases"]
        if c["case_id"] == case_id
    ]
    assert (row["disposition"], row["person_disposition"], row["person_fault"]) == (
        "TRUE_POSITIVE",
        "FALSE_POSITIVE",
        "data",
    )
    assert call("cases", "reopen", case_id, *config, token=tokens["anna"]).code == 0
    assert call("cases", "reopen", "C-0", *config, token=tokens["anna"]).code == 2


def test_the_journal_verifies_until_it_is_touched(world):
    config, _, _ = world
    whole = json.loads(call("audit", "verify", "--json", *config).out)
    assert whole["ok"] and whole["lines"] == len(json.loads(call("audit", "list", "--json", *config).out)["lines"])
    with sqlite3.connect(Path(config[1]).with_name("state.db")) as conn:
        conn.execute("UPDATE journal SET actor = 'eve' WHERE seq = 2")
    conn.close()
    harmed = call("audit", "verify", *config)
    assert (harmed.code, harmed.out.strip()) == (5, "line 2: edited")


class TestAccounts:
    def test_the_first_is_an_admin_and_only_admins_add_others(self, tmp_path):
        file = tmp_path / "playbook.toml"
        file.write_text(STATE, encoding="utf-8")
        config = ("--config", str(file))
        assert call("accounts", "add", "anna", "--role", "viewer", "--token", *config).code == 2
        added = call("accounts", "add", "root", "--role", "admin", *config, given="long enough word\n" * 2)
        assert added.code == 0
        assert call("accounts", "add", "anna", "--role", "viewer", "--token", *config).code == 3
        by_root = ("--by", "root", *config)
        assert call("accounts", "add", "anna", "--role", "approver", "--token", *by_root, given="wrong\n").code == 3
        anna = call("accounts", "add", "anna", "--role", "approver", "--token", *by_root, given="long enough word\n")
        token = anna.out.strip().splitlines()[-1]
        assert call("accounts", "disable", "root", *config, token=token).code == 3
        own = call("accounts", "token", "anna", "--role", "viewer", *config, token=token).out.strip()
        assert call("cases", "reopen", "C-0", *config, token=own).code == 3
        assert call("accounts", "token", "root", *config, token=token).code == 2
        platform = call("accounts", "token", "anna", "--platform", *config, token=token).out.strip()
        call("accounts", "token", "anna", *config, token=platform)
        with sqlite3.connect(tmp_path / "state.db") as conn:
            made = [via for (via,) in conn.execute("SELECT via FROM tokens ORDER BY rowid")]
        conn.close()
        assert made == ["cli", "cli", "platform", "platform"]
        assert call("accounts", "disable", "anna", *by_root, given="long enough word\n").code == 0
        assert call("cases", "reopen", "C-0", *config, token=token).code == 3
        told = json.loads(call("accounts", "list", "--json", *config).out)["accounts"]
        assert [(one["name"], one["disabled_at"] is not None) for one in told] == [("anna", True), ("root", False)]


def test_without_a_record_the_commands_say_what_is_missing(tmp_path):
    file = tmp_path / "playbook.toml"
    file.write_text("", encoding="utf-8")
    for command in (
        ["cases"],
        ["approvals", "list"],
        ["containments", "list"],
        ["audit", "verify"],
        ["accounts", "list"],
    ):
        told = call(*command, "--config", str(file))
        assert told.code == 2 and "state.url: not set" in told.err


def test_a_token_never_begets_one_of_a_scope_that_it_has_not(tmp_path):
    file = tmp_path / "playbook.toml"
    file.write_text(STATE, encoding="utf-8")
    config = ("--config", str(file))
    assert call("accounts", "add", "root", "--role", "admin", *config, given="long enough word\n" * 2).code == 0
    by_root = ("--by", "root", *config)
    word = "long enough word\n"
    assert call("accounts", "add", "siem", "--role", "approver", "--token", *by_root, given=word).code == 0
    both = call("accounts", "token", "siem", "--scope", "intake", "--scope", "approve", *by_root, given=word)
    assert both.code == 2
    made = call("accounts", "token", "siem", "--scope", "intake", "--scope", "investigate", *by_root, given=word)
    token = made.out.strip().splitlines()[-1]
    assert call("accounts", "token", "siem", "--scope", "approve", *config, token=token).code == 2
    assert call("accounts", "token", "siem", "--scope", "intake", *config, token=token).code == 0
    inherited = call("accounts", "token", "siem", *config, token=token).out.strip()
    assert call("accounts", "token", "siem", "--scope", "intake", *config, token=inherited).code == 2
    refused = [
        ("approvals", "approve", "Q-1", "--digest", "0" * 64),
        ("approvals", "deny", "Q-1"),
        ("containments", "release", "K-1"),
        ("accounts", "disable", "root"),
        ("accounts", "add", "eve", "--role", "admin", "--token"),
    ]
    for command in refused:
        assert call(*command, *config, token=inherited).code == 3, command
        assert call(*command, *config, token=token).code == 3, command
