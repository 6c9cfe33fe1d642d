"""How regular a series of connections is: the four sub-scores of RITA v5, computed anew from their description.

Source: reference "Peers", RITA v5 (activecm/rita at a3c51501): intervals and sizes by Bowley skew and median
absolute deviation, hourly shape by coefficient of variation or a two-level fit, duration by span or longest run.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import sub
from typing import NamedTuple

HOUR = 3600
DAY = 24 * HOUR

_LEAST_TIMES = 4
_LEAST_SPREAD = 10
_TWO_LEVEL_BARS = 11
_TWO_LEVEL_BIN = 0.05
_TWO_LEVEL_OUTLIERS = 1
_DURATION_BARS = 6
_IDEAL_RUN = 12


class Regularity(NamedTuple):
    """Sub-scores and their mean, each 0 to 1, and the median interval in seconds."""

    score: float
    intervals: float
    sizes: float
    shape: float
    duration: float
    median_gap: float


def regularity(
    times: Sequence[int],
    sizes: Sequence[int],
    start: int,
    covered: frozenset[int],
    per_hour: Mapping[int, int] | None = None,
) -> Regularity | None:
    """Score the connections in [start, start + 24 h); None with fewer than 4 distinct times.

    ``per_hour`` counts all connections by epoch hour where ``times`` holds only the newest of them: shape and duration
    are then taken from it, intervals and sizes from ``times``.

    ``times`` ascending distinct epoch seconds, ``sizes`` the originator's bytes at each, ``covered`` the epoch
    hours in which the log has rows: an hour without a log is left out of the shape, not counted as silence.
    """
    low, high = bisect_left(times, start), bisect_left(times, start + DAY)
    if high - low < _LEAST_TIMES:
        return None
    inside = times[low:high]
    gaps = sorted(map(sub, inside[1:], inside))
    bars = _bars(_hourly(inside, start) if per_hour is None else per_hour, start, covered)
    intervals = _steadiness(gaps, when_tiny=1.0)
    size = _steadiness(sorted(sizes[low:high]), when_tiny=0.0)
    earliest = inside[0] if per_hour is None else max(start, min(h for h, n in per_hour.items() if n) * HOUR)
    shape, duration = _shape(bars), _duration(bars, inside[-1] - earliest)
    mean = (intervals + size + shape + duration) / 4
    return Regularity(round(mean, 3), intervals, size, shape, duration, _quantile(gaps, 2))


def _quantile(ordered: Sequence[float], quarter: int) -> float:
    """Quartile as the median of the lower or upper half (the middle value belongs to neither)."""
    n = len(ordered)
    half = n // 2
    part = {1: ordered[:half], 2: ordered, 3: ordered[half + n % 2 :]}[quarter]
    middle = len(part) // 2
    return float(part[middle]) if len(part) % 2 else (part[middle - 1] + part[middle]) / 2


def _steadiness(ordered: Sequence[int], when_tiny: float) -> float:
    """Mean of symmetry (1 - |Bowley skew|) and tightness ((median - MAD) / median) of sorted values."""
    q1, q2, q3 = (_quantile(ordered, q) for q in (1, 2, 3))
    skewed = q3 - q1 >= _LEAST_SPREAD and q2 not in (q1, q3)
    symmetry = 1 - abs((q1 + q3 - 2 * q2) / (q3 - q1)) if skewed else 1.0
    if q2 < 1:
        return round((symmetry + when_tiny) / 2, 3)
    middle = bisect_left(ordered, q2)
    below, above = [q2 - value for value in reversed(ordered[:middle])], [value - q2 for value in ordered[middle:]]
    deviations = sorted(below + above)  # both ascend, and sorting joins two ascending runs at once
    tightness = max(0.0, (q2 - _quantile(deviations, 2)) / q2)
    return round((symmetry + tightness) / 2, 3)


def _hourly(times: Sequence[int], start: int) -> Mapping[int, int]:
    """How many of the ascending times lie in each epoch hour of the window."""
    first = start // HOUR
    edges = [bisect_left(times, hour * HOUR) for hour in range(first, first + 25)]
    return {first + number: after - before for number, (before, after) in enumerate(pairwise(edges))}


def _bars(per_hour: Mapping[int, int], start: int, covered: frozenset[int]) -> list[int]:
    """Connections per hour of the window, hours without a log left out."""
    first = start // HOUR
    return [per_hour.get(h, 0) for h in range(first, first + 24) if h in covered or per_hour.get(h, 0)]


def _shape(bars: Sequence[int]) -> float:
    mean = sum(bars) / len(bars)
    spread = (sum((b - mean) ** 2 for b in bars) / len(bars)) ** 0.5
    flat = max(0.0, 1 - spread / mean)
    shape: float = max(flat, _two_levels([b for b in bars if b]))
    return round(shape, 3)


def _two_levels(bars: Sequence[int]) -> float:
    """Share of bars on the two most common heights (bins of 5 % of the tallest), one outlier forgiven."""
    if len(bars) < _TWO_LEVEL_BARS:
        return 0.0
    width = max(1.0, max(bars) * _TWO_LEVEL_BIN)
    common = Counter(int(b / width) for b in bars).most_common(2)
    return min(1.0, sum(n for _, n in common) / (len(bars) - _TWO_LEVEL_OUTLIERS))


def _duration(bars: Sequence[int], span: int) -> float:
    if sum(1 for b in bars if b) < _DURATION_BARS:
        return 0.0
    longest = run = 0
    for b in bars:
        run = run + 1 if b else 0
        longest = max(longest, run)
    return round(min(1.0, max(span / (len(bars) * HOUR), longest / _IDEAL_RUN)), 3)
