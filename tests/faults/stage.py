"""Real processes to be killed: a parent that has imported everything forks one per command, so that starting is cheap.

    {"folder": ..., "url": ..., "act": "story", "executor": "w1", "kill": ["step apply:after", 1]}   one line in
    {"pid": 123} then {"pid": 123, "signal": 9, "code": null, "said": ""}                            one line each out
"""

import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.story import ACTS

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
        say(pid=pid, signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            code=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            said=said.read_text() if said.exists() else "")

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
            [sys.executable, "-m", "tests.faults.stage"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1)
        self._ended: dict[int, dict[str, Any]] = {}

    def begin(self, **command: Any) -> int:
        """Start a process; its id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command, default=str) + "\n")
        return int(next(w for w in self._words() if "code" not in w)["pid"])

    def end(self, pid: int) -> dict[str, Any]:
        """Wait for its end."""
        while pid not in self._ended:
            next(self._words())
        return self._ended.pop(pid)

    def run(self, **command: Any) -> dict[str, Any]:
        """Start a process and wait for its end."""
        return self.end(self.begin(**command))

    def _words(self) -> Iterator[dict[str, Any]]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word = json.loads(line)
            if "code" in word:
                self._ended[word["pid"]] = word
            yield word

    def close(self) -> None:
        """End the parent; its children end by themselves."""
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
