"""Killed between the 202 and the work, or in the middle of it: no alert is lost, and none is filed twice."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from playbook.alerts import work as working
from playbook.cases import alerts, audit
from playbook.cases.alerts import HELD
from playbook.cases.store import open_store
from tests.playbook.alerts.scene import bot, scene

ROOT = Path(__file__).resolve().parents[3]
HOSTS = 30
WORKER = """
import sys
from tests.playbook.alerts.scene import scene
with scene(sys.argv[1]) as s:
    s.clock.forward(minutes=int(sys.argv[2]))
    print("ready", flush=True)
    while s.work(f"w{sys.argv[2]}"):
        pass
"""


class Killed(BaseException):
    """The process is gone: nothing catches it."""


def many(number=HOSTS):
    return [bot(src_ip=f"10.1.7.{n}", dst_ip="203.0.113.250") for n in range(1, number + 1)]


def whole(store, number=HOSTS):
    """Every alert is filed, once, and every host has one case."""
    with store.reading() as conn:
        lines = [line for line in audit.lines(conn, limit=1000) if line.kind == "alert filed"]
        assert audit.verify(conn) == () and alerts.queued(conn) == 0
        states = Counter(conn.exec_driver_sql("SELECT state FROM alerts").scalars())
        cases = conn.exec_driver_sql("SELECT host, COUNT(*) FROM cases GROUP BY host").all()
    assert states == {"filed": number} and len(lines) == number
    assert len(cases) == number and all(count == 1 for _, count in cases)
    return lines


@pytest.mark.parametrize("point", ["claim", "judged", "settle", "after the first part"])
def test_a_worker_that_dies_anywhere_leaves_nothing_half_done(url, point, monkeypatch):
    with scene(url) as s:
        assert s.post(many()).json()["accepted"] == HOSTS

        def dies(*_, **__):
            raise Killed

        with monkeypatch.context() as patch:
            if point == "after the first part":
                real, calls = working._file_part, []
                patch.setattr(working, "_file_part", lambda *given: dies() if calls else calls.append(real(*given)))
            elif point == "claim":
                patch.setattr(working, "_grouped", dies)
            elif point == "judged":
                patch.setattr(working, "judge_alerts", dies)
            else:
                patch.setattr(working.alerts, "settle", dies)
            with pytest.raises(Killed):
                s.work("dead")
        assert s.work("w2") == 0, "they are still held by the dead one"
        s.clock.at += HELD
        while s.work("w2"):
            pass
        whole(s.store)


def test_a_worker_that_was_taken_for_dead_files_nothing_any_more(url, monkeypatch):
    with scene(url) as s:
        s.post(many())
        real = working.judge_alerts

        def slow(*given):
            monkeypatch.setattr(working, "judge_alerts", real)
            s.clock.at += HELD
            assert s.work("w2") == HOSTS
            return real(*given)

        monkeypatch.setattr(working, "judge_alerts", slow)
        s.work("stalled")
        whole(s.store)


def test_one_alert_that_cannot_be_judged_costs_no_other_and_is_given_up_after_five_tries(url, monkeypatch):
    with scene(url) as s:
        bad = s.post([*many(3), bot(src_ip="10.1.7.200")]).json()["alerts"][3]
        real = working.judge_alerts

        def breaks(entries, *given):
            if any(one.alert_id == bad for one in entries):
                raise ValueError("nobody thought of this")
            return real(entries, *given)

        monkeypatch.setattr(working, "judge_alerts", breaks)
        for _ in range(8):
            s.work()
            s.clock.forward(hours=1)
        assert s.alert(bad).state == "failed" and "nobody thought of this" in s.alert(bad).last_error
        assert len(s.cases()) == 3
        monkeypatch.setattr(working, "judge_alerts", real)
        assert s.post([bot(src_ip="10.1.7.200")]).json()["accepted"] == 1
        s.work()
        assert s.alert(bad).state == "filed"


@pytest.mark.faults
def test_kill_minus_nine_between_the_answer_and_the_work_and_in_the_middle_of_it(url):
    with scene(url) as s:
        assert s.post(many()).status_code == 202
    for number in range(1, 8):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, url, str(number * 5)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
        if number < 7:
            time.sleep(0.25 * number)
            os.kill(worker.pid, signal.SIGKILL)
        worker.communicate(timeout=120)
    store = open_store(url)
    try:
        whole(store)
    finally:
        store.close()
