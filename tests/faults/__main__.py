"""``make faults``: every fault is tried, and the table of what was tried and what was found is printed.

A run that is cut off goes on where it stopped: what passed over this very code is not tried again (``--again`` does).
Other arguments go to pytest: ``make faults ARGS="-k postgres"``.
"""

import hashlib
import json
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.support import memory

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "faults"
# What a story runs over; when any of it changes, everything is tried again.
CODE = (
    "playbook",
    "tests/faults",
    "tests/emulators",
    "tests/support/response_fixtures.py",
    "tests/support/builders.py",
    "tests/support/postgres.py",
    "tests/support/memory.py",
)


def state_of_code(root: Path = ROOT) -> str:
    """A digest of every Python file that the faults run over."""
    files = sorted(
        path for part in CODE for path in ((root / part).rglob("*.py") if (root / part).is_dir() else [root / part])
    )
    told = hashlib.sha256()
    for path in files:
        told.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return told.hexdigest()[:16]


class Findings:
    """Gathers what each test says that it tried and found, one JSON line a test in a file that outlives the run."""

    def __init__(self, kept: Path) -> None:
        self.kept = kept
        self.rows: dict[str, dict[str, Any]] = {}
        self.number = self.wanted = 0
        for line in kept.read_text().splitlines() if kept.exists() else ():
            row = json.loads(line)
            self.rows[row["test"]] = row

    def passed(self) -> list[str]:
        """The tests that need not be tried again."""
        return [test for test, row in self.rows.items() if row["result"] == "passed"]

    def pytest_collection_finish(self, session: Any) -> None:
        """How many are to be tried (without workers of their own)."""
        self.wanted = len(session.items)

    def pytest_xdist_node_collection_finished(self, node: Any, ids: Iterable[str]) -> None:
        """How many are to be tried."""
        self.wanted = len(list(ids))

    def pytest_runtest_logreport(self, report: Any) -> None:
        """One row a test: what failed, was skipped, or what it recorded."""
        if report.when != "call" and report.passed:
            return
        said = dict(report.user_properties)
        row = {
            "test": report.nodeid,
            "result": report.outcome,
            "fault": said.get("fault") or _name(report.nodeid),
            "database": said.get("database", ""),
            "found": said.get("found", "as it should be"),
        }
        if report.failed:
            row["found"] = f"FAILED in {report.when}"
        elif report.skipped:
            row["found"] = "not tried: " + str(report.longrepr[-1])[:120]
        self.rows[report.nodeid] = row
        with self.kept.open("a") as kept:
            kept.write(json.dumps(row) + "\n")
        self.number += 1
        sys.stderr.write(
            f"[{self.number}/{self.wanted}] {report.outcome} {report.duration:.1f} s  {row['fault']}  "
            f"{row['database']}\n"
        )

    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str]:
        """No dots between the lines of progress."""
        return ("" if report.passed and report.when != "call" else report.outcome, "", "")

    def table(self) -> str:
        """The rows in order, in columns."""
        rows = [
            ("fault", "database", "found"),
            *sorted({(row["fault"], row["database"], row["found"]) for row in self.rows.values()}),
        ]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows)

    def totals(self) -> str:
        """How many were tried, and how they ended."""
        results = [row["result"] for row in self.rows.values()]
        return ", ".join(f"{results.count(word)} {word}" for word in ("passed", "failed", "skipped"))


def _name(nodeid: str) -> str:
    return nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")


def main(arguments: list[str]) -> int:
    """Run what was not passed yet and print the table of all; exit code 0 when nothing failed."""
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / f"{state_of_code()}.jsonl"
    if "--again" in arguments:
        arguments.remove("--again")
        kept.unlink(missing_ok=True)
    findings = Findings(kept)
    done = KEPT / f"passed.{os.getpid()}"
    done.write_text("\n".join(findings.passed()))
    os.environ |= {"FAULTS": "1", "FAULTS_DONE": str(done)}
    # A run that was killed could not clean up after itself; one that is told to end does, as after Ctrl-C.
    memory.remove_abandoned()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        code = pytest.main(
            ["tests/faults", "-q", "-p", "no:cacheprovider", "-n", "2", "--dist", "worksteal", *arguments],
            plugins=[findings],
        )
    finally:
        done.unlink()
        memory.remove_abandoned()
    sys.stdout.write(f"\n{findings.table()}\n\n{len(findings.rows)} faults: {findings.totals()}\n")
    return int(code) if code != pytest.ExitCode.NO_TESTS_COLLECTED else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
