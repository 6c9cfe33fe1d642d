"""The story that is told under faults: a block and an isolation, from detection to verified release, in any process.

It goes on wherever it was cut off: every part looks at the record first.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dbos import DBOS

from playbook.cases import approval_requests, outbox
from playbook.cases import containments as kept
from playbook.cases.schedules import DAY, ScheduledJob
from playbook.errors import ConnectorError
from playbook.model.detection import Fetched, TimeWindow
from playbook.workflows import workflows
from playbook.workflows.client import TRIAGE
from playbook.workflows.worker import Worker, WorkerIntervals
from tests.faults.points import Points
from tests.faults.write_back_story import told
from tests.support import stopwatch
from tests.support.builders import NOW, a_run, at
from tests.support.response_fixtures import EDGE, FILING, Bench, a_bot

BLOCKED, ISOLATED = "C-00000000001f", "C-000000000020"
ISOLATING = replace(FILING, means=replace(FILING.means, offers={"isolate_host": EDGE}))
FAST = WorkerIntervals(sweep_s=0.0, poll_s=0.05, orphan_s=3.0)


class Quiet:
    """A source that sees nothing any more."""

    name = "siem"

    def fetch(self, window: TimeWindow | None, progress: Any = None) -> tuple[Fetched, ...]:
        return (Fetched(source=self.name, window=TimeWindow(start=at(0), end=at(72)), detections=()),)


def bench_of(command: dict[str, Any], points: Points | None = None) -> Bench:
    """The bench in the command's folder; its clock is kept there too."""
    if command.get("newer"):
        DBOS.workflow(name="of_a_newer_release")(lambda: None)
    folder = Path(command["folder"])
    clock = folder / "clock"
    now = datetime.fromisoformat(clock.read_text()) if clock.exists() else NOW
    bench = Bench(folder, command["url"], now=now, hook=points or (lambda point: None), source=Quiet())
    bench.works = replace(bench.works, carry=bench.carried(lambda name: a_run(a_bot(31), run_id=name)))
    if points is not None:
        points.around_steps()
        points.around_commits(bench.store.engine, "record")
    return bench


def story(command: dict[str, Any]) -> None:
    """All of it, with one worker that is driven here."""
    points = Points(Path(command["folder"]), command.get("kill"))
    bench = bench_of(command, points)
    worker = Worker(bench.works, command.get("executor", "w1"), stopwatch.seconds, FAST)
    worker.start(ticking=False)
    points.around_commits(worker.engine, "engine")
    tell(bench, worker, command.get("seconds", 600))
    points("end")
    worker.stop()


def tell(bench: Bench, worker: Worker, seconds: float) -> None:
    """The parts in order; each is done when what it wants is so."""
    deadline = stopwatch.seconds() + seconds

    def until(what: str, so: Callable[[], bool]) -> None:
        while not so():
            assert stopwatch.seconds() < deadline, f"not {what} within {seconds} s: {states(bench)}"
            turn(bench, worker)

    if not state_of(bench, BLOCKED):
        bench.door.start("triage", "R-1", TRIAGE, "1", NOW.isoformat())
        until("filed", lambda: bool(requests(bench)))
        answer(bench, "R-1", BLOCKED)
    if not state_of(bench, ISOLATED):
        bench.file(a_bot(32, destination="203.0.113.67"), run_id="R-2", filing=ISOLATING)
        answer(bench, "R-2", ISOLATED)
    begun = ("active", "extending", "releasing", "released")
    until("in force", lambda: all(state_of(bench, case) in begun for case in (BLOCKED, ISOLATED)))
    until("asked", lambda: nothing_left(bench))
    move(bench, NOW + timedelta(seconds=3700))
    until("released", lambda: state_of(bench, BLOCKED) == "released")
    move(bench, NOW + timedelta(hours=7, minutes=55))
    until("kept", lambda: "containment kept" in bench.kinds() and state_of(bench, ISOLATED) in ("active", "released"))
    if state_of(bench, ISOLATED) == "active":
        with bench.store.change() as conn:
            kept.ask_release(conn, key_of(bench, ISOLATED), "bert", bench.now, "clean")
    until("let go", lambda: state_of(bench, ISOLATED) == "released")
    until("said", lambda: nothing_left(bench))


