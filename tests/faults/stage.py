"""Real processes to be killed: a parent that has imported everything forks one per command, so that starting is cheap.

{"folder": ..., "url": ..., "act": "story", "executor": "w1", "kill": ["step apply:after", 1]}   one line in
{"pid": 123} then {"pid": 123, "signal": 9, "code": null, "said": ""}                            one line each out
"""

import faulthandler
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.faults.story import ACTS
from tests.support import stopwatch

ROOT = Path(__file__).resolve().parents[2]


def serve() -> None:
    """Fork a child for every line; a thread waits for each and reports."""
    lock = threading.Lock()

    def say(**words: Any) -> None:
        with lock:
            sys.stdout.write(json.dumps(words) + "\n")
            sys.stdout.flush()

    def wait(pid: int, folder: str) -> None:
        _, status = os.waitpid(pid, 0)
        said = Path(folder) / f"said.{pid}"
        say(
            pid=pid,
            signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            code=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            said=said.read_text() if said.exists() else "",
        )

    for line in sys.stdin:
        command = json.loads(line)
        with lock:
            pid = os.fork()
        if pid == 0:
            play(command)
        say(pid=pid)
        threading.Thread(target=wait, args=(pid, command["folder"]), daemon=True).start()


def play(command: dict[str, Any]) -> None:
    """Act in this child, and end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    folder = Path(command["folder"])
    faulthandler.register(signal.SIGUSR1, (folder / f"stacks.{os.getpid()}").open("w"))
    try:
        ACTS[command["act"]](command)
    except BaseException:  # noqa: BLE001 - whatever it was is said, and the child ends
        (folder / f"said.{os.getpid()}").write_text(traceback.format_exc()[-3000:])
        os._exit(1)
    os._exit(0)


class Stage:
    """The parent's side of the pipe."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.stage"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._begun: queue.Queue[int] = queue.Queue()
        self._ended: queue.Queue[dict[str, Any]] = queue.Queue()
        self._known: dict[int, dict[str, Any]] = {}
        self._alive: set[int] = set()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word = json.loads(line)
            if "code" in word:
                self._ended.put(word)
            else:
                self._begun.put(word["pid"])

    def begin(self, **command: Any) -> int:
        """Start a process; its id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command, default=str) + "\n")
        pid = self._begun.get(timeout=60)
        self._alive.add(pid)
        return pid

    def end(self, pid: int, seconds: float = 900) -> dict[str, Any]:
        """Wait for its end; AssertionError when it does not come."""
        patience = stopwatch.seconds() + seconds
        while pid not in self._known:
            try:
                word = self._ended.get(timeout=max(0.01, patience - stopwatch.seconds()))
            except queue.Empty:
                raise AssertionError(f"process {pid} did not end within {seconds} s") from None
            self._known[word["pid"]] = word
            self._alive.discard(word["pid"])
        return self._known.pop(pid)

    def gone(self) -> set[int]:
        """The processes that have ended."""
        while not self._ended.empty():
            word = self._ended.get()
            self._known[word["pid"]] = word
            self._alive.discard(word["pid"])
        return set(self._known)

    def run(self, **command: Any) -> dict[str, Any]:
        """Start a process and wait for its end."""
        return self.end(self.begin(**command))

    def clear(self) -> None:
        """Kill what a failed test left."""
        for pid in tuple(self._alive):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self.end(pid)
            self._known.pop(pid, None)

    def close(self) -> None:
        """End the parent, and what it started."""
        self.clear()
        self._process.kill()
        self._process.wait()


@contextmanager
def staged() -> Iterator[Stage]:
    """A stage that is closed in the end."""
    one = Stage()
    try:
        yield one
    finally:
        one.close()


if __name__ == "__main__":
    serve()
