"""The seed's first three Atomic tests on this machine: real attempts to 127.0.0.1 only, bounded in number and time."""

import socket
import time
from collections.abc import Callable, Iterable
from random import Random

from playbook.model import Value
from playbook.simulate.atomic import ATTEMPTS, BEACON_PORT, IRC_PORT, LOOPBACK, random_ports

MOST_ATTEMPTS = 200
MOST_SECONDS = 30.0
_PATIENCE_S = 0.15
_SEED = 2026


class Played(Value):
    """What one test did: attempts made out of those planned, and how many were answered."""

    name: str
    planned: int
    made: int = 0
    answered: int = 0


def play(told: Callable[[str], None], gap_s: float = 0.3) -> tuple[Played, ...]:
    """Make the attempts, each closed at once with nothing sent; nothing needs to listen.

    ``gap_s`` between the attempts of the beacon loop stands for the five seconds of the test. Stops after
    ``MOST_ATTEMPTS`` attempts or ``MOST_SECONDS`` seconds. Names are not looked up: that would leave the machine.
    """
    plan = (
        ("1", (BEACON_PORT,) * ATTEMPTS, gap_s),
        ("2", (IRC_PORT,), 0.0),
        ("3", random_ports(Random(_SEED)), 0.0),
    )
    end, left, played = time.monotonic() + MOST_SECONDS, MOST_ATTEMPTS, []
    for name, ports, gap in plan:
        told(f"test {name}: {len(ports)} attempts to {LOOPBACK}, ports {_shown(ports)}")
        done = Played(name=name, planned=len(ports))
        for port in ports:
            if left == 0 or time.monotonic() >= end:
                break
            left -= 1
            done = done.model_copy(update={"made": done.made + 1, "answered": done.answered + _answered(port)})
            time.sleep(min(gap, max(0.0, end - time.monotonic())))
        played.append(done)
    return tuple(played)


def _answered(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        attempt.settimeout(_PATIENCE_S)
        return attempt.connect_ex((LOOPBACK, port)) == 0


def _shown(ports: Iterable[int]) -> str:
    distinct = sorted(set(ports))
    return str(distinct[0]) if len(distinct) == 1 else f"{distinct[0]} to {distinct[-1]} at random"
