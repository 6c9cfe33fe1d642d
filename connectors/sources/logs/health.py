"""How much of the logs was read: the health of one window."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from connectors.sources.logs.aggregate import Summary
from connectors.sources.logs.rejects import Rejected
from playbook.detections.beaconing import moment
from playbook.model.detection import SourceHealth

_SHOWN = 5
_MOST_SILENCES = 1000


class Account(NamedTuple):
    """What became of the lines of all files: rejected, passed over by reason, warnings, whether all could be read."""

    rejected: Rejected = Rejected()
    passed: dict[str, int] = {}
    warnings: tuple[str, ...] = ()
    complete: bool = True


def health(summary: Summary | None, account: Account, some: bool) -> SourceHealth:
    """The health of the window that ``summary`` sums up; ``some``: there are usable rows, in it or outside."""
    warnings, silent = account.warnings, _silent(summary.hours) if summary else ()
    if silent:
        shown = ", ".join(f"{hour:%Y-%m-%d %H}h" for hour in silent[:_SHOWN])
        warnings = (*warnings, f"{len(silent)} hours without a row: {shown}{' ...' if len(silent) > _SHOWN else ''}")
    if some and summary is None:
        warnings = (*warnings, "no row lies in the window")
    return SourceHealth(
        rows_read=summary.rows if summary else 0,
        rows_rejected=account.rejected.count,
        rejected_examples=account.rejected.examples,
        rows_passed=account.passed,
        newest_event=moment(summary.newest) if summary else None,
        oldest_event=moment(summary.oldest) if summary else None,
        silent_hours=silent,
        complete=account.complete,
        warnings=warnings,
    )


def _silent(hours: Sequence[int]) -> tuple[datetime, ...]:
    present = set(hours)
    missing = [hour for hour in range(min(hours, default=0), max(hours, default=0)) if hour not in present]
    return tuple(datetime.fromtimestamp(hour * 3600, UTC) for hour in missing[:_MOST_SILENCES])
