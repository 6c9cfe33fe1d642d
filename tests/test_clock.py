"""The real clock: read at the edges that ruff.toml names and nowhere else, and shifted for every test process."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support import shifted_clock

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 11, 30, 22, 0, tzinfo=UTC)
READINGS = (
    "from datetime import datetime as moment\n\nmoment.now()\n",
    "import datetime as calendar\n\nread = calendar.datetime.utcnow\n",
    "from datetime import date\n\ndate.today()\n",
    "from time import time as seconds\n\nseconds()\n",
    "import time as t\n\nt.monotonic()\n",
)


@pytest.mark.parametrize("path", ["playbook/model/planted.py", "connectors/planted.py", "tests/emulators/planted.py"])
@pytest.mark.parametrize("reading", READINGS)
def test_a_reading_of_the_real_clock_is_refused_by_any_name(reading: str, path: str) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "TID251", "--stdin-filename", path, "-"]
    done = subprocess.run(command, input=reading, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "TID251" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("+31d", 31 * 86_400),
        ("+90s", 90),
        ("2026-12-01T00:00:00Z", 7200),
        ("2026-11-30T17:00:00-05:00", 0),
    ],
)
def test_a_shift_is_a_distance_or_a_moment(text: str, seconds: int) -> None:
    assert shifted_clock.shift_s(text, NOW) == seconds


@pytest.mark.parametrize("text", ["31d", "+1y", "2026-12-01T00:00:00", "tomorrow"])
def test_anything_else_is_no_shift(text: str) -> None:
    with pytest.raises(ValueError):
        shifted_clock.shift_s(text, NOW)


def test_a_process_and_its_children_stand_at_the_same_moment() -> None:
    """Under every name that the clock has, in this process and in one that it starts."""
    child = "from datetime import date; print(date.today())"
    code = (
        "import os, subprocess, sys; from time import time; from datetime import datetime, UTC; "
        "from tests.support import shifted_clock; shifted_clock.start(); "
        f"print(datetime.now(UTC).date()); print(datetime.fromtimestamp(time(), UTC).date(), flush=True); "
        f"subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    )
    environment = {"PATH": "/usr/bin:/bin", "TZ": "UTC", shifted_clock.VARIABLE: "2028-02-29T06:00:00Z"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["2028-02-29"] * 3, done.stdout
