"""Where a process can be killed: around every step of the workflows, every call to a product and every commit."""

import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from playbook.workflows import workflows


class Points:
    """Counts every point that is passed, writes it down, and at one of them is killed (or stopped) by itself."""

    def __init__(self, folder: Path, kill: tuple[str, int] | None, sign: int = signal.SIGKILL) -> None:
        self._kill, self._sign = kill, sign
        self._seen, self._lock = Counter[str](), threading.RLock()
        self._log = (folder / f"passed.{os.getpid()}").open("a", buffering=1)

    def __call__(self, point: str) -> None:
        with self._lock:
            self._seen[point] += 1
            self._log.write(point + "\n")
            if self._kill is not None and [point, self._seen[point]] == list(self._kill):
                os.kill(os.getpid(), self._sign)

    def around_steps(self) -> None:
        """Stand before and after every registered step: after means that its effects are there, its checkpoint not."""
        for name, function in list(workflows.STEPS.items()):
            workflows.STEPS[name] = self._around(name, function)

    def _around(self, name: str, function: Any) -> Any:
        def passed(*arguments: Any) -> Any:
            self(f"step {name}:before")
            result = function(*arguments)
            self(f"step {name}:after")
            return result

        return passed

    def around_commits(self, engine: sa.Engine, name: str) -> None:
        """Stand before and after every commit of an engine."""
        real = engine.dialect.do_commit

        def commit(connection: Any) -> None:
            self(f"commit {name}:before")
            real(connection)
            self(f"commit {name}:after")

        engine.dialect.do_commit = commit  # type: ignore[method-assign]
