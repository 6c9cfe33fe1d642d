"""The windows that a SIEM is asked about."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.sources._siem import time_ranges
from playbook.model.detection import TimeWindow
from tests.support.builders import a_detection

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def hours(first: float, last: float) -> TimeWindow:
    """From so many hours after noon to so many."""
    return TimeWindow(start=NOON + timedelta(hours=first), end=NOON + timedelta(hours=last))


def test_the_last_day_ends_when_its_events_have_arrived():
    assert time_ranges.last_day(NOON) == hours(-24.25, -0.25)


@pytest.mark.parametrize(
    ("fetched", "now", "expected"),
    [
        ([hours(-9, -8), hours(-3, 3)], 9, hours(-3, 3)),  # the one that holds them
        ([hours(0, 1.5)], 9, hours(0, 3)),  # one that ends in between does not
        ([], 2.5, hours(0, 2.5)),  # nothing is asked about the future
    ],
)
def test_detections_are_followed_in_the_window_they_came_from(fetched, now, expected):
    found = [
        a_detection(first_seen=NOON, last_seen=NOON + timedelta(hours=1)),
        a_detection(first_seen=NOON + timedelta(hours=1), last_seen=NOON + timedelta(hours=2)),
    ]
    assert time_ranges.of(found, fetched, NOON + timedelta(hours=now)) == expected


def test_a_detection_that_ends_now_is_within_its_window():
    (found,) = [a_detection(first_seen=NOON, last_seen=NOON + timedelta(hours=1))]
    assert time_ranges.of([found], [], NOON + timedelta(hours=1)).end == found.last_seen + timedelta(seconds=1)
