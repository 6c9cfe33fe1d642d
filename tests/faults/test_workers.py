"""Workers that die, come back, come twice or come newer: the work of the dead goes on, and nothing runs twice."""

import time
from collections import Counter

import pytest
import sqlalchemy as sa

from playbook.cases import containments as kept
from playbook.errors import ConfigError
from playbook.workflows import executor_leases
from playbook.workflows.client import SERIALIZER, VERSION
from tests.faults.outcome import check_story, verified
from tests.faults.story import NOW
from tests.support import stopwatch
from tests.support.response_fixtures import Bench, a_bot

DIES_AT = ["step apply:after", "edge.contain:after", "step open_tickets:after", "desk.open:after", "step claim:after"]


def wait_for(what, seconds=600.0):
    patience = stopwatch.seconds() + seconds
    while not what():
        assert stopwatch.seconds() < patience, "not in time"
        time.sleep(0.1)


def set_up(folder, url, number=6):
    """A bench with a waiting request for each of ``number`` hosts, each to another destination."""
    bench = Bench(folder, url)
    bench.account("anna")
    filed = bench.file(*(a_bot(n, destination=f"203.0.113.{n}") for n in range(31, 31 + number)))
    return bench, filed.asked


def rows(bench, query):
    schema = "" if bench.store.file else "dbos."
    with bench.store.reading() as conn:
        return conn.execute(sa.text(query.format(status=f"{schema}workflow_status"))).all()


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(
            p, marks=pytest.mark.faults(*(["quick"] if p in ("edge.contain:after", "step claim:after") else []))
        )
        for p in DIES_AT
    ],
)
def test_one_of_two_workers_dies_and_the_other_does_its_work(stage, folder, url, point, record_property):
    bench, asked = set_up(folder, url)
    keys = [key for request in asked for key in bench.approve(request).keys]
    first = stage.begin(folder=str(folder), url=url, act="work", executor="w1", kill=(point, 1))
    # The second comes when the first is at work (or dead already), so that there is something to take over.
    wait_for(lambda: any("step " in path.read_text() for path in folder.glob("passed.*")))
    second = stage.begin(folder=str(folder), url=url, act="work", executor="w2")
    if "claim" in point:
        wait_for(lambda: all(bench.containment(key).state == "active" for key in keys))
        with bench.store.change() as conn:
            for key in keys:
                kept.ask_release(conn, key, "bert", bench.now, "clean")
    killed = stage.end(first)
    assert killed["signal"] == 9, killed["said"]
    last = "released" if "claim" in point else "active"
    wait_for(lambda: all(bench.containment(key).state == last for key in keys))
    wait_for(lambda: len(bench.desk.logged("ticket")) == len(keys))
    (folder / "enough").touch()
    assert stage.end(second)["code"] == 0
    assert Counter(bench.device.logged("set")) == Counter(keys)
    assert Counter(bench.device.logged("unset")) == Counter(keys if "claim" in point else ())
    assert max(Counter(bench.desk.logged("ticket")).values()) == 1
    assert verified(url)[0] == ()
    bench.close()
    record_property("fault", f"2 workers, one killed at {point}")
    record_property("database", url.partition(":")[0])
    record_property("found", f"{len(keys)} blocks, {len(keys)} tickets, each once; taken over by the other")


@pytest.mark.faults("quick")
def test_two_processes_cannot_be_one_executor(folder, url, record_property):
    bench = Bench(folder, url)
    seat = executor_leases.acquire_lease(bench.store, "w1")
    with pytest.raises(ConfigError, match="w1"):
        executor_leases.acquire_lease(bench.store, "w1")
    other = executor_leases.acquire_lease(bench.store, "w2")
    seat.leave()
    executor_leases.acquire_lease(bench.store, "w1").leave()
    other.leave()
    bench.close()
    record_property("fault", "a second process with the same executor id")
    record_property("database", url.partition(":")[0])
    record_property("found", "refused to start, exit 2")


