"""The suite at another date: BOTNET_PLAYBOOK_TEST_CLOCK shifts the clock of every test process and its Python children.

``+31d`` is so many days after now; ``2028-02-29T23:30:00Z`` is that moment. The clock goes on from there. Only the wall
clock is shifted (datetime, date and time, by whatever name a module imported them); monotonic clocks stay as they are.
A process that Python's isolated mode starts (-I) and a program in another language keep the machine's clock.
"""

import os
import re
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

VARIABLE = "BOTNET_PLAYBOOK_TEST_CLOCK"
# A folder with a ``sitecustomize`` module: every Python that has it on its path starts the same shift.
CHILDREN = Path(__file__).with_name("child_clock")
_SHIFT = re.compile(r"\+(\d{1,12})([ds])")
_SECONDS = {"d": 86_400, "s": 1}


def shift_s(text: str, now: datetime) -> int:
    """How many seconds after ``now`` the clock of the tests stands; ValueError where ``text`` is neither form."""
    shift = _SHIFT.fullmatch(text)
    if shift is not None:
        return int(shift[1]) * _SECONDS[shift[2]]
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{VARIABLE}={text}: a moment needs its zone, such as 2028-02-29T23:30:00Z")
    return round((moment - now).total_seconds())


def start(environment: MutableMapping[str, str] = os.environ) -> None:
    """Shift this process and, through ``environment``, the Python processes that it starts; nothing when unset."""
    text = environment.get(VARIABLE, "")
    if not text:
        return
    now = datetime.now(UTC)
    seconds = shift_s(text, now)
    # As a distance, so that a child that starts later does not go back to the first moment.
    environment[VARIABLE] = f"+{seconds}s"
    paths = (str(CHILDREN), str(CHILDREN.parents[2]), *environment.get("PYTHONPATH", "").split(os.pathsep))
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, paths)))
    time_machine.travel(now + timedelta(seconds=seconds), tick=True).start()
