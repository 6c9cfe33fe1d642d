"""A device, a ticket desk and a notifier in a folder, usable from any process: an append-only log beside their state.

What happened is counted in the log, which only the product writes, in one file with its state: whoever is killed
leaves both of before or both of after. A fault is a file that says which call it hits, before or after the effect, and
how often.
"""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from playbook.errors import Unreachable
from playbook.model.case import Ticket
from playbook.model.check import CheckResult
from playbook.model.finding_update import FindingUpdate
from playbook.model.response import Notice, Receipt, Step
from tests.support.builders import NOW

Hook = Callable[[str], None]
Clock = Callable[[], datetime]


class _Product:
    """Shared by all: ``hook`` is called with "device.contain:before" and ":after" (a place to be killed at)."""

    def __init__(self, name: str, folder: Path, hook: Hook = lambda point: None) -> None:
        self.name, self.folder, self.hook = name, folder / name, hook
        self.folder.mkdir(parents=True, exist_ok=True)
        self._path = self.folder / "state.json"
        self._lines: list[str] = []

    def _held(self) -> dict[str, Any]:
        return json.loads(self._path.read_text()) if self._path.exists() else {"state": {}, "log": []}

    @contextmanager
    def _call(self, action: str) -> Iterator[dict[str, Any]]:
        """Hold the product for one call; the state that is yielded is kept."""
        self.hook(f"{self.name}.{action}:before")
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._fail(action, "before")
            held = self._held()
            self._lines = held["log"]
            yield held["state"]
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(held))
            fresh.rename(self._path)
            self.hook(f"{self.name}.{action}:after")
            self._fail(action, "after")

    def _log(self, what: str, key: str) -> None:
        self._lines.append(f"{what} {key}")

    def _fail(self, action: str, when: str) -> None:
        path = self.folder / "fault.json"
        if not path.exists():
            return
        fault = json.loads(path.read_text())
        if fault["on"] in (action, "*") and fault["when"] == when and fault["times"] > 0:
            path.write_text(json.dumps(fault | {"times": fault["times"] - 1}))
            raise Unreachable(f"{self.name}: no answer to {action}")

    def break_down(self, on: str, when: str = "before", times: int = 1) -> None:
        """Let the next ``times`` calls of ``on`` ("*": all) go unanswered, before or after their effect."""
        (self.folder / "fault.json").write_text(json.dumps({"on": on, "when": when, "times": times}))

    def forget(self) -> None:
        """Let go of everything by itself, as products do when a time of their own is over."""
        self._path.write_text(json.dumps(self._held() | {"state": {}}))

    def logged(self, what: str) -> list[str]:
        """The keys of every effect of this kind, in order."""
        return [line.split(" ", 1)[1] for line in self._held()["log"] if line.startswith(what + " ")]

    @property
    def state(self) -> dict[str, Any]:
        """What it holds now."""
        state: dict[str, Any] = self._held()["state"]
        return state

    def check(self) -> tuple[CheckResult, ...]:
        """Nothing to check."""
        return ()


class Device(_Product):
    """Blocks and isolates; an effect is logged as ``set KEY`` or ``unset KEY``, a repeat changes nothing.

    Receipts are stamped with the test's ``clock``.
    """

    kinds = ("block_pair", "block_address", "isolate_host")

    def __init__(self, name: str, folder: Path, hook: Hook = lambda point: None, clock: Clock = lambda: NOW) -> None:
        super().__init__(name, folder, hook)
        self._clock = clock

    def contain(self, step: Step, key: str) -> Receipt:
        with self._call("contain") as state:
            changed = key not in state
            if changed:
                state[key] = step.target
                self._log("set", key)
        return self._receipt("contain", True, changed)

    def verify(self, step: Step, key: str) -> Receipt:
        with self._call("verify") as state:
            return self._receipt("verify", key in state, False)

    def release(self, step: Step, key: str) -> Receipt:
        with self._call("release") as state:
            changed = state.pop(key, None) is not None
            if changed:
                self._log("unset", key)
        return self._receipt("release", True, changed)

    def verify_released(self, step: Step, key: str) -> Receipt:
        with self._call("verify_released") as state:
            return self._receipt("verify_released", key not in state, False)

    def _receipt(self, action: Any, ok: bool, changed: bool) -> Receipt:
        return Receipt(connector=self.name, action=action, ok=ok, changed=changed, said="as told", at=self._clock())


class FolderDesk(_Product):
    """One ticket a key; ``ticket KEY`` and ``comment KEY`` are logged once each."""

    def open(self, ticket: Ticket) -> str:
        with self._call("open") as state:
            if ticket.key not in state:
                state[ticket.key] = f"T-{len(state) + 1}"
                self._log("ticket", ticket.key)
            reference = state[ticket.key]
        return str(reference)

    def comment(self, reference: str, text: str, key: str) -> None:
        with self._call("comment") as state:
            if "comment " + key not in state:
                state["comment " + key] = text
                self._log("comment", key)

    def attach(self, reference: str, name: str, content: bytes) -> None:
        with self._call("attach") as state:
            state[f"attach {name}"] = content.decode()
            self._log("attach", f"{reference} {name}")


class FolderNotifier(_Product):
    """Tells as often as it is asked: ``told KEY`` may be logged twice."""

    def tell(self, notice: Notice) -> None:
        with self._call("tell"):
            self._log("told", notice.key)


class FolderSiem(_Product):
    """Takes outcomes of findings; ``outcome FINDING DISPOSITION`` is logged once each, a repeat finds its mark."""

    def write_back(self, reference: str, outcome: FindingUpdate, may_change: bool) -> str:
        with self._call("write_back") as state:
            if state.get(reference) != outcome.disposition:
                state[reference] = outcome.disposition
                self._log("outcome", f"{reference} {outcome.disposition}")
        return ""
