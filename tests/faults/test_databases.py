"""A record that is locked, full or read-only at any stage: nothing is set without its audit line, nothing twice."""

import threading

import pytest
import sqlalchemy as sa

from playbook.errors import ConnectorError
from playbook.workflows import executor, workflows
from tests.faults.outcome import verified
from tests.support.response_fixtures import Bench

STAGES = ("prepare", "apply", "verify", "claim", "release", "verify_released")


class Database:
    """A SQLite record that can be made unwilling, on every connection."""

    def __init__(self, bench):
        self.engine, self.pragma = bench.store.engine, ""
        sa.event.listen(self.engine, "connect", self._set_up)
        sa.event.listen(self.engine, "checkout", self._set_up)
        self.engine.dispose()

    def _set_up(self, raw, *_):
        raw.execute("PRAGMA busy_timeout=50")
        if self.pragma:
            raw.execute(self.pragma)

    def refuse(self, how):
        with self.engine.connect() as conn:
            pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        self.pragma = {"full": f"PRAGMA max_page_count={pages}", "read-only": "PRAGMA query_only=ON"}[how]

    def relent(self):
        self.pragma = ""
        self.engine.dispose()


def through(bench, key, database, how, at):
    """The stages in order; the database is unwilling from the stage ``at`` until its failure was seen."""
    failed = False
    for stage in STAGES:
        if stage == "claim":
            bench.later(hours=2)
        if stage == at:
            database.refuse(how)
            fill(bench, how)
            with pytest.raises(ConnectorError):
                getattr(executor, stage)(bench.outfit, key)
            failed = True
            assert stage != "prepare" or bench.device.logged("set") == []
            database.relent()
        getattr(executor, stage)(bench.outfit, key)
    return failed


def fill(bench, how):
    """Use up what room is left in the pages that are there."""
    if how != "full":
        return
    try:
        for _ in range(200):
            with bench.store.change() as conn:
                executor.audit.append(conn, bench.now, "", "filler", "filler", {"text": "x" * 3000})
    except ConnectorError:
        pass
    try:
        for _ in range(200):
            with bench.store.change() as conn:
                executor.audit.append(conn, bench.now, "", "filler", "filler", {"text": "x"})
    except ConnectorError:
        pass


@pytest.mark.parametrize("how", ["full", "read-only"])
@pytest.mark.parametrize(
    "at", [pytest.param(s, marks=pytest.mark.faults(*(["quick"] if s in ("prepare", "apply") else []))) for s in STAGES]
)
def test_a_record_that_takes_nothing(folder, sqlite, how, at, record_property):
    bench = Bench(folder, sqlite)
    (key,) = bench.approved()
    assert through(bench, key, Database(bench), how, at)
    assert bench.device.logged("set") == bench.device.logged("unset") == [key]
    assert bench.containment(key).state == "released"
    bench.close()
    assert verified(sqlite)[0] == ()
    record_property("fault", f"database {how} from the stage {at} on, then well again")
    record_property("database", "sqlite")
    record_property("found", "1 block, 1 release; nothing set without its audit line")


@pytest.mark.faults
@pytest.mark.parametrize("at", STAGES)
def test_a_record_that_is_locked_by_another(folder, sqlite, at, record_property):
    bench, other = Bench(folder, sqlite), sa.create_engine(sqlite)
    (key,) = bench.approved()
    Database(bench)
    for stage in STAGES:
        if stage == "claim":
            bench.later(hours=2)
        if stage == at:
            with other.connect() as conn:
                conn.exec_driver_sql("BEGIN IMMEDIATE")
                with pytest.raises(ConnectorError):
                    getattr(executor, stage)(bench.outfit, key)
                assert stage != "prepare" or bench.device.logged("set") == []
        getattr(executor, stage)(bench.outfit, key)
    assert bench.device.logged("set") == bench.device.logged("unset") == [key]
    bench.close()
    assert verified(sqlite)[0] == ()
    record_property("fault", f"database locked longer than the timeout at {at}")
    record_property("database", "sqlite")
    record_property("found", "1 block, 1 release")


@pytest.mark.faults
def test_a_record_that_is_locked_for_a_while_is_waited_for(folder, sqlite, record_property):
    bench, other = Bench(folder, sqlite), sa.create_engine(sqlite)
    workflows.register_workflows(bench.works)
    (key,) = bench.approved()
    with other.connect() as conn:
        conn.exec_driver_sql("BEGIN IMMEDIATE")
        worker = threading.Thread(target=executor.prepare, args=(bench.outfit, key))
        worker.start()
        worker.join(2)
        assert worker.is_alive() and bench.device.logged("set") == []
    worker.join(20)
    assert executor.apply(bench.outfit, key) == "done" and bench.device.logged("set") == [key]
    bench.close()
    record_property("fault", "database locked for two seconds")
    record_property("database", "sqlite")
    record_property("found", "waited for, then 1 block")
