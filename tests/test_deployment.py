"""docs/deployment.md is tried: its unit, its configuration over TLS, a backup while it runs, a restore, an upgrade."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config as Alembic

from playbook.cases import accounts, approval_requests, approvals, audit, audit_check
from playbook.cases.schema import metadata
from playbook.cases.store import open_store
from playbook.config import read
from playbook.model.response import Decision
from tests.playbook.cases.runs import file, judged
from tests.support.builders import NOW

PAGE = Path(__file__).resolve().parents[1] / "docs" / "deployment.md"
_FILE = re.compile(r"^```\w+ file=(?P<name>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
OPENSSL = shutil.which("openssl")


def block(name):
    return next(m["text"] for m in _FILE.finditer(PAGE.read_text(encoding="utf-8")) if m["name"] == name)


def test_the_unit_is_hardened_and_its_command_is_one_of_ours(tmp_path):
    unit = block("botnet-playbook.service")
    for word in ("NoNewPrivileges=yes", "ProtectSystem=strict", "UMask=0077", "CapabilityBoundingSet=\n"):
        assert word in unit
    if shutil.which("systemd-analyze") is None:
        return
    own = unit.replace("/opt/botnet-playbook/bin/botnet-playbook", sys.executable)
    (tmp_path / "botnet-playbook.service").write_text(own.replace("User=botnet-playbook", "User=root"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "botnet-playbook.service")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "botnet-playbook.service" not in done.stderr, done.stderr


def configured(folder):
    """The page's configuration with its places in this folder."""
    text = block("playbook.toml")
    for place in ("/var/lib/botnet-playbook", "/etc/botnet-playbook", "/run/botnet-playbook"):
        text = text.replace(place, str(folder))
    path = folder / "playbook.toml"
    path.write_text(text)
    return path


def test_the_configuration_is_read_as_it_stands(tmp_path):
    config = read(configured(tmp_path))
    assert config.off == "" and config.serve.tls_key is not None and config.state.audit_anchor is not None


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Service:
    """serve as its unit starts it, on a port of loopback."""

    def __init__(self, config: Path) -> None:
        self.port, self.folder = free_port(), config.parent
        arguments = ["serve", "--config", str(config), "--host", "127.0.0.1", "--port", str(self.port)]
        self.errors = (config.parent / "errors.log").open("w")
        environment = {"PATH": "/usr/bin:/bin", "BOTNET_PLAYBOOK_ADMIN_PASSWORD": "the first password"}
        environment |= {"PYTHONPATH": str(PAGE.parents[1]), "HOME": str(config.parent)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "playbook", *arguments], env=environment, stderr=self.errors, cwd=config.parent
        )

    def health(self, tries=300):
        context = ssl.create_default_context(cafile=str(self.folder / "tls.pem"))
        context.check_hostname = False
        for _ in range(tries):
            try:
                url = f"https://127.0.0.1:{self.port}/health"
                with urllib.request.urlopen(url, context=context, timeout=10) as answer:
                    return answer.status, json.loads(answer.read())
            except urllib.error.HTTPError as fault:
                return fault.code, json.loads(fault.read())
            except OSError:
                assert self.process.poll() is None, (self.folder / "errors.log").read_text()
                time.sleep(0.2)
        raise AssertionError((self.folder / "errors.log").read_text())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.errors.close()


@pytest.mark.loopback
@pytest.mark.heavy
@pytest.mark.integration
@pytest.mark.skipif(OPENSSL is None, reason="no openssl on this machine: apt-get install openssl")
def test_it_serves_over_tls_is_backed_up_while_it_runs_and_a_restore_waits_for_a_person(tmp_path):
    config = configured(tmp_path)
    subprocess.run(
        [
            str(OPENSSL),
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-keyout",
            str(tmp_path / "tls.key"),
            "-out",
            str(tmp_path / "tls.pem"),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    os.chmod(tmp_path / "tls.key", 0o600)
    service = Service(config)
    try:
        assert service.health()[0] == 200
        with sqlite3.connect(tmp_path / "playbook.db") as live, sqlite3.connect(tmp_path / "backup.db") as copy:
            live.backup(copy)
    finally:
        service.stop()
    store = open_store(f"sqlite:///{tmp_path}/playbook.db")
    file(store, judged(4))
    store.close()
    service = Service(config)
    try:
        assert service.health()[0] == 200
        for _ in range(300):
            if (tmp_path / "audit-anchor").exists():
                break
            time.sleep(0.2)
    finally:
        service.stop()
    for name in ("playbook.db", "playbook.db-wal", "playbook.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", tmp_path / "playbook.db")
    service = Service(config)
    try:
        status, told = service.health()
        assert status == 503 and told["checks"]["record"] == "restored, not confirmed"
    finally:
        service.stop()
    assert "the first password" not in (tmp_path / "errors.log").read_text()


def test_a_record_of_before_with_a_case_that_waits_is_upgraded_and_answered(tmp_path):
    new, old = open_store(f"sqlite:///{tmp_path}/new.db"), open_store(f"sqlite:///{tmp_path}/old.db", migrate=False)
    with new.change() as conn:
        accounts.add(conn, "anna", "approver", "", "test", NOW)
    file(new, judged(4))
    settings = Alembic()
    settings.set_main_option("script_location", "playbook.cases:migrations")
    with old.change() as conn:
        settings.attributes["connection"] = conn
        command.upgrade(settings, "0007")
        known = {
            name: {c["name"] for c in sa.inspect(conn).get_columns(name)} for name in sa.inspect(conn).get_table_names()
        }
        conn.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        with new.reading() as source:
            for table in (one for one in metadata.sorted_tables if one.name in known):
                for row in source.exec_driver_sql(f"SELECT * FROM {table.name}").mappings():
                    values = {name: value for name, value in row.items() if name in known[table.name]}
                    columns = ", ".join(values)
                    marks = ", ".join("?" * len(values))
                    conn.exec_driver_sql(
                        f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", tuple(values.values())
                    )
    old.migrate()
    with old.change() as conn:
        (request,) = approval_requests.list_requests(conn)
        plan = request.offers[0]
        decision = Decision(
            case_id=request.case_id,
            plan_id=plan.plan_id,
            digest=plan.digest,
            who="anna",
            via="cli",
            approve=True,
            at=NOW,
        )
        assert approvals.decide(conn, decision, NOW, lambda *_: None).result == "approved"
        assert audit.verify(conn) == () and audit_check.unexplained(conn) == ()
    new.close()
    old.close()