def turn(bench: Bench, worker: Worker) -> None:
    """A heartbeat with its sweep, and the wait for whatever is under way."""
    try:
        worker.tick()
    except ConnectorError:
        time.sleep(0.2)
        return
    patience = stopwatch.seconds() + 3
    while worker.works.door.unfinished() and stopwatch.seconds() < patience:
        time.sleep(0.05)
    bench.now += timedelta(seconds=5)


def move(bench: Bench, to: datetime) -> None:
    """Move the clock on, never back, and keep it for the next process."""
    bench.now = max(bench.now, to)
    (bench.folder / "clock").write_text(bench.now.isoformat())


def answer(bench: Bench, run_id: str, case_id: str) -> None:
    if not bench.accounts:
        bench.account("anna")
    for request in requests(bench):
        if request.case_id == case_id and request.state == "waiting":
            bench.approve(request.request_id)


def requests(bench: Bench) -> tuple[approval_requests.ApprovalRequest, ...]:
    with bench.store.reading() as conn:
        return approval_requests.list_requests(conn, None)


def key_of(bench: Bench, case_id: str) -> str:
    with bench.store.reading() as conn:
        return next((c.key for c in kept.list_containments(conn, (*kept.LIVE, "released", "failed"), case_id)), "")


def state_of(bench: Bench, case_id: str) -> str:
    with bench.store.reading() as conn:
        return next((c.state for c in kept.list_containments(conn, (*kept.LIVE, "released", "failed"), case_id)), "")


def states(bench: Bench) -> list[Any]:
    with bench.store.reading() as conn:
        found = kept.list_containments(conn, (*kept.LIVE, "released", "failed"))
        return [(c.key, c.state, c.trouble) for c in found] + [
            r.state for r in approval_requests.list_requests(conn, None)
        ]


def nothing_left(bench: Bench) -> bool:
    """Nothing is left in the outbox, and no workflow runs."""
    with bench.store.reading() as conn:
        left = outbox.pending_tickets(conn), outbox.pending_comments(conn), outbox.pending_notifications(conn)
    return not any(left) and not bench.door.unfinished()


def work(command: dict[str, Any]) -> None:
    """A worker alone, until it is killed or a file called ``enough`` is there; its clock runs 20 times as fast."""
    points = Points(Path(command["folder"]), command.get("kill"), command.get("sign", signal.SIGKILL))
    bench = bench_of(command, points)
    pace = replace(FAST, beat_s=0.2, sweep_s=0.5, silent_s=command.get("silent", 120.0))
    worker = Worker(bench.works, command["executor"], stopwatch.seconds, pace)
    worker.start()
    while not (bench.folder / "enough").exists():
        time.sleep(0.05)
        bench.later(seconds=1)
    worker.stop(patience_s=5)


def keep_schedule(command: dict[str, Any]) -> None:
    """A worker of two sources; its clock stands until both were run, a file called ``slow`` makes that take long."""
    bench = bench_of(command)
    runs = bench.folder / "runs"

    def say(word: str, name: str, moment: datetime) -> None:
        with runs.open("a") as log:
            log.write(f"{word} {name.split()[0]} {moment.isoformat()}\n")

    def carry(name: str, moment: datetime) -> tuple[str, ...]:
        say("began", name, moment)
        while (bench.folder / "slow").exists():
            time.sleep(0.05)
        asked = bench.carried(lambda name: a_run(a_bot(31), run_id=f"R-{name.split()[0]}-{moment.isoformat()}"))
        found = asked(name, moment)
        say("ended", name, moment)
        return found

    hourly = tuple(ScheduledJob(source, DAY, timedelta(hours=1)) for source in ("a", "b"))
    bench.works = replace(bench.works, errands=hourly, carry=carry)
    pace = replace(FAST, beat_s=0.2, sweep_s=0.3, silent_s=command.get("silent", 120.0))
    worker = Worker(bench.works, command["executor"], stopwatch.seconds, pace)
    worker.start()
    while not (bench.folder / "enough").exists():
        time.sleep(0.05)
        ended = [line.split() for line in runs.read_text().splitlines()] if runs.exists() else []
        bench.now = NOW + timedelta(hours=1) * min(
            sum(word == "ended" and name == source for word, name, _ in ended) for source in ("a", "b")
        )
    worker.stop(patience_s=5)


ACTS: dict[str, Callable[[dict[str, Any]], None]] = {
    "story": story,
    "work": work,
    "keep_schedule": keep_schedule,
    "told": told,
}
assert workflows.STEPS
