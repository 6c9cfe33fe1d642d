"""How much work a calendar event asks for: rules begin shortly before the asked window, and the rest has a limit."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from connectors.enrichers._files.schedule import MAX_DURATION, MAX_FIRINGS, TooManyOccurrences
from playbook.model.detection import TimeWindow

_STEP = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "WEEKLY": timedelta(days=7)}
# The longest event, and what zones and the first week of a rule may shift.
_BEFORE = MAX_DURATION + timedelta(days=16)
# One listed date costs as much as some ten occurrences of a rule.
_LISTED = 10


def near(events: Iterable[Any], window: TimeWindow) -> list[Any]:
    """The events, every rule without a count begun anew, in its own step, shortly before the window.

    Raises TooMany naming the event whose occurrences up to the window's end pass the limit, alone or with the others.
    """
    moved = [_moved(event, window) for event in events]
    total = 0
    for event in moved:
        total += _occurrences(event, window)
        if total > MAX_FIRINGS:
            raise TooManyOccurrences(
                f"event {str(event.get('SUMMARY', ''))[:60]!r}: more than {MAX_FIRINGS} occurrences of this and the "
                "events before it up to the end of the asked window; let its rule begin later, or list fewer dates"
            )
    return moved


def _moved(event: Any, window: TimeWindow) -> Any:
    rule = event.get("RRULE")
    unit = _STEP.get(_frequency(rule))
    if unit is None or "COUNT" in rule or "BYSETPOS" in rule:
        return event
    start, step = event["DTSTART"].dt, unit * _interval(rule)
    floor = _wall(window.start) - _BEFORE
    if "UNTIL" in rule:
        floor = min(floor, _wall(rule["UNTIL"][0]) - _BEFORE)
    by = (floor - _wall(start)) // step * step
    if by <= timedelta():
        return event
    new = event.copy()
    new.subcomponents = list(event.subcomponents)
    for name in ("DTSTART", "DTEND"):
        if name in event:
            new.pop(name)
            new.add(name, event[name].dt + by)
    return new


def _occurrences(event: Any, window: TimeWindow) -> int:
    """At most so many; listed dates weigh more."""
    listed = sum(len(dates.dts) for name in ("RDATE", "EXDATE") for dates in _several(event.get(name)))
    return 1 + listed * _LISTED + _repeats(event, window)


def _repeats(event: Any, window: TimeWindow) -> int:
    rule = event.get("RRULE")
    if rule is None:
        return 0
    days = max((_wall(window.end) - _wall(event["DTSTART"].dt)).days + 2, 0)
    a_day = 24 if _frequency(rule) == "HOURLY" else 1
    for part in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        a_day *= max(1, len(_several(rule.get(part))))
    free = any(part in rule for part in ("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"))
    every = {"MONTHLY": 28, "YEARLY": 365}.get(_frequency(rule), 1)
    most = days * a_day // (1 if free else every * (_interval(rule) if every == 1 else 1))
    return int(min(most, *rule.get("COUNT", [most])))


def _frequency(rule: Any) -> str:
    return str(next(iter(rule.get("FREQ", [])), "")).upper() if rule is not None else ""


def _interval(rule: Any) -> int:
    return int(next(iter(rule.get("INTERVAL", [1]))))


def _several(value: Any) -> Sequence[Any]:
    return () if value is None else value if isinstance(value, list) else (value,)


def _wall(moment: date | datetime) -> datetime:
    """The instant as its own clock shows it: rules count on that."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time())
    return moment.replace(tzinfo=None)
