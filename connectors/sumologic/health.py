"""What a fetch may claim about its own completeness: silence is not safety."""

from collections.abc import Sequence
from datetime import timedelta

from connectors.sumologic.job import Answer
from connectors.sumologic.rows import HourRows, Read, silent
from playbook.model.detection import SourceHealth, TimeWindow

_STALE = timedelta(hours=2)


def health_of(
    window: TimeWindow, answer: Answer, read: Read, seen: Sequence[HourRows] | None, fault: str, caveat: str
) -> SourceHealth:
    """The health of a fetch; ``seen`` null means that the rows per hour are unknown, ``fault`` why if it was tried."""
    rows_read = answer.messages if seen is None else sum(hour.rows for hour in seen)
    newest = max((hour.newest for hour in seen or ()), default=None)
    empty = silent(window, seen) if seen is not None else ()
    stale = seen is not None and (newest is None or newest < window.end - _STALE)
    warnings = [*answer.warnings, *([answer.truncated] if answer.truncated else []), *([fault] if fault else [])]
    if not answer.rows:
        warnings.append(_nothing(rows_read))
    if stale and newest is not None:
        warnings.append(f"source silent: its newest row is of {newest:%Y-%m-%d %H:%M} UTC")
    if empty:
        warnings.append(f"source silent: {len(empty)} hours without a row, the first {empty[0]:%Y-%m-%d %H:00} UTC")
    if caveat and answer.rows:
        warnings.append(caveat)
    return SourceHealth(
        rows_read=rows_read, rows_rejected=read.rejected, rejected_examples=read.examples, newest_event=newest,
        oldest_event=min((hour.oldest for hour in seen or ()), default=None), silent_hours=empty,
        complete=not (answer.truncated or fault or stale or empty or not rows_read), warnings=tuple(warnings),
    )


def _nothing(rows_read: int) -> str:
    if not rows_read:
        return "0 rows, scope unproven: no log row of this window matched it, and a wrong name gives no error"
    return f"0 rows, scope proven by {rows_read} log rows; the field names are not proven by them, check proves those"
