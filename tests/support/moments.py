"""``make test-clock``: what is in process, at other dates and in other zones, each time in another random order.

``python -m tests.support.moments`` runs all; ``--turn N`` one of them by turns (CI gives the day).
What follows ``--`` goes to pytest.
"""

import os
import subprocess
import sys
from typing import NamedTuple

from tests.support.shifted_clock import VARIABLE

APART = "integration or browser or postgres or faults or real_data"


class Moment(NamedTuple):
    """When and where the suite runs: a shift as shifted_clock.py takes it, and a zone of the tz database."""

    clock: str
    zone: str


# The days of a change of summer time begin before it, so that the suite runs over the change in its zone.
MOMENTS = (
    Moment("+31d", "America/New_York"),
    Moment("+365d", "Pacific/Chatham"),
    Moment("+1826d", "America/New_York"),
    Moment("2028-02-29T23:58:00Z", "Pacific/Chatham"),
    Moment("2027-03-14T06:59:00Z", "America/New_York"),
    Moment("2027-11-07T05:59:00Z", "America/New_York"),
    Moment("2027-04-03T14:44:00Z", "Pacific/Chatham"),
    Moment("2027-09-25T13:59:00Z", "Pacific/Chatham"),
)


def chosen(arguments: list[str]) -> tuple[Moment, ...]:
    """All moments, or the one whose turn it is."""
    if "--turn" not in arguments:
        return MOMENTS
    return (MOMENTS[int(arguments[arguments.index("--turn") + 1], 0) % len(MOMENTS)],)


def main(arguments: list[str]) -> int:
    """Run the suite at each moment; exit code 0 when nothing failed at any."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    failed = []
    for number, moment in enumerate(chosen(arguments[:split]), start=1):
        sys.stdout.write(f"\n== clock {moment.clock}, TZ={moment.zone}, order {number}\n")
        sys.stdout.flush()
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            "4",
            "--dist",
            "loadfile",
            "--no-loadscope-reorder",
            "-m",
            f"not ({APART})",
            "--shuffle",
            str(number),
            *arguments[split + 1 :],
        ]
        environment = os.environ | {VARIABLE: moment.clock, "TZ": moment.zone}
        if subprocess.run(command, env=environment, check=False).returncode:
            failed.append(moment)
    sys.stdout.writelines(f"failed: clock {moment.clock}, TZ={moment.zone}\n" for moment in failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
