"""The four sub-scores: bounds for any series, exact values for known ones, and what jitter and gaps cost."""

from itertools import pairwise
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.triage.beacon_score import DAY, HOUR, regularity
from tests.support.examples import examples

ALL_DAY = frozenset(range(24))
SERIES = st.lists(st.integers(0, 2 * DAY), min_size=0, max_size=300, unique=True).map(sorted)


def beacon(interval, jitter=0.0, seed=1, hours=24.0):
    """Start times with uniform jitter, a share of the interval, accumulating as sleep loops do."""
    random, now, found = Random(seed), 0.0, []
    while now < hours * HOUR:
        found.append(int(now))
        now += interval * (1 + random.uniform(-jitter, jitter))
    return sorted(set(found))


def scored(times, sizes=None, start=0, covered=ALL_DAY):
    return regularity(times, sizes or [400] * len(times), start, covered)


@given(SERIES, st.integers(0, 2**40), st.integers(0, DAY), st.sets(st.integers(0, 48)), st.randoms())
@examples(100)
def test_every_sub_score_is_between_0_and_1_for_any_series(times, biggest, start, covered, random):
    found = regularity(times, [random.randint(0, biggest) for _ in times], start, frozenset(covered))
    inside = [t for t in times if start <= t < start + DAY]
    assert (found is None) == (len(inside) < 4)
    if found is not None:
        parts = (found.intervals, found.sizes, found.shape, found.duration)
        assert all(0 <= part <= 1 for part in (*parts, found.score))
        assert found.score == pytest.approx(sum(parts) / 4, abs=0.001)
        assert 0 <= found.median_gap <= DAY


def plain_steadiness(values, when_tiny):
    """Symmetry and tightness as the formula is written, with a sort for each median."""
    ordered = sorted(values)
    half = len(ordered) // 2
    q1, q2, q3 = (float(median(part)) for part in (ordered[:half], ordered, ordered[half + len(ordered) % 2 :]))
    skewed = q3 - q1 >= 10 and q2 not in (q1, q3)
    symmetry = 1 - abs((q1 + q3 - 2 * q2) / (q3 - q1)) if skewed else 1.0
    spread = median(sorted(abs(value - q2) for value in ordered))
    return round((symmetry + (when_tiny if q2 < 1 else max(0.0, (q2 - spread) / q2))) / 2, 3)


@given(SERIES.filter(lambda times: sum(t < DAY for t in times) >= 4), st.integers(0, 2**40), st.randoms())
@examples(200)
def test_intervals_and_sizes_equal_the_plain_formula_and_known_hours_change_nothing(times, biggest, random):
    sizes = [random.choice((0, 40, biggest, random.randint(0, biggest))) for _ in times]
    inside = [(t, size) for t, size in zip(times, sizes, strict=True) if t < DAY]
    found = regularity(times, sizes, 0, ALL_DAY)
    assert found.intervals == plain_steadiness([b[0] - a[0] for a, b in pairwise(inside)], 1.0)
    assert found.sizes == plain_steadiness([size for _, size in inside], 0.0)
    counted = {hour: sum(t // HOUR == hour for t, _ in inside) for hour in range(24)}
    assert regularity(times, sizes, 0, ALL_DAY, counted).shape == found.shape


@pytest.mark.parametrize("interval", [10, 60, 300, 3600])
def test_a_perfect_beacon_is_1(interval):
    found = scored(beacon(interval))
    assert found[:5] == (1.0, 1.0, 1.0, 1.0, 1.0)
    assert found.median_gap == interval


@pytest.mark.parametrize(
    ("jitter", "least", "most"),
    [
        (0.0, 1.0, 1.0),
        (0.1, 0.96, 0.995),
        (0.3, 0.94, 0.98),
        (0.5, 0.92, 0.96),
        (0.8, 0.88, 0.93),
        (1.0, 0.86, 0.91),
    ],
)
def test_what_jitter_costs(jitter, least, most):
    for seed in range(5):
        assert least <= scored(beacon(300, jitter, seed)).score <= most


@pytest.mark.parametrize("seed", range(5))
def test_a_person_at_a_desk_is_no_beacon(seed):
    random = Random(seed)
    times = sorted({int(random.uniform(9, 17) * HOUR) for _ in range(300)})
    sizes = [int(random.paretovariate(1.1) * 500) for _ in times]
    assert scored(times, sizes, times[0] // HOUR * HOUR).score < 0.5


def test_fewer_than_four_starts_say_nothing():
    assert scored([0, 60, 120]) is None
    assert scored([0, 60, 120, DAY]) is None
    assert scored([0, 60, 120, 180]) is not None


def test_growing_sizes_cost_only_the_size_score():
    even, growing = scored(beacon(300)), scored(beacon(300), [n * n for n in range(288)])
    assert growing.sizes < 0.7 and growing[1] == even[1] and growing[3:] == even[3:]


def test_an_hour_without_a_log_is_not_silence():
    times = beacon(300, hours=10)
    assert scored(times, covered=frozenset(range(10))).shape == 1.0
    assert scored(times).shape < 0.5


def test_two_working_levels_are_a_shape():
    times = sorted({h * HOUR + n for h in range(24) for n in range(0, HOUR, 600 if h % 2 else 60)})
    assert scored(times).shape == 1.0


def test_five_hours_have_no_duration_and_six_have():
    assert scored(beacon(60, hours=5)).duration == 0
    assert scored(beacon(60, hours=6)).duration == 0.5
    assert scored(beacon(60, hours=12)).duration == 1.0
