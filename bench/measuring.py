"""One command run to its end: wall seconds and peak memory; and the tiled logs that all benchmarks share."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from playbook.model.detection import TimeWindow
from playbook.ports import DetectionSource
from playbook.simulate.repeat import tile
from playbook.simulate.sample_day import simulate

WORK = Path(__file__).parent / ".work"
MB = 1_000_000
# Host blocks (59 hosts, about 30 firing tuples each) per 100 MB of log: at 1 GB 5,900 hosts and 3,000 detections, as
# many as 1 GB of real rows has (8.2 million rows, 3,074 fired).
BLOCKS_PER_100_MB = 10
ENGINE_MB, ENGINE_THREADS = 400, None  # what the log source has by default

_LAB = '[networks]\nlab = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]\n'


class Cost(NamedTuple):
    """What a command took: wall seconds, processor seconds of all its threads, and peak resident megabytes."""

    seconds: float
    cpu_s: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s ({self.cpu_s:.2f} s of processor), {self.peak_mb:.0f} MB"


def cost(command: Sequence[str], *, times: int = 1) -> Cost:
    """The best times and the worst peak of ``times`` runs; RuntimeError with its last words when one fails."""
    return costs([command], times)[0]


def costs(commands: Sequence[Sequence[str]], times: int) -> tuple[Cost, ...]:
    """As ``cost`` for several commands that take turns, so that a busy moment falls on all of them."""
    runs = [[_once(command) for command in commands] for _ in range(times)]
    return tuple(
        Cost(min(one.seconds for one in mine), min(one.cpu_s for one in mine), max(one.peak_mb for one in mine))
        for mine in zip(*runs, strict=True)
    )


def _read_before(command: Sequence[str]) -> None:
    """Read the log that a command reads, so that none of those compared waits for the disk."""
    for path in (Path(word) for word in command if word.endswith(".log")):
        with path.open("rb", buffering=0) as log:
            while log.read(MB):
                pass


def _once(command: Sequence[str]) -> Cost:
    WORK.mkdir(exist_ok=True)
    _read_before(command)
    said = WORK / f"stderr.{os.getpid()}"
    with said.open("wb") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=_as_installed())
        _, status, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    words = said.read_text(encoding="utf-8", errors="replace").strip()[-600:]
    said.unlink()
    if process.returncode not in (0, 4):
        raise RuntimeError(f"{' '.join(command)}: exit {process.returncode}: {words}")
    return Cost(took, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / MB)


def _as_installed() -> dict[str, str]:
    """The environment with compiled modules kept, as pip makes them when it installs."""
    others = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return others | {"PYTHONPYCACHEPREFIX": str(WORK / "compiled")}


def playbook(*arguments: str) -> list[str]:
    """The command line of ours, in this interpreter, with the documentation ranges as Internet addresses."""
    return [sys.executable, "-m", "playbook", *arguments, "--config", str(lab())]


def floor(log: Path, measured: bool = False) -> list[str]:
    """The command line of the bare query, in this interpreter; ``measured``: over the columns of ``run``."""
    return [sys.executable, "-m", "bench.floor", str(log), *(["measured"] if measured else [])]


def lab() -> Path:
    """A configuration that calls the documentation ranges global, as the simulated day needs."""
    WORK.mkdir(exist_ok=True)
    path = WORK / "lab.toml"
    path.write_text(_LAB, encoding="utf-8")
    return path


def tiled(megabytes: int, blocks: int | None = None) -> Path:
    """A conn.log of this size, written once and used again; ``blocks`` of hosts (by default as many as its size)."""
    blocks = blocks or blocks_of(megabytes)
    folder = WORK / f"conn-{megabytes}mb-{blocks}"
    path = folder / "conn.log"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < 2 * megabytes * MB:
            raise RuntimeError(f"{folder}: too little room for {megabytes} MB")
        part = path.with_suffix(".part")
        tile(part, megabytes * MB, simulate().telemetry.connections, blocks=blocks)
        part.rename(path)
    return path


def blocks_of(megabytes: int) -> int:
    """Host blocks of a log of this size."""
    return max(1, megabytes * BLOCKS_PER_100_MB // 100)


def against(ours: Cost, floor: Cost, most: float) -> str:
    """Our wall time as a multiple of the floor's, with the promise; the processor's beside it, for a busy machine."""
    return f"{ratio(ours.seconds, floor.seconds, most)}, {ours.cpu_s / floor.cpu_s:.2f}x of its processor time"


def ratio(ours: float, theirs: float, most: float) -> str:
    """``1.20x (promise 1.30x: kept)``."""
    found = ours / theirs
    return f"{found:.2f}x (promise {most:g}x: {'kept' if found <= most else 'MISSED'})"


def load() -> str:
    """The load average, without which no time means anything."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def follow_up(source: DetectionSource, window: TimeWindow, log: Sequence[object]) -> str:
    """What the traffic of a window's detections costs after the fetch; ``log`` grows by one with each request."""
    (fetched,) = source.fetch(window)
    before = len(log)
    source.traffic(fetched.detections)
    return f"follow-up of {len(fetched.detections)} detections: {len(log) - before} requests (least 12)"


def say(line: str) -> None:
    """One line, at once."""
    print(line, flush=True)
