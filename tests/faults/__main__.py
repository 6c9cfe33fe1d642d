"""``make faults``: every fault is tried, and the table of what was tried and what was found is printed."""

import os
import sys
from typing import Any

import pytest


class Findings:
    """Gathers what each test says that it tried and found."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        """One row a test: what failed, was skipped, or what it recorded."""
        said = dict(report.user_properties)
        place = report.nodeid.rpartition("::")[2]
        if report.failed:
            self.rows.append((said.get("fault", place), said.get("database", ""), f"FAILED in {report.when}"))
        elif report.skipped:
            self.rows.append((place, "", "not tried: " + str(report.longrepr[-1])[:120]))
        elif report.when == "call" and said:
            self.rows.append((said["fault"], said["database"], said["found"]))

    def table(self) -> str:
        """The rows in order, in columns."""
        rows = [("fault", "database", "found"), *sorted(set(self.rows))]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows)


def main(arguments: list[str]) -> int:
    """Run them all (arguments go to pytest) and print the table."""
    os.environ["FAULTS"] = "1"
    findings = Findings()
    chosen = arguments or ["-n", "2"]
    code = pytest.main(["tests/faults", "-q", *chosen], plugins=[findings])
    sys.stdout.write(f"\n{findings.table()}\n\n{len(findings.rows)} faults tried\n")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
