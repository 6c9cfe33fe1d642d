"""How much one caller may ask: a bounded table of token buckets, filled by the injected clock."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from threading import Lock

_MOST_CALLERS = 20_000


class TokenBuckets:
    """Requests a minute for each caller; callers that were quiet longest are forgotten first."""

    def __init__(self, per_minute: int, now: Callable[[], datetime]) -> None:
        self._most, self._now = float(per_minute), now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def wait_s(self, caller: str) -> int:
        """0 when the request may pass (it is counted), else the whole seconds until one may."""
        moment = self._now().timestamp()
        with self._lock:
            left, before = self._left.pop(caller, (self._most, moment))
            # A clock that was set back fills nothing and empties nothing.
            left = min(self._most, left + max(moment - before, 0.0) * self._most / 60)
            passes = left >= 1
            self._left[caller] = (left - 1 if passes else left, moment)
            if len(self._left) > _MOST_CALLERS:
                self._left.popitem(last=False)
        return 0 if passes else max(1, round((1 - left) * 60 / self._most))
