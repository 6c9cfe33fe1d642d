"""A record held against its trail, and the trail against heads kept outside: each forgery is named."""

import json
import shutil
from datetime import timedelta

import pytest
from click.testing import CliRunner

from playbook.cases import accounts, audit, audit_anchor, audit_check, case_rows, responder
from playbook.cases import containments as kept
from playbook.cases.store import open_store
from playbook.cli import audit as audit_command
from playbook.errors import ConfigError
from playbook.model.response import Receipt
from tests.playbook.cases.runs import FILING, file, judged
from tests.playbook.cases.test_response_state import again, answer, moved, the_row
from tests.support.builders import NOW


def receipt(store, action):
    with store.change() as conn:
        (one,) = kept.list_containments(conn, kept.LIVE)
        said = Receipt(connector="edge", action=action, ok=True, changed=True, said="done", at=NOW)
        kept.record_receipt(conn, one.key, said, NOW)


@pytest.fixture
def lived(store):
    """A record in which something of everything happened: denied, asked again, approved, set, released, closed."""
    file(store, judged(4))
    answer(store, False)
    again(store)
    assert answer(store, True, 31, "carl").result == "approved"
    receipt(store, "contain")
    moved(store, "intended", "active", 32, NOW + timedelta(hours=40))
    receipt(store, "release")
    moved(store, "active", "releasing", 33)
    moved(store, "releasing", "released", 34)
    again(store, 35)
    assert answer(store, True, 36, "carl").result == "approved"
    file(store, judged(5, host="ws-look", number=2))
    with store.change() as conn:
        responder.take_over(conn, the_cases(conn)["ws-look"], "anna", NOW)
        close_case(conn)
    return store


def the_cases(conn):
    return {row.host: row.case_id for row in conn.exec_driver_sql("SELECT host, case_id FROM cases")}


def close_case(conn):
    case_rows.resolve(conn, the_cases(conn)["ws-look"], "BENIGN_POSITIVE", "anna", "known", NOW)


def faults(store, known=()):
    with store.reading() as conn:
        return (*audit.verify(conn), *audit_anchor.faults(conn, known), *audit_check.unexplained(conn))


def head(store):
    with store.reading() as conn:
        return audit_anchor.current(conn, NOW)


def run(store, *statements):
    with store.change() as conn:
        for one in statements:
            conn.exec_driver_sql(one)


def test_an_honest_record_is_explained_whole(lived):
    assert faults(lived, (head(lived),)) == ()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE decisions SET approve = true WHERE who = 'anna'", "anna approved is not in the trail"),
        ("UPDATE decisions SET who = 'bert' WHERE who = 'carl'", "carl approved, and no such answer"),
        ("DELETE FROM decisions WHERE who = 'anna'", "anna denied, and no such answer is there"),
        ("UPDATE decisions SET digest = 'ff' WHERE who = 'anna'", "not in the trail"),
        ("UPDATE containments SET state = 'released'", "released, and the trail tells intended"),
        ("UPDATE containments SET digest = 'ff'", "not of the plan"),
        ("DELETE FROM receipts", "0 receipts, and the trail tells 2"),
        ("UPDATE cases SET person_disposition = 'TRUE_POSITIVE' WHERE host = 'ws-look'", "closed otherwise"),
        ("UPDATE cases SET person_disposition = '' WHERE host = 'ws-look'", "closing was taken away"),
    ],
)
def test_a_row_that_the_trail_does_not_tell_is_named(lived, statement, said):
    run(lived, statement)
    assert any(said in one for one in faults(lived)), faults(lived)


def test_deleted_containments_and_requests_are_named(lived):
    run(lived, "DELETE FROM receipts", "DELETE FROM containments")
    assert any("deleted" in one for one in faults(lived))
    run(lived, "DELETE FROM decisions", "DELETE FROM plans", "DELETE FROM requests")
    assert any(one.startswith("request Q-") and one.endswith("deleted") for one in faults(lived))


def test_an_emptied_trail_is_no_empty_record(lived):
    run(lived, "DELETE FROM journal", "DELETE FROM journal_head")
    assert "the trail is empty, though the record holds" in faults(lived)[0]


def test_a_tail_that_is_cut_with_its_head_turned_back_is_shown_by_an_anchor(lived):
    anchored = head(lived)
    with lived.change() as conn:
        seq, digest = conn.exec_driver_sql("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1 OFFSET 1").one()
        conn.exec_driver_sql("DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)")
        conn.exec_driver_sql(f"UPDATE journal_head SET seq = {seq}, hash = '{digest}'")
    with lived.reading() as conn:
        assert audit.verify(conn) == ()
    assert any("anchored" in one and "not there now" in one for one in faults(lived, (anchored,)))