@pytest.mark.faults
def test_a_restart_storm_ends_no_work(stage, folder, url, record_property):
    for _ in range(12):
        ended = stage.run(folder=str(folder), url=url, act="story", kill=("step apply:before", 1))
        assert ended["signal"] == 9, ended["said"]
    bench = Bench(folder, url)
    with bench.store.change() as conn:
        schema = "" if bench.store.file else "dbos."
        conn.execute(sa.text(f"UPDATE {schema}workflow_status SET recovery_attempts = 100000 WHERE status = 'PENDING'"))
    bench.close()
    ended = stage.run(folder=str(folder), url=url, act="story")
    assert ended["code"] == 0, ended["said"]
    check_story(folder, url, record_property, "12 restarts cut off at the same step, and a count of 100,000 attempts")


@pytest.mark.faults
@pytest.mark.parametrize("point", ["step apply:after", "step undo:before"])
def test_an_upgrade_goes_on_with_what_the_old_release_began(stage, folder, url, point, record_property):
    assert stage.run(folder=str(folder), url=url, act="story", kill=(point, 1))["signal"] == 9
    ended = stage.run(folder=str(folder), url=url, act="story", newer=True)
    assert ended["code"] == 0, ended["said"]
    check_story(folder, url, record_property, f"an upgrade while it waits at {point}")


@pytest.mark.faults
def test_an_approval_while_nothing_runs_is_carried_out_later_and_nothing_is_pickled(
    stage, folder, url, record_property
):
    bench, asked = set_up(folder, url, 1)
    (key,) = bench.approve(asked[0]).keys
    found = rows(bench, "SELECT serialization, application_version, status FROM {status}")
    assert [tuple(row) for row in found] == [(SERIALIZER.name(), VERSION, "ENQUEUED")]
    worker = stage.begin(folder=str(folder), url=url, act="work", executor="w1")
    wait_for(lambda: bench.containment(key).state == "active")
    (folder / "enough").touch()
    assert stage.end(worker)["code"] == 0
    kinds = {tuple(row) for row in rows(bench, "SELECT DISTINCT serialization, application_version FROM {status}")}
    assert kinds == {(SERIALIZER.name(), VERSION)}
    bench.close()
    record_property("fault", "approved while no worker runs")
    record_property("database", url.partition(":")[0])
    record_property("found", "carried out at the next start; JSON only, one pinned version")


@pytest.mark.faults("quick")
def test_a_decision_and_its_work_share_one_fate(folder, url, monkeypatch, record_property):
    bench, asked = set_up(folder, url, 1)

    whole = bench.door.starting

    def cut_off(conn, request, plan, keys):
        whole(conn, request, plan, keys)
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.door, "starting", cut_off)
    with pytest.raises(KeyboardInterrupt):
        bench.approve(asked[0])
    monkeypatch.undo()
    assert rows(bench, "SELECT workflow_uuid FROM {status}") == []
    assert bench.approve(asked[0]).result == "approved"
    assert len(rows(bench, "SELECT workflow_uuid FROM {status}")) == 1
    bench.close()
    record_property("fault", "cut off inside the deciding transaction")
    record_property("database", url.partition(":")[0])
    record_property("found", "neither decided nor enqueued; the answer counts when given again")


def test_a_heart_that_stands_still_is_dead_only_where_no_lock_can_tell(folder, sqlite, monkeypatch):
    bench = Bench(folder, sqlite)
    clock = [0.0]
    executor_leases.heartbeat(bench.store, "other", NOW, NOW)
    watcher = executor_leases.FailoverMonitor(bench.store, bench.door, "own", lambda: clock[0])
    held = executor_leases.acquire_lease(bench.store, "other")
    monkeypatch.setattr(bench.door, "unfinished_of", lambda executor: ("wf",))
    monkeypatch.setattr(bench.door, "resume", lambda found: None)
    clock[0] = 1e6
    assert watcher.take_over(NOW) == ()
    held.leave()
    assert watcher.take_over(NOW) == ("wf",) and "work taken over" in bench.kinds()
    bench.close()
