"""Sources run once whoever keeps the schedule: two workers, one of them killed or stalled in the middle of a run."""

import os
import signal
from collections import Counter

import pytest

from playbook.cases import queries
from tests.faults.outcome import verified
from tests.faults.test_workers import wait_for
from tests.support.response_fixtures import Bench


def runs_of(folder):
    """Which errand began and ended, in order, by all processes."""
    path = folder / "runs"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def done(folder, word):
    return Counter(name for one, name, *_ in runs_of(folder) if one == word)


@pytest.mark.faults
def test_two_workers_run_each_source_once_each_time(stage, folder, url, record_property):
    workers = [stage.begin(folder=str(folder), url=url, act="keep_schedule", executor=name) for name in ("w1", "w2")]
    wait_for(lambda: done(folder, "ended")["a"] >= 3)
    (folder / "enough").touch()
    assert [stage.end(pid)["code"] for pid in workers] == [0, 0]
    began = [(name, moment) for word, name, moment in runs_of(folder) if word == "began"]
    assert len(began) == len(set(began)) and {name for name, _ in began} == {"a", "b"}
    # The story's clock goes on by one errand's time when everything of the time before has ended.
    assert max(done(folder, "began").values()) - min(done(folder, "began").values()) <= 1
    assert verified(url)[0] == ()
    record_property("fault", "two workers keep one schedule")
    record_property("database", url.partition(":")[0])
    record_property("found", f"{len(began)} runs of two sources, each time of each source once")


@pytest.mark.faults
def test_a_run_whose_worker_is_killed_is_run_by_the_other(stage, folder, url, record_property):
    cut_off(stage, folder, url, signal.SIGKILL, record_property)


# On SQLite the lock of a process that stands still is believed: it is on this machine.
@pytest.mark.faults
@pytest.mark.postgres
def test_a_run_whose_worker_stands_still_is_run_by_the_other(stage, folder, stalling, record_property):
    cut_off(stage, folder, stalling, signal.SIGSTOP, record_property)


def cut_off(stage, folder, url, sign, record_property):
    (folder / "slow").touch()
    first = stage.begin(folder=str(folder), url=url, act="keep_schedule", executor="w1", silent=2)
    wait_for(lambda: done(folder, "began")["a"] == 1)
    os.kill(first, sign)
    (folder / "slow").unlink()
    second = stage.begin(folder=str(folder), url=url, act="keep_schedule", executor="w2", silent=2)
    wait_for(lambda: done(folder, "ended")["a"] >= 1)
    if sign == signal.SIGSTOP:
        os.kill(first, signal.SIGCONT)
        wait_for(lambda: done(folder, "ended")["a"] >= 2)
    (folder / "enough").touch()
    assert stage.end(second)["code"] == 0
    assert stage.end(first)["signal"] == (9 if sign == signal.SIGKILL else None)
    bench = Bench(folder, url)
    with bench.store.reading() as conn:
        filed = Counter(run.run_id for run in queries.last_runs(conn, 100))
    bench.close()
    assert filed and max(filed.values()) == 1 and verified(url)[0] == ()
    record_property("fault", f"a worker gets {sign.name} in the middle of a run of a source")
    record_property("database", url.partition(":")[0])
    record_property("found", "the other runs it as of the same moment; filed once")