def test_a_trail_written_anew_is_shown_by_an_anchor(lived):
    anchored = head(lived)
    lines = []
    with lived.change() as conn:
        lines = list(audit.lines(conn, limit=1000))
        conn.exec_driver_sql("DELETE FROM journal")
        conn.exec_driver_sql("DELETE FROM journal_head")
        for line in lines:
            actor = "mallory" if line.actor == "anna" else line.actor
            audit.append(conn, NOW, line.case_id, actor, line.kind, json.loads(line.content))
    assert any("not the line that was anchored" in one for one in faults(lived, (anchored,)))


@pytest.mark.parametrize("text", ["no json", "[]", '{"seq": 1}', '{"at": "x", "seq": -1, "hash": "0"}', "\x00"])
def test_an_anchor_file_that_is_none_is_refused_with_its_line(tmp_path, text):
    path = tmp_path / "anchor"
    path.write_text(f"{text}\n")
    for read in (audit_anchor.anchors, audit_anchor.newest):
        with pytest.raises(ConfigError, match="expected an anchor"):
            read(path)


def test_anchors_are_private_grow_once_a_head_and_stay_bounded(tmp_path, monkeypatch):
    path = tmp_path / "anchor"
    monkeypatch.setattr(audit_anchor, "_MOST_LINES", 10)
    monkeypatch.setattr(audit_anchor, "_KEPT_LINES", 5)
    for seq in (*range(30), 29):
        audit_anchor.write(path, audit_anchor.Anchor(at=NOW, seq=seq, hash="ab" * 32))
    assert path.stat().st_mode & 0o077 == 0 and len(audit_anchor.anchors(path)) <= 11
    assert audit_anchor.newest(path).seq == 29


def command(folder, *arguments, token=""):
    done = CliRunner(env={"BOTNET_PLAYBOOK_TOKEN": token} if token else {}).invoke(
        audit_command.command, [arguments[0], "--config", str(folder / "playbook.toml"), *arguments[1:]]
    )
    return done.exit_code, done.output + str(done.exception or "")


@pytest.mark.parametrize("harm", ["emptied", "restored", "honest"])
def test_a_restored_record_applies_nothing_before_a_person_confirms(tmp_path, harm):
    (tmp_path / "playbook.toml").write_text('[state]\nurl = "sqlite:///state.db"\n')
    path = tmp_path / "state.db"
    store = open_store(f"sqlite:///{path}")
    with store.change() as conn:
        accounts.add(conn, "root", "admin", "", "test", NOW)
        token = accounts.make_token(conn, "root", "test", NOW, days=None)
    file(store, judged(4), filing=FILING)
    store.close()
    shutil.copy(path, tmp_path / "backup.db")
    store = open_store(f"sqlite:///{path}")
    file(store, judged(4, host="ws-later", number=9))
    anchor = tmp_path / "state.db.audit-anchor"
    audit_anchor.write(anchor, head(store))
    store.close()
    if harm == "restored":
        shutil.copy(tmp_path / "backup.db", path)
    if harm == "emptied":
        store = open_store(f"sqlite:///{path}")
        run(store, "DELETE FROM journal", "DELETE FROM journal_head")
        store.close()
    code, said = command(tmp_path, "verify")
    assert (code == 0) == (harm == "honest"), said
    with open_store(f"sqlite:///{path}").reading() as conn:
        assert bool(audit_anchor.turned_back(conn, anchor)) == (harm != "honest")
    code, said = command(tmp_path, "confirm-restore", token=token)
    assert (code == 0) == (harm != "honest"), said
    if harm != "honest":
        with open_store(f"sqlite:///{path}").reading() as conn:
            assert audit_anchor.turned_back(conn, anchor) == ""
        assert (tmp_path / "state.db.audit-anchor.before-restore").exists()
    assert command(tmp_path, "confirm-restore")[0] != 0
    code, said = command(tmp_path, "head")
    assert code == 0 and json.loads(said)["seq"] > 0


def test_the_row_of_a_taken_case_needs_no_line_of_its_own(store):
    file(store, judged(4))
    with store.change() as conn:
        responder.take_over(conn, the_row_id(conn), "anna", NOW)
    assert the_row(store).assignee == "anna" and faults(store) == ()


def the_row_id(conn):
    return conn.exec_driver_sql("SELECT case_id FROM cases").scalar_one()
