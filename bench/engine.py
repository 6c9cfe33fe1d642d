"""The response's engine: cases a second from triage to waiting, approval to effect, a due TTL to verified release.

``python -m bench.engine [CASES]`` (default 200). SQLite and, where Debian's is installed, PostgreSQL; one and two
worker processes; every database on disk with full syncs. The device is a folder; the pace is the default, and a sweep
is asked for when the TTL is over, so that the wait for the next one (up to 30 s) is not in the figure.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median

from bench.measuring import WORK, load, say
from playbook.cases import approval_requests
from playbook.workflows.client import ACT, SWEEP
from playbook.workflows.worker import Worker, WorkerIntervals
from tests.support import postgres
from tests.support.builders import a_run
from tests.support.response_fixtures import Bench, a_bot

SMALL = ("40",)
LAST_S = 300.0


def worker(folder: str, url: str, executor: str) -> None:
    """A worker process whose triage number N files one case, until a file called ``enough`` is there."""
    bench = Bench(Path(folder), url)
    bench.works = replace(bench.works, carry=bench.carried(lambda name: a_run(a_bot(int(name)), run_id=f"R-{name}")))
    clock = Path(folder) / "later"
    one = Worker(bench.works, executor, time.monotonic, WorkerIntervals(sweep_s=1e9, beat_s=1.0))
    one.start()
    (Path(folder) / f"up.{executor}").touch()
    start = bench.now
    while not (Path(folder) / "enough").exists():
        bench.now = start + timedelta(seconds=float(clock.read_text()) if clock.exists() else 0)
        time.sleep(0.05)
    one.stop(patience_s=5)


@contextmanager
def workers(bench: Bench, number: int) -> Iterator[None]:
    """This many worker processes, up and ready."""
    names = [f"w{one}" for one in range(number)]
    started = [
        subprocess.Popen([sys.executable, "-m", "bench.engine", "worker", str(bench.folder), bench.url, name])
        for name in names
    ]
    try:
        wait(lambda: all((bench.folder / f"up.{name}").exists() for name in names))
        yield
    finally:
        (bench.folder / "enough").touch()
        for one in started:
            one.wait(60)


def wait(so: Callable[[], bool], pause: float = 0.01) -> float:
    """Seconds until it is so."""
    begun = time.perf_counter()
    while not so():
        if time.perf_counter() - begun > LAST_S:
            raise TimeoutError(f"not within {LAST_S} s")
        time.sleep(pause)
    return time.perf_counter() - begun


def waiting(bench: Bench) -> int:
    with bench.store.reading() as conn:
        return approval_requests.pending_count(conn)


def measure(name: str, folder: Path, url: str, number: int, cases: int) -> None:
    """One line of figures."""
    bench = Bench(folder, url)
    bench.account("anna")
    for one in range(cases):
        bench.door.start("triage", str(one), ACT, "1", bench.now.isoformat())
    with workers(bench, number):
        begun = time.perf_counter()
        wait(lambda: waiting(bench) >= cases, 0.05)
        rate = cases / (time.perf_counter() - begun)
        with bench.store.reading() as conn:
            asked = approval_requests.list_requests(conn, "waiting", 10)
        effects = []
        keys: list[str] = []
        for request in asked:
            before = len(bench.device.logged("set"))
            outcome = bench.approve(request.request_id)
            keys += outcome.keys
            effects.append(wait(lambda was=before: len(bench.device.logged("set")) > was))  # type: ignore[misc]
        wait(lambda: all(bench.containment(key).state == "active" for key in keys))
        (folder / "later").write_text("7200")
        time.sleep(0.5)
        bench.door.start("sweep", "", SWEEP)
        released = wait(lambda: all(bench.containment(key).state == "released" for key in keys))
    faults = bench.faults()
    bench.close()
    say(
        f"{name}, {number} worker(s): {rate:.1f} cases/s to waiting; approval to effect {median(effects):.2f} s "
        f"(worst {max(effects):.2f}); {len(keys)} due to verified release {released:.1f} s; "
        f"journal {faults or 'verifies'}"
    )


def filed_at_once(name: str, url: str, folder: Path, cases: int) -> None:
    """One run that brings many cases, filed in its one transaction."""
    bench = Bench(folder, url)
    bots = tuple(a_bot(one) for one in range(cases))
    begun = time.perf_counter()
    bench.file(*bots)
    took = time.perf_counter() - begun
    bench.close()
    say(f"{name}, one run: {cases / took:.0f} cases/s ({cases} cases filed, asked and journalled in one transaction)")


def main(arguments: list[str]) -> int:
    """Measure what is there."""
    cases = int(arguments[0]) if arguments else 200
    say(load())
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as made:
        places = iter(Path(made) / str(n) for n in range(100))

        def sqlite() -> tuple[Path, str]:
            folder = next(places)
            folder.mkdir()
            return folder, f"sqlite:///{folder}/state.db"

        folder, url = sqlite()
        filed_at_once("SQLite", url, folder, cases)
        for number in (1, 2):
            measure("SQLite", *sqlite(), number, cases)
        reason = postgres.why_not()
        if reason:
            say(f"PostgreSQL left out: {reason}")
            return 0
        with postgres.server(synced=True) as server:
            folder, _ = sqlite()
            filed_at_once("PostgreSQL", server.fresh(), folder, cases)
            for number in (1, 2):
                measure("PostgreSQL", sqlite()[0], server.fresh(), number, cases)
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        worker(*sys.argv[2:5])
    else:
        sys.exit(main(sys.argv[1:]))
