"""Schedule arithmetic that file connectors share: durations, cron expansion and unions of UTC half-open intervals."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BeforeValidator

from connectors.enrichers._files.field_types import Zone
from playbook.model import Value
from playbook.model.detection import TimeWindow

MAX_DURATION = timedelta(days=31)
MAX_FIRINGS = 50_000
# Any instant an inventory may mean by "always", inside what datetime arithmetic can bear.
ALWAYS = TimeWindow(start=datetime(1900, 1, 1, tzinfo=UTC), end=datetime(3000, 1, 1, tzinfo=UTC))

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?:[0-9]{1,6}[dhms])+")
_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
# Cron works on local wall time: a start this much earlier is outside any daylight-saving change.
_MARGIN = timedelta(days=1)


class TooManyOccurrences(ValueError):
    """A schedule that has more occurrences in the asked window than anyone can mean."""


def parse_duration(text: object) -> timedelta:
    """``90m``, ``4h``, ``1d12h`` as a length above zero, at most 31 days. Raises ValueError."""
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str) or not _DURATION.fullmatch(text.strip()):
        raise ValueError("expected a duration such as 90m, 4h or 1d12h")
    parts = re.findall(r"(\d+)([dhms])", text)
    length = sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    if not timedelta() < length <= MAX_DURATION:
        raise ValueError("expected a duration above zero and at most 31 days")
    return length


def parse_cron(text: str) -> str:
    """A five-field cron expression, ``@daily`` and its kin expanded. Raises ValueError saying what is wrong with it."""
    expression = _ALIASES.get(text.strip().lower(), text.strip())
    if len(expression) > 120:
        raise ValueError("a cron expression of more than 120 characters")
    if expression.startswith("@"):
        raise ValueError(f"{expression[:20]!r} names no time; expected five fields or {', '.join(_ALIASES)}")
    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(f"a cron expression of {len(fields)} fields; expected five (minute hour day month weekday)")
    if any(re.match(r"H\b", field) for field in fields):
        raise ValueError("Jenkins H names no fixed time; write the minute and hour at which the job runs")
    try:
        CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError) as fault:
        raise ValueError(f"{fault}: not a cron expression that ever fires") from None
    return expression


def cron_intervals(expression: str, length: timedelta, zone: ZoneInfo, window: TimeWindow) -> tuple[TimeWindow, ...]:
    """The union of [firing, firing + length) that overlaps the window, from a valid cron expression in ``zone``.

    Firings follow Debian cron at daylight-saving changes: once in a repeated hour, right after a skipped one.
    Raises TooMany past 50,000 firings.
    """
    return merged(_cron_spans(expression, length, zone, window))


def _cron_spans(
    expression: str, length: timedelta, zone: ZoneInfo, window: TimeWindow
) -> Iterator[tuple[datetime, datetime]]:
    earliest = ALWAYS.start + _MARGIN + length
    begin = max(window.start, earliest) - length - _MARGIN
    for count, firing in enumerate(CronSim(expression, begin.astimezone(zone))):
        start = firing.astimezone(UTC)
        if start >= window.end:
            return
        if count >= MAX_FIRINGS:
            raise TooManyOccurrences(f"fires more than {MAX_FIRINGS} times in the asked window")
        if start + length > window.start:
            yield start, start + length


def merged(spans: Iterable[tuple[datetime, datetime]]) -> tuple[TimeWindow, ...]:
    """Sorted, disjoint UTC intervals that cover exactly the given half-open spans; touching ones become one."""
    joined: list[tuple[datetime, datetime]] = []
    for start, end in sorted((start.astimezone(UTC), end.astimezone(UTC)) for start, end in spans):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(TimeWindow(start=start, end=end) for start, end in joined)


class CronWindow(Value):
    """``cron`` fires in ``timezone`` and the window lasts ``duration`` from each firing."""

    cron: Annotated[str, AfterValidator(parse_cron)]
    duration: Annotated[timedelta, BeforeValidator(parse_duration)]
    timezone: Zone

    def intervals(self, window: TimeWindow) -> tuple[TimeWindow, ...]:
        """Merged UTC intervals that overlap the window, unclipped. Raises TooMany."""
        return cron_intervals(self.cron, self.duration, self.timezone, window)


def overlaps(one: TimeWindow, other: TimeWindow) -> bool:
    """Whether two half-open intervals share an instant."""
    return one.start < other.end and other.start < one.end
