"""SQL text for the clocks of log lines: syslog frames with and without a year, stamps with an offset, epoch numbers.

A stamp without a year gets the latest year in which it does not lie after the day on which its file was last written,
so that a log over New Year is read with both years. A year or a time zone that is given wins.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from connectors.sources.logs import line_sql
from connectors.sources.logs.schema import Recognised, Scan, literal

FRAME = 160  # characters in which a syslog line has its stamp
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?: ?Z| ?[+-]\d\d:?\d\d)?"
_ISO_OFFSET = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)"
_NAMED = rf"(?:{_MONTHS}) +\d{{1,2}} (?:\d{{4}} )?\d\d:\d\d:\d\d(?: \d{{4}}\b)?"
_UNDATED = re.compile(rf"^(?:<\d+>)? ?(?:{_MONTHS}) +\d{{1,2}} \d\d:\d\d:\d\d\b(?! \d{{4}}\b)", re.MULTILINE)
_WITH_YEAR = (
    "%b %d %Y %H:%M:%S",
    "%b %d %H:%M:%S %Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S.%f",
    "%a %b %d %H:%M:%S %Y",
)
_DAY_S = 86400


class Clock(NamedTuple):
    """What is known of a device's clock: the year given ("" if none), its zone, and the day the file was written."""

    year: str
    zone: str
    written: str


def clock(form: Recognised, scan: Scan) -> Clock:
    """The clock of the files of ``form``; its own options win over those of the scan."""
    options = dict(form.options)
    year = options.get("year") or (str(scan.year) if scan.year else "")
    return Clock(year, options.get("time_zone", scan.time_zone), options.get("written", ""))


def written(head: str, path: str) -> tuple[tuple[str, str], ...]:
    """The option that names the day on which the file was last written; none when its stamps name their years."""
    if not _UNDATED.search(head):
        return ()
    try:
        changed = Path(path).stat().st_mtime
    except (OSError, ValueError):
        return ()
    return (("written", f"{datetime.fromtimestamp(changed, UTC):%Y-%m-%d}"),)


def note(head: str, device: str) -> str:
    """What is assumed of stamps that lack a year, or "" when none does."""
    if not _UNDATED.search(head):
        return ""
    return (
        f"{device} stamps without a year: the latest in which none lies after the file's own date, unless a year "
        "is given; without an offset they are read in the given time zone (UTC)"
    )


def frame(text: str = "text") -> str:
    """The text of a syslog line's own stamp; '' when it has none."""
    return f"regexp_extract(left({text}, {FRAME}), {literal(f'{_ISO}|{_NAMED}')})"


def moment(stamp: str, device: Clock) -> str:
    """Epoch seconds of a stamp of any shape that a frame has; null when it is none, or lacks a year that is not known.

    ``stamp`` is a column: it is written into the text several times.
    """
    dated = line_sql.time(f"regexp_replace({stamp}, ' +', ' ', 'g')", device.zone, _WITH_YEAR)
    offset = f"regexp_matches({stamp}, '[0-9] ?(Z|[+-][0-9]{{2}}:?[0-9]{{2}})$')"
    return (
        f"CASE WHEN {stamp} IS NULL OR {stamp} = '' THEN NULL WHEN {offset} "
        f"THEN {line_sql.offset_time(f'replace({stamp}, chr(32) || chr(90), chr(90))')} "
        f"WHEN length({stamp}) < 17 AND {stamp}[5] NOT IN ('-', '/') THEN {_undated(stamp, device)} ELSE {dated} END"
    )


def epoch(raw: str) -> str:
    """Epoch seconds of a number of seconds, milliseconds, microseconds or nanoseconds, told apart by its size."""
    number = f"try_cast({raw} AS DOUBLE)"
    unit = "CASE WHEN e < 1e11 THEN e WHEN e < 1e14 THEN e / 1e3 WHEN e < 1e17 THEN e / 1e6 ELSE e / 1e9 END"
    bounds = f"BETWEEN {line_sql.EARLIEST} AND {line_sql.LATEST}"
    return f"list_transform([{number}], lambda e: CASE WHEN ({unit}) {bounds} THEN {unit} END)[1]"


def dated(raw: str, zone: str, patterns: Sequence[str] = _WITH_YEAR) -> str:
    """Epoch seconds of a stamp that names its year and may end in the word of its zone (GMT, UTC, Z) or an offset."""
    # Written once: DuckDB computes each mention in a CASE anew.
    bare = f"[regexp_replace({raw}, ' ?(GMT|UTC|Z)$', '')]"
    local = f"list_transform({bare}, lambda b: {line_sql.time('b', zone, patterns)})[1]"
    utc = f"list_transform({bare}, lambda b: {line_sql.time('b', 'UTC', patterns)})[1]"
    offset = line_sql.offset_time(raw)
    return (
        f"CASE WHEN regexp_full_match({raw}, {literal(_ISO_OFFSET)}) THEN {offset} "
        f"WHEN regexp_matches({raw}, '[0-9] ?(GMT|UTC|Z)$') THEN {utc} "
        f"WHEN regexp_matches({raw}, '[0-9][+-][0-9]{{2}}:?[0-9]{{2}}$') THEN {offset} ELSE {local} END"
    )


def _undated(stamp: str, device: Clock) -> str:
    def within(year: str) -> str:
        spaced = f"{literal(year)} || ' ' || replace({stamp}, '  ', ' ')"
        return line_sql.time(spaced, device.zone, ("%Y %b %d %H:%M:%S",))

    if device.year:
        return within(device.year)
    if not device.written:
        return "NULL"
    last = datetime.strptime(device.written, "%Y-%m-%d").replace(tzinfo=UTC)
    latest = last.timestamp() + 2 * _DAY_S  # the day itself, and the widest zone
    years = [within(str(last.year - back)) for back in range(5 if last.year > 1974 else 1)]
    return f"list_filter([{', '.join(years)}], lambda t: t < {latest})[1]"
