"""serve: where it may listen, what it starts with, what it says when containment is off, and when detections run."""

import logging
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import playbook.sample
from playbook.actions import look_up_address
from playbook.cases import accounts, approval_requests, case_rows, schedules
from playbook.cases.accounts import Proof
from playbook.cases.store import open_store
from playbook.cli import serve
from playbook.config import Config, read
from playbook.errors import ConfigError, ConnectorError
from playbook.model.response import Notice
from playbook.web.first_admin import first_admin, first_password_file
from playbook.web.signed_links import signed
from playbook.web.startup import LinkingNotifier, secret_of, start_up
from playbook.web.telemetry import JsonLines
from playbook.workflows.client import WorkflowClient
from tests.playbook.web.web import Web
from tests.support.case_store import fresh_record

SAMPLE = Path(next(iter(playbook.sample.__path__))) / "serve.toml"


def serving(**change):
    return Config.model_validate({"serve": change})


@pytest.mark.parametrize(
    ("host", "change", "said"),
    [
        ("0.0.0.0", {}, "not a loopback address"),
        ("::", {}, "not a loopback address"),
        ("10.1.2.3", {}, "not a loopback address"),
        ("pages.corp.example", {}, "not a loopback address"),
        ("0.0.0.0", {"trust_forwarded_headers": True}, "serve.public_url: needed"),
        ("0.0.0.0", {"tls_certificate": "c.pem"}, "go together"),
        ("127.0.0.1", {"tls_key": "k.pem"}, "go together"),
        ("0.0.0.0", {"trust_forwarded_headers": True, "public_url": "http://pages.corp.example"}, "expected https"),
        ("127.0.0.1", {"public_url": "ftp://x"}, "expected https"),
        ("127.0.0.1", {"public_url": "https://pages.corp.example/path"}, "expected https"),
    ],
)
def test_it_never_listens_where_passwords_would_travel_in_the_clear(host, change, said):
    with pytest.raises(ConfigError, match=said):
        serve.may_listen(serving(**change), "f", host, 8080)


@pytest.mark.parametrize(
    ("host", "change", "base"),
    [
        ("127.0.0.1", {}, "http://127.0.0.1:8080"),
        ("::1", {}, "http://[::1]:8080"),
        ("localhost", {}, "http://localhost:8080"),
        (
            "0.0.0.0",
            {"trust_forwarded_headers": True, "public_url": "https://pages.corp.example/"},
            "https://pages.corp.example",
        ),
        (
            "0.0.0.0",
            {"tls_certificate": "c", "tls_key": "k", "public_url": "https://p.example:8443"},
            "https://p.example:8443",
        ),
        ("127.0.0.1", {"tls_certificate": "c", "tls_key": "k"}, "https://127.0.0.1:8080"),
    ],
)
def test_where_it_may_listen_it_knows_how_people_come(host, change, base):
    assert serve.may_listen(serving(**change), "f", host, 8080) == base


def test_the_refusal_reaches_the_command_line():
    done = CliRunner().invoke(serve.command, ["--config", str(SAMPLE), "--host", "0.0.0.0"])
    assert isinstance(done.exception, ConfigError) and done.exception.exit_code == 2


def sample(tmp_path, **networks):
    config = read(SAMPLE)
    state = config.state.model_copy(update={"url": f"sqlite:///{tmp_path}/state.db"})
    return config.model_copy(update={"state": state, "networks": config.networks.model_copy(update=networks)})


@pytest.fixture
def store(tmp_path):
    one = open_store(f"sqlite:///{fresh_record(tmp_path / 'state.db')}")
    yield one
    one.close()


def test_the_sample_is_run_filed_shown_and_approved_into_the_feed(tmp_path, store, clock):
    config = sample(tmp_path)
    wired = start_up(config, str(SAMPLE), store, clock)
    assert wired.off == "" and wired.sources == ("sample",)
    asked = wired.carry(wired.errands()[0].name, clock())
    with store.change() as conn:
        found = approval_requests.list_requests(conn)
        accounts.add(conn, "anna", "approver", "correct horse battery", "test", clock())
    assert {"cam-01", "kiosk-04"} <= {one.host for one in found} and len(asked) == len(found)
    assert all(step.connector == "blocklist" for one in found for step in one.offers[0].steps)
    door = WorkflowClient(store)
    try:
        feeds = tuple(one for one in wired.named("containments").values() if hasattr(one, "feed"))
        web = Web(store, clock, config=config, feeds=feeds, enqueue=door.starting)
        web.log_in("anna")
        assert web.client.get("/feeds/edl.txt").text == ""
        assert web.answer().status_code == 303
        assert door.unfinished() == 1
        report = wired.report(_case(store, web.request.case_id))
        assert b"<html" in report and web.request.host.encode() in report
        assert wired.works(door, b"s" * 32, "http://127.0.0.1:8080").outfit.devices
    finally:
        door.close()


