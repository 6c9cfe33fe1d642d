"""``detect`` against other ways over one Zeek conn.log: plain Python, chdb, Polars, zat with pandas, msticpy.

``python -m bench.peers [MEGABYTES] [TIMES] [PLAIN_MB]`` (default 100, 3, 1000). On the small file our start-up
(imports, tables) is half of the time, so plain Python is compared on a large one too: there the promise is made.
The peers live in an environment of their own, made on demand under bench/.work; without a package index they are
skipped, and that is said.
"""

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from bench.measuring import WORK, Cost, cost, costs, load, playbook, say, tiled

SMALL = ("30", "1", "100")
LEAST_OVER_PYTHON = 5.0
NEEDS = ("zat==0.4.9", "msticpy==3.0.2", "scipy", "pandas<3", "polars==2.1.0")
PEER = Path(__file__).parent / "peer"
_PATIENCE_S = 900
_LARGE_TIMES = 2


def main(arguments: Sequence[str] = ()) -> None:
    """Print every time, and ours against each."""
    megabytes, times, large = (int(text) for text in (*arguments, *("100", "3", "1000")[len(arguments) :]))
    log = str(tiled(megabytes))
    say(f"{megabytes} MB, best of {times}, {load()}")
    ours = cost(playbook("detect", log, "--json"), times=times)
    say(f"  detect: {ours}")
    seed = cost(playbook("detect", log, "--json", "--profile", "seed"), times=times)
    say(f"  detect --profile seed (what the peers compute): {seed}")
    _compare("plain Python, split and dict", _peer(sys.executable, "plain.py", log, times), ours, None)
    _compare("ClickHouse's engine in process (chdb)", _peer(sys.executable, "with_chdb.py", log, times), ours, None)
    _large(large, min(times, _LARGE_TIMES))
    python = environment()
    if python is None:
        return
    _compare("Polars, streaming", _peer(python, "with_polars.py", log, times), ours, None)
    _compare("zat + pandas (reading and the seed's aggregation)", _peer(python, "with_zat.py", log, times), ours, 1.0)
    _compare("msticpy periodogram per tuple of 20 or more", _peer(python, "with_msticpy.py", log, 1), ours, 1.0)


def _large(megabytes: int, times: int) -> None:
    log = str(tiled(megabytes))
    ours, theirs = costs([playbook("detect", log, "--json"), [sys.executable, str(PEER / "plain.py"), log]], times)
    say(f"  detect, {megabytes} MB: {ours}")
    _compare(f"plain Python, {megabytes} MB", theirs, ours, LEAST_OVER_PYTHON)


def environment() -> str | None:
    """The interpreter of the peers' environment; None, and a line that says why, when it cannot be made."""
    folder = WORK / "peers"
    python, ready = folder / "bin" / "python", folder / ".ready"
    if ready.exists() and ready.read_text(encoding="utf-8") == "\n".join(NEEDS):
        return str(python)
    say(f"  making an environment for the peers: {', '.join(NEEDS)}")
    venv.create(folder, with_pip=True, clear=True)
    try:
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *NEEDS],
            check=True,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as fault:
        last = str(fault.stderr or "no answer in time").strip().splitlines()[-1][:200]
        say(f"  zat and msticpy skipped, their environment cannot be made: {last}")
        return None
    ready.write_text("\n".join(NEEDS), encoding="utf-8")
    return str(python)


def _peer(python: str, script: str, log: str, times: int) -> Cost | str:
    try:
        return cost([python, str(PEER / script), log], times=times)
    except RuntimeError as fault:
        return str(fault)


def _compare(name: str, theirs: Cost | str, ours: Cost, least: float | None) -> None:
    """How many times faster ours is, by wall and by processor time."""
    if isinstance(theirs, str):
        say(f"  {name}: skipped, it failed: {theirs.splitlines()[-1][:200]}")
        return
    wall, processor = theirs.seconds / ours.seconds, theirs.cpu_s / ours.cpu_s
    promise = "" if least is None else f" (promise {least:g}x: {'kept' if wall >= least else 'MISSED'})"
    say(f"  {name}: {theirs}: detect is {wall:.2f}x as fast{promise}; processor {processor:.2f}x")


if __name__ == "__main__":
    main(sys.argv[1:])
