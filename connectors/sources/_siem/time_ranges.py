"""The windows that a SIEM is asked about: the last day by default, and the one that detections came from."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from playbook.model.detection import Detection, TimeWindow

DAY = timedelta(hours=24)
_LATE = timedelta(minutes=15)  # events arrive late at the indexers; what ends now is never whole
_AFTER = timedelta(hours=1)  # a log line is stamped when its connection ended


def last_day(now: datetime) -> TimeWindow:
    """The 24 hours that end a quarter of an hour ago."""
    return TimeWindow(start=now - _LATE - DAY, end=now - _LATE)


def of(detections: Sequence[Detection], fetched: Iterable[TimeWindow], now: datetime) -> TimeWindow:
    """The window that was fetched and holds all of these detections; else their own span and an hour for late rows."""
    first, last = min(d.first_seen for d in detections), max(d.last_seen for d in detections)
    for window in fetched:
        if window.start <= first and last <= window.end:
            return window
    return TimeWindow(start=first, end=max(min(last + _AFTER, now), last + timedelta(seconds=1)))
