"""The year of stamps that name none: the latest in which no stamp of a file lies after the file's own time."""

import calendar
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from connectors.sources.logs.engine import Engine
from connectors.sources.logs.files import LogFile
from connectors.sources.logs.line_sql import lines
from connectors.sources.logs.schema import Scan, literal

# A clock may stand this far east of UTC, and the zone is often not known.
_EASTERNMOST = timedelta(hours=14)
_MOST_YEARS_BACK = 9
_UNDATED = (
    r"(?:^|[^0-9A-Za-z])((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +[0-9]{1,2} "
    r"[0-9]{2}:[0-9]{2}:[0-9]{2})"
)
_DATED = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T|[A-Z][a-z]{2} +[0-9]{1,2},? [0-9]{4} "


class Years(NamedTuple):
    """Of one file without years: that of its stamps in July to December, and that of those in January to June."""

    late: int
    early: int

    @property
    def text(self) -> str:
        """As a person says it."""
        return f"{self.late} and {self.early}" if self.late != self.early else str(self.early)


class _Stamps(NamedTuple):
    """The newest stamp of each half year in a leap year, whether the later half comes first, whether 29 February."""

    late: datetime | None
    early: datetime | None
    over_new_year: bool
    leap_day: bool


def years(
    engine: Engine, files: Sequence[LogFile], year: int | None, originals: Mapping[str, LogFile]
) -> dict[str, Years]:
    """By path, the years of the files whose stamps have none; ``year`` is the one of their first stamp, null: unknown.

    Unknown, it is the latest in which no stamp lies after the file's own time. A file whose stamps of the second half
    year come before those of the first goes over New Year.
    """
    by_path = {}
    for file in files:
        stamps = _stamps(engine, str(file.path))
        if stamps.late or stamps.early:
            changed = originals.get(str(file.path), file).path.stat().st_mtime
            by_path[str(file.path)] = (
                _latest(stamps, datetime.fromtimestamp(changed, UTC))
                if year is None
                else Years(year, year + stamps.over_new_year)
            )
    return by_path


def _stamps(engine: Engine, path: str) -> _Stamps:
    stamp = f"regexp_extract(left(text, 120), {literal(_UNDATED)}, 1)"
    moment = f"try_strptime('2000 ' || replace({stamp}, '  ', ' '), ['%Y %b %d %H:%M:%S'])"
    rows = f"SELECT n, {moment} AS t FROM ({lines((path,), Scan())})"
    ((late, early, first_late, first_early, leap_day),) = engine.believed(
        "SELECT max(t) FILTER (month(t) > 6), max(t) FILTER (month(t) < 7), min(n) FILTER (month(t) > 6), "
        f"min(n) FILTER (month(t) < 7), coalesce(bool_or(month(t) = 2 AND day(t) = 29), false) FROM ({rows} "
        f"WHERE NOT regexp_matches(left(text, 120), {literal(_DATED)}))"
    )
    return _Stamps(late, early, bool(late and early and first_late < first_early), leap_day)


def _latest(stamps: _Stamps, changed: datetime) -> Years:
    newest = stamps.late if stamps.late and not stamps.over_new_year else stamps.early
    limit = changed.replace(tzinfo=None) + _EASTERNMOST
    for year in range(limit.year, limit.year - _MOST_YEARS_BACK, -1):
        fits = calendar.isleap(year) or not stamps.leap_day
        if fits and newest is not None and newest.replace(year=year) <= limit:
            return Years(year - stamps.over_new_year, year)
    return Years(limit.year - stamps.over_new_year, limit.year)