def _case(store, case_id):
    with store.reading() as conn:
        return case_rows.case_of(conn, case_id)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"networks": {}}, "networks.protected is not set"),
        ({"containments": {}}, "no [containments.NAME]"),
    ],
)
def test_without_a_word_on_what_is_protected_containment_is_off(tmp_path, store, clock, change, said):
    config = sample(tmp_path, **({"protected": ()} if "networks" in change else {}))
    config = config.model_copy(update={k: v for k, v in change.items() if k != "networks"})
    wired = start_up(config, str(SAMPLE), store, clock)
    assert said in wired.off
    with pytest.raises(ConfigError, match="containment is off"):
        wired.authority()


def test_a_source_that_is_not_configured_is_named(tmp_path, store, clock):
    config = sample(tmp_path)
    config = config.model_copy(update={"serve": config.serve.model_copy(update={"sources": ("splunk",)})})
    with pytest.raises(ConfigError, match=r"serve\.sources: 'splunk'"):
        start_up(config, "f", store, clock).errands()
    with pytest.raises(ConfigError, match="no errand"):
        start_up(sample(tmp_path), "f", store, clock).carry("splunk 86400", clock())


def test_a_source_in_trouble_is_shown_until_it_works(store, clock):
    configured = schedules.jobs_of_sources(("siem",), 600)
    told = serve._troubles(store, configured)
    assert told() == ()
    with store.change() as conn:
        schedules.failed(conn, configured[0], "no answer", clock())
    assert "siem failed" in told()[0]
    with store.change() as conn:
        schedules.done(conn, configured[0], clock())
    assert told() == ()


def test_the_first_password_is_in_a_file_of_ours_alone_and_never_in_what_is_logged(tmp_path, store, clock):
    file, lines = first_password_file(store, Config()), []
    first_admin(store, file, clock(), lines.append)
    password = file.read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600 and len(password) >= 15
    assert password not in " ".join(lines) and str(file) in " ".join(lines)
    assert isinstance(accounts.by_password(store, "admin", password, clock()), Proof)
    first_admin(store, file, clock(), lines.append)
    assert not file.exists() and "removed" in lines[-1]
    with store.reading() as conn:
        assert [one.name for one in accounts.list_accounts(conn)] == ["admin"]


def test_the_first_password_may_come_from_the_environment(tmp_path, store, clock, monkeypatch):
    monkeypatch.setenv("BOTNET_PLAYBOOK_ADMIN_PASSWORD", "a password of theirs")
    file, lines = first_password_file(store, Config()), []
    first_admin(store, file, clock(), lines.append)
    assert not file.exists() and "theirs" not in " ".join(lines)
    assert isinstance(accounts.by_password(store, "admin", "a password of theirs", clock()), Proof)


def test_a_first_password_that_is_too_short_or_cannot_be_written_makes_no_account(tmp_path, store, clock, monkeypatch):
    monkeypatch.setenv("BOTNET_PLAYBOOK_ADMIN_PASSWORD", "short")
    with pytest.raises(ConfigError, match="at least 12"):
        first_admin(store, tmp_path / "p", clock(), print)
    monkeypatch.delenv("BOTNET_PLAYBOOK_ADMIN_PASSWORD")
    with pytest.raises(ConnectorError, match="cannot be written"):
        first_admin(store, tmp_path / "no" / "such" / "folder", clock(), print)
    with store.reading() as conn:
        assert accounts.list_accounts(conn) == ()


def test_the_secret_is_kept_for_its_owner_only(tmp_path, store, monkeypatch):
    first = secret_of(Config(), "f", store)
    assert first == secret_of(Config(), "f", store) and len(first) >= 32
    assert (tmp_path / "state.db.secret").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("LINKS", "short")
    with pytest.raises(ConfigError, match="at least 32"):
        secret_of(serving(secret_env="LINKS"), "f", store)


