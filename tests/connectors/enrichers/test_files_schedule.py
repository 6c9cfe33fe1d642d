"""Schedule arithmetic: durations, cron over daylight-saving changes, unions of half-open intervals."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.enrichers._files.schedule import TooManyOccurrences, cron_intervals, merged, parse_cron, parse_duration
from playbook.model.detection import TimeWindow
from tests.support.examples import examples

NEW_YORK = ZoneInfo("America/New_York")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, end: str) -> TimeWindow:
    return TimeWindow(start=utc(start), end=utc(end))


@pytest.mark.parametrize(
    ("text", "minutes"), [("90m", 90), ("4h", 240), ("1d12h", 2160), (" 1h30m ", 90), ("60s", 1), ("31d", 44640)]
)
def test_durations(text: str, minutes: int) -> None:
    assert parse_duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "0h", "32d", "4", "-4h", "4 hours", "4h\n4h", "9999999h", 90, None, "１h"])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("H 1 * * *", "Jenkins H"),
        ("H(0-29) 1 * * *", "Jenkins H"),
        ("0 H/2 * * *", "Jenkins H"),
        ("0 0 31 2 *", "ever fires"),
        ("0 0 30 2 *", "ever fires"),
        ("60 0 * * *", "Bad minute"),
        ("0 1 * *", "4 fields"),
        ("0 0 1 * * *", "6 fields"),
        ("@reboot", "names no time"),
        ("", "0 fields"),
        ("* " * 200, "120 characters"),
        ("9" * 99 + " 1 * * *", "Bad minute"),
    ],
)
def test_what_is_no_cron_expression(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_cron(text)


@pytest.mark.parametrize(
    ("alias", "expression"),
    [("@daily", "0 0 * * *"), ("@MIDNIGHT", "0 0 * * *"), ("@hourly", "0 * * * *"), ("@weekly", "0 0 * * 0")],
)
def test_aliases_are_expanded(alias: str, expression: str) -> None:
    assert parse_cron(alias) == expression


@pytest.mark.parametrize(
    ("expression", "length", "window", "expected"),
    [
        # An ordinary night, and the two nights on which New York's clocks change.
        ("30 1 * * *", 2, ("2026-06-02", "2026-06-03"), [("2026-06-02T05:30", "2026-06-02T07:30")]),
        ("30 1 * * *", 2, ("2026-03-08", "2026-03-09"), [("2026-03-08T06:30", "2026-03-08T08:30")]),
        ("30 2 * * *", 1, ("2026-03-08", "2026-03-09"), [("2026-03-08T07:00", "2026-03-08T08:00")]),
        ("30 1 * * *", 1, ("2026-11-01", "2026-11-02"), [("2026-11-01T05:30", "2026-11-01T06:30")]),
        # A window that asks only for the repeated hour, and one that starts inside it, see the one firing.
        ("30 1 * * *", 1, ("2026-11-01T06:29", "2026-11-01T07:00"), [("2026-11-01T05:30", "2026-11-01T06:30")]),
        ("30 1 * * *", 1, ("2026-11-01T06:30", "2026-11-02T05:00"), []),
        # Half-open on both sides; a window that began before is returned whole.
        ("0 1 * * *", 4, ("2026-06-02T09:00", "2026-06-03T05:00"), []),
        ("0 1 * * *", 4, ("2026-06-02T08:59", "2026-06-02T09:00"), [("2026-06-02T05:00", "2026-06-02T09:00")]),
        # Touching firings are one window.
        ("0 * * * *", 1, ("2026-06-02T00:30", "2026-06-02T02:30"), [("2026-06-02T00:00", "2026-06-02T03:00")]),
        ("0 0 29 2 *", 24, ("2024-02-28", "2024-03-02"), [("2024-02-29T05:00", "2024-03-01T05:00")]),
        ("0 1 * * *", 1, ("1970-01-01", "1970-01-02"), [("1970-01-01T06:00", "1970-01-01T07:00")]),
    ],
)
def test_cron_in_new_york(
    expression: str, length: int, window: tuple[str, str], expected: list[tuple[str, str]]
) -> None:
    found = cron_intervals(expression, timedelta(hours=length), NEW_YORK, span(*window))
    assert found == tuple(span(*pair) for pair in expected)


def test_a_schedule_nobody_can_mean_is_refused() -> None:
    with pytest.raises(TooManyOccurrences, match="50000"):
        cron_intervals("* * * * *", timedelta(minutes=1), ZoneInfo("UTC"), span("2020-01-01", "2026-01-01"))


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 3), timezones=st.just(UTC))
SPANS = st.lists(st.tuples(MOMENTS, MOMENTS), max_size=12)


@given(SPANS, MOMENTS)
def test_a_union_holds_exactly_the_instants_of_its_parts(spans: list[tuple[datetime, datetime]], at: datetime) -> None:
    union = merged(spans)
    assert any(one.holds(at) for one in union) == any(start <= at < end for start, end in spans)
    assert all(one.end < other.start for one, other in pairwise(union))


@examples(40)
@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    length=st.integers(1, 50),
    start=st.integers(0, 24 * 364),
    hours=st.integers(1, 72),
    zone=st.sampled_from(["UTC", "America/New_York", "Europe/Prague", "Australia/Lord_Howe"]),
)
def test_any_daily_cron_gives_sorted_utc_intervals_that_overlap(
    minute: int, hour: int, length: int, start: int, hours: int, zone: str
) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=start)
    window = TimeWindow(start=begin, end=begin + timedelta(hours=hours))
    found = cron_intervals(f"{minute} {hour} * * *", timedelta(hours=length), ZoneInfo(zone), window)
    assert all(one.end < other.start for one, other in pairwise(found))
    for one in found:
        assert one.start < window.end
        assert one.end > window.start
        assert one.start.tzinfo is UTC
        assert one.seconds >= length * 3600
    if hours + length > 26:
        assert found
