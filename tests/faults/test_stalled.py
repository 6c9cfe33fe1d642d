"""A worker stands still (SIGSTOP) and wakes after another took its work over: both act, everything happens once."""

import os
import signal
from collections import Counter

import pytest
import sqlalchemy as sa

from playbook.cases import containments as kept
from playbook.cases.schema import executors
from tests.faults.outcome import passed, verified
from tests.faults.test_workers import rows, set_up, wait_for

# Without answers of a lock only the heart tells that a worker is dead: PostgreSQL (SQLite's file lock is believed).
pytestmark = [pytest.mark.faults, pytest.mark.postgres]
STOPS_AT = [
    "step intend:after",
    "step apply:before",
    "edge.contain:before",
    "step apply:after",
    "edge.verify:before",
    "step confirm:after",
    "step open_tickets:before",
    "desk.open:before",
    "desk.comment:before",
    "mail.tell:before",
    "step claim:after",
    "edge.release:before",
    "edge.verify_released:before",
]


def asleep(folder, url, stage, point):
    """Six approved steps, and a worker that stopped at a point."""
    bench, asked = set_up(folder, url)
    keys = [key for request in asked for key in bench.approve(request).keys]
    first = stage.begin(
        folder=str(folder), url=url, act="work", executor="w1", kill=(point, 1), sign=signal.SIGSTOP, silent=2
    )
    if "claim" in point or "release" in point:
        wait_for(lambda: in_state(bench, keys, "active"))
        let_go(bench, keys)
    wait_for(lambda: passed(folder)[point] >= 1)
    return bench, keys, first


def in_state(bench, keys, state):
    return all(bench.containment(key).state == state for key in keys)


def let_go(bench, keys):
    with bench.store.change() as conn:
        for key in keys:
            kept.ask_release(conn, key, "bert", bench.now, "clean")


def awake(bench, first):
    """Let it go on, until its heart has beaten and nothing is under way."""
    os.kill(first, signal.SIGCONT)
    with bench.store.change() as conn:
        conn.execute(executors.update().where(executors.c.executor_id == "w1").values(beat_at=bench.now))

    def beats():
        with bench.store.reading() as conn:
            at = conn.execute(sa.select(executors.c.beat_at).where(executors.c.executor_id == "w1")).scalar()
        return at not in (None, bench.now)

    wait_for(beats)
    wait_for(lambda: rows(bench, "SELECT 1 FROM {status} WHERE status = 'PENDING' AND name <> 'sweep'") == [])


def ended(stage, folder, *pids):
    (folder / "enough").touch()
    for pid in pids:
        word = stage.end(pid)
        assert word["code"] == 0, word["said"]


@pytest.mark.parametrize("point", STOPS_AT)
def test_it_wakes_and_everything_has_happened_once(stage, folder, stalling, point, record_property):
    bench, keys, first = asleep(folder, stalling, stage, point)
    last = "released" if "claim" in point or "release" in point else "active"
    second = stage.begin(folder=str(folder), url=stalling, act="work", executor="w2", silent=2)
    wait_for(lambda: in_state(bench, keys, last))
    wait_for(lambda: len(bench.desk.logged("ticket")) == len(keys))
    awake(bench, first)
    assert in_state(bench, keys, last)
    ended(stage, folder, first, second)
    assert Counter(bench.device.logged("set")) == Counter(keys)
    assert Counter(bench.device.logged("unset")) == Counter(keys if last == "released" else ())
    assert max(Counter(bench.desk.logged("ticket")).values()) == 1
    assert verified(stalling)[0] == () and "late effect" not in bench.kinds()
    bench.close()
    record_property("fault", f"a worker stands still at {point}, is taken for dead, and wakes")
    record_property("database", "postgresql")
    record_property("found", f"{len(keys)} blocks, {len(keys)} tickets, each once; both workers went on")


def test_what_it_sets_after_the_release_is_released_again(stage, folder, stalling, record_property):
    bench, keys, first = asleep(folder, stalling, stage, "edge.contain:before")
    second = stage.begin(folder=str(folder), url=stalling, act="work", executor="w2", silent=2)
    wait_for(lambda: in_state(bench, keys, "active"))
    let_go(bench, keys)
    wait_for(lambda: in_state(bench, keys, "released"))
    awake(bench, first)
    wait_for(lambda: "late effect" in bench.kinds() and in_state(bench, keys, "released"))
    assert bench.device.state == {}
    ended(stage, folder, first, second)
    twice = [key for key, number in Counter(bench.device.logged("set")).items() if number == 2]
    assert len(twice) == 1 and Counter(bench.device.logged("set")) == Counter(bench.device.logged("unset"))
    assert verified(stalling)[0] == ()
    bench.close()
    record_property("fault", "a worker stands still before it sets a block, and wakes after that block's release")
    record_property("database", "postgresql")
    record_property("found", "the late block is recognised, told of, released again and verified to be gone")