@pytest.mark.parametrize("left", [b"", b"0123456789abcdef"])
def test_a_secret_of_which_only_a_part_was_written_signs_nothing(tmp_path, store, left):
    (tmp_path / "state.db.secret").write_bytes(left)
    with pytest.raises(ConfigError, match="a new secret is made"):
        secret_of(Config(), "f", store)


def test_of_two_processes_that_make_the_secret_at_once_one_makes_it(tmp_path, store, monkeypatch):
    theirs, link = b"t" * 64, os.link

    def slower(source, target):
        Path(target).write_bytes(theirs)
        link(source, target)

    monkeypatch.setattr(os, "link", slower)
    assert secret_of(Config(), "f", store) == theirs
    assert [one.name for one in tmp_path.iterdir() if "secret" in one.name] == ["state.db.secret"]


class Told:
    name = "mail"

    def __init__(self):
        self.notices = []

    def tell(self, notice):
        self.notices.append(notice)

    def check(self):
        return ()


def test_a_signed_link_leads_to_the_login_and_a_changed_one_nowhere(web, clock):
    path = f"/cases/{web.request.case_id}"
    link = signed(web.parts.secret, "http://testserver/", path)
    answer = web.client.get(link)
    assert answer.status_code == 303 and answer.headers["location"] == path
    assert web.client.get(path).headers["location"] == f"/login?next={path}"
    for bad in (link[:-3] + "abc", link.replace("/l/", "/l/x"), "/l/" + "a" * 5000, "/l/a.b.c"):
        assert web.client.get(bad).status_code == 404
    out = signed(web.parts.secret, "http://testserver", "//evil.example")
    assert web.client.get(out).headers["location"] == "/"
    assert web.request.state == "waiting"


def test_notices_carry_a_signed_link(tmp_path, store, clock):
    told = Told()
    linked = LinkingNotifier(told, b"k" * 32, "https://pages.corp.example")
    linked.tell(Notice(key="a", title="t", text="x", link="/cases/C-1"))
    linked.tell(Notice(key="b", title="t", text="x"))
    assert told.notices[0].link.startswith("https://pages.corp.example/l/") and told.notices[1].link == ""
    assert linked.name == "mail" and linked.check() == ()


def test_a_log_line_is_one_json_object_without_secrets():
    line = logging.LogRecord("x", logging.INFO, "f", 1, "token=%s\nnext", ("bpt_secret",), None)
    line.fields = {"path": "/l/x", "who": "anna", "ms": 1.5}
    text = JsonLines().format(line)
    assert "\n" not in text and "bpt_secret" not in text and '"who": "anna"' in text


def test_faults_of_connectors_are_told_with_their_status(web, monkeypatch):
    def away(given, outside):
        raise ConnectorError("the look-up did not answer: token=abc123")

    monkeypatch.setattr(look_up_address, "run", away)
    answer = web.client.post("/api/actions/look_up_address", json={"address": "203.0.113.1"}, headers=web.token("vera"))
    assert answer.status_code == 502 and "abc123" not in answer.text


def test_a_record_older_than_its_anchor_applies_nothing_and_serves_no_block_list(tmp_path, store, clock):
    config = sample(tmp_path)
    wired = start_up(config, str(SAMPLE), store, clock)
    with store.change() as conn:
        accounts.add(conn, "anna", "approver", "correct horse battery", "test", clock())
    assert wired.anchor_trail() == 1 and wired.anchor_trail() == 0
    feeds = tuple(one for one in wired.named("containments").values() if hasattr(one, "feed"))
    web = Web(store, clock, config=config, feeds=feeds, restored=wired.restored)
    assert web.client.get("/feeds/edl.txt").status_code == 200 and wired.authority()
    with store.change() as conn:
        conn.exec_driver_sql("DELETE FROM journal")
        conn.exec_driver_sql("DELETE FROM journal_head")
    assert "restored from a backup, or emptied" in wired.restored() and wired.anchor_trail() == 0
    assert web.client.get("/feeds/edl.txt").status_code == 503
    with pytest.raises(ConfigError, match="confirm-restore"):
        wired.authority()
    assert any("restored" in line for line in serve._troubles(store, (), wired.restored)())
