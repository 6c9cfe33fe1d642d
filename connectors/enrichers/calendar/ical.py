"""Expands an iCalendar file into UTC half-open intervals; events that cannot be understood are named, not guessed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from connectors.enrichers._files.reader import Unreadable, load
from connectors.enrichers._files.schedule import MAX_DURATION, MAX_FIRINGS, TooManyOccurrences, merged
from connectors.enrichers.calendar.bounds import near
from playbook.model.detection import TimeWindow

MAX_BYTES = 8 * 2**20
MAX_EVENTS = 20_000
_EXAMPLES = 3
# A floating or all-day event is at most this far from where it would be in UTC; wider asked, exactly filtered.
_MARGIN = timedelta(days=2)
# More starts a day than this is no window that a person planned, and costs seconds to expand.
_MAX_STARTS_A_DAY = 48


@dataclass(frozen=True)
class TeamCalendar:
    """The events of one file that can be expanded, and what was left out."""

    path: Path
    events: icalendar.Calendar
    zone: ZoneInfo | None
    warning: str = ""

    def intervals(self, window: TimeWindow) -> tuple[TimeWindow, ...]:
        """Merged UTC intervals of all events that overlap the window, unclipped. Raises TooMany, Unreadable."""
        try:
            query = recurring_ical_events.of(self._near(window))
            found = list(islice(query.between(window.start - _MARGIN, window.end + _MARGIN), MAX_FIRINGS + 1))
            spans = [self._span(event) for event in found]
        except TooManyOccurrences as fault:
            raise TooManyOccurrences(f"{self.path}: {fault}") from None
        except (ValueError, TypeError, KeyError, OverflowError) as fault:
            raise Unreadable(f"{self.path}: an event cannot be expanded: {fault}") from None
        if len(found) > MAX_FIRINGS:
            raise TooManyOccurrences(f"{self.path}: more than {MAX_FIRINGS} occurrences in the asked window")
        return merged((start, end) for start, end in spans if start < window.end and end > window.start)

    def _near(self, window: TimeWindow) -> icalendar.Calendar:
        calendar = icalendar.Calendar()
        calendar.subcomponents = near(self.events.subcomponents, window)
        return calendar

    def _span(self, event: Any) -> tuple[datetime, datetime]:
        start = self._instant(event["DTSTART"].dt)
        return start, self._instant(event["DTEND"].dt) if "DTEND" in event else start

    def _instant(self, moment: date | datetime) -> datetime:
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC)


def read(path: Path, zone: ZoneInfo | None) -> TeamCalendar:
    """The calendar in ``path``; ``zone`` gives floating and all-day events their place. Raises Unreadable."""
    raw, _ = load(path, MAX_BYTES)
    try:
        calendars = icalendar.Calendar.from_ical(raw, multiple=True)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as fault:
        raise Unreadable(f"{path}: not iCalendar: {str(fault)[:120]!r}") from None
    events = list(islice(_events(calendars), MAX_EVENTS + 1))
    if not any(calendar.name == "VCALENDAR" for calendar in calendars) or len(events) > MAX_EVENTS:
        raise Unreadable(f"{path}: expected one or more VCALENDAR with at most {MAX_EVENTS} events")
    good, refused = icalendar.Calendar(), []
    for event in events:
        why = _why_not(event, zone)
        if why:
            refused.append(f"{path.name}: event {str(event.get('SUMMARY', ''))[:60]!r}: {why}")
        else:
            good.add_component(event)
    if refused and len(refused) == len(events):
        raise Unreadable(f"{path}: none of its {len(events)} events can be used; first: {refused[0]}")
    left_out = f"{len(refused)} events left out: {'; '.join(refused[:_EXAMPLES])}" if refused else ""
    return TeamCalendar(path, good, zone, left_out)


def _events(calendars: list[Any]) -> Iterator[Any]:
    return (
        event
        for calendar in calendars
        for event in calendar.walk("VEVENT")
        if str(event.get("STATUS", "")).upper() != "CANCELLED"
    )


def _why_not(event: Any, zone: ZoneInfo | None) -> str:
    if event.errors:
        return f"{event.errors[0][0]} is not valid"
    if "DTSTART" not in event:
        return "no DTSTART"
    if "EXRULE" in event:
        return "EXRULE is not supported"
    for name in ("DTSTART", "DTEND"):
        why = _why_not_time(event.get(name), zone)
        if why:
            return f"{name}: {why}"
    return _why_not_length(event) or _why_not_rule(event.get("RRULE"))


def _why_not_length(event: Any) -> str:
    start, end, duration = (event.get(name) for name in ("DTSTART", "DTEND", "DURATION"))
    if duration is not None:
        length = duration.dt
    elif end is not None:
        if isinstance(start.dt, datetime) != isinstance(end.dt, datetime):
            return "DTSTART and DTEND are of two kinds"
        length = _naive(end.dt) - _naive(start.dt)
    else:
        return ""
    return "" if length <= MAX_DURATION else f"lasts longer than {MAX_DURATION.days} days"


def _naive(moment: date | datetime) -> date | datetime:
    if isinstance(moment, datetime) and moment.tzinfo:
        return moment.astimezone(UTC).replace(tzinfo=None)
    return moment


def _why_not_time(value: Any, zone: ZoneInfo | None) -> str:
    if value is None:
        return ""
    if isinstance(value, list) or not isinstance(value.dt, date):
        return "expected one date or time"
    if not 1900 < value.dt.year < 2999:
        return "expected a year from 1901 to 2998"
    if getattr(value.dt, "tzinfo", None) is None:
        if "TZID" in value.params:
            return f"unknown time zone {str(value.params['TZID'])[:64]!r}"
        if zone is None:
            return "no time zone; set timezone beside ical"
    return ""


def _why_not_rule(rule: Any) -> str:
    if rule is None:
        return ""
    if isinstance(rule, list):
        return "more than one RRULE"
    frequency = str(next(iter(rule.get("FREQ", [])), "")).upper()
    starts = 1
    for part in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        starts *= max(1, len(rule.get(part, [])))
    hourly = frequency == "HOURLY" and not any(key.upper().startswith("BY") for key in rule)
    if not hourly and (frequency not in {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"} or starts > _MAX_STARTS_A_DAY):
        return f"repeats more often than {_MAX_STARTS_A_DAY} times a day"
    if frequency in {"DAILY", "WEEKLY"} and {"BYMONTHDAY", "BYYEARDAY"} & {key.upper() for key in rule}:
        return "a day of the month or year needs FREQ=MONTHLY or YEARLY"
    if any(not isinstance(number, int) or number < 1 for number in rule.get("INTERVAL", [1])):
        return "INTERVAL must be 1 or more"
    return ""
