"""The rate gate: callers of one host under one user, all threads of the process, share one queue."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clocks:
    """Time as a transport sees it, in seconds; tests inject their own."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


class RateLimiter:
    """Hands out moments to send, at least an interval apart."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._free_at = float("-inf")

    def take(self, interval_s: float, until: float, sleep: Callable[[float], None]) -> bool:
        """Wait for the next free moment; False, at once and with no moment taken, when it comes after ``until``."""
        with self._lock:
            now = self._monotonic()
            moment = max(now, self._free_at)
            if moment >= until:
                return False
            self._free_at = moment + interval_s
        if moment > now:
            sleep(moment - now)
        return True

    def pause(self, seconds: float) -> None:
        """Give out no moment for ``seconds``: the product said so to one of us, so it holds for all."""
        with self._lock:
            self._free_at = max(self._free_at, self._monotonic() + seconds)


_gates: dict[tuple[str, str, Callable[[], float]], RateLimiter] = {}
_gates_lock = threading.Lock()


def gate_for(place: str, user: str, monotonic: Callable[[], float]) -> RateLimiter:
    """The gate of ``place`` (host and port) and ``user``; a test's own clock gets gates of its own."""
    with _gates_lock:
        return _gates.setdefault((place, user, monotonic), RateLimiter(monotonic))
