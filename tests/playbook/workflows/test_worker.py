"""A worker in this process: it starts, does what is due, refuses a second of its id, and stops."""

import threading
import time

import pytest

from playbook.errors import ConfigError
from playbook.workflows import executor_leases, workflows
from playbook.workflows.worker import Worker, WorkerIntervals
from tests.support import stopwatch
from tests.support.builders import NOW


@pytest.fixture
def worker(bench):
    one = Worker(bench.works, "w1", stopwatch.seconds, WorkerIntervals(sweep_s=0.0, poll_s=0.02))
    one.start(ticking=False)
    yield one
    one.stop()


def settled(bench, worker):
    worker.tick()
    patience = stopwatch.seconds() + 120
    while bench.door.unfinished():
        assert stopwatch.seconds() < patience
        time.sleep(0.02)


def test_it_carries_out_what_was_approved_and_releases_what_is_due(bench, worker):
    (key,) = bench.approved()
    settled(bench, worker)
    assert bench.device.logged("set") == [key] and bench.desk.logged("ticket")
    bench.later(seconds=3601)
    settled(bench, worker)
    settled(bench, worker)
    assert bench.containment(key).state == "released" and bench.faults() == ()


def test_a_second_of_its_id_does_not_start(bench, worker):
    with pytest.raises(ConfigError, match="w1"):
        Worker(bench.works, "w1", stopwatch.seconds).start()


def test_one_sweep_at_a_time(bench, worker, monkeypatch):
    asked_again = threading.Event()
    monkeypatch.setitem(workflows.STEPS, "expire", lambda works: 0 if asked_again.wait(120) else 1 / 0)
    assert worker.sweep() and not worker.sweep()
    asked_again.set()
    settled(bench, worker)


def test_finished_workflows_are_forgotten_after_a_while(bench, worker):
    settled(bench, worker)
    assert bench.door.forget_finished(bench.now.replace(year=2000)) == 0
    assert bench.door.forget_finished(bench.now.replace(year=2100)) > 0


def test_work_that_no_thread_carries_out_any_more_goes_on_after_a_while_and_what_runs_is_left_alone(bench, monkeypatch):
    clock, resumed = [0.0], []
    watcher = executor_leases.FailoverMonitor(bench.store, bench.door, "w1", lambda: clock[0], orphan_s=30)
    monkeypatch.setattr(bench.door, "unfinished_of", lambda executor: ("dropped", "running"))
    monkeypatch.setattr(bench.door, "resume", resumed.append)
    assert watcher.take_up_again({"running"}, NOW) == ()
    clock[0] = 29
    assert watcher.take_up_again({"running", "dropped"}, NOW) == ()
    clock[0] = 40
    assert watcher.take_up_again({"running"}, NOW) == () and resumed == []
    clock[0] = 70
    assert watcher.take_up_again({"running"}, NOW) == ("dropped",) == resumed[0]
    assert "work taken over" in bench.kinds()


def test_a_workflow_is_known_to_run_here_while_it_does(bench, worker):
    seen = []
    real = bench.device.contain
    bench.device.contain = lambda step, key: seen.append(workflows.running()) or real(step, key)
    bench.approved()
    settled(bench, worker)
    assert any(one.startswith("contain_case:") for one in seen[0]) and not workflows.running()
