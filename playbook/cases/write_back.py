"""Outcomes written back to the SIEM that detections came from, after their cases are stored: once, or by the next run.

What is to be said is in the record (cases/outcomes.py) before anything is sent, and is marked only when it was taken.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from playbook.cases import audit, write_back_outbox
from playbook.cases.store import Store
from playbook.cases.write_back_outbox import PendingUpdate
from playbook.errors import ConfigError, ConnectorError, RateLimited, Unauthorized, Unreachable
from playbook.ports import DetectionSource, FindingWriter

MOST_PER_RUN = 100
# After one of these the SIEM is left alone until the next run; other faults concern one finding only.
_IS_DOWN = (Unreachable, RateLimited, Unauthorized)


class WriteBackResult(NamedTuple):
    """How many outcomes the SIEM took, and what has to be warned about."""

    number: int = 0
    warnings: tuple[str, ...] = ()


def write_back(
    store: Store, source: DetectionSource | FindingWriter, may_change: bool, now: Callable[[], datetime]
) -> WriteBackResult:
    """Write what this source is to be told. A failure is a warning, and tried again by the next run.

    ``may_change`` false (``policy.close_in_siem``): comments and tags alone. A finding that speaks of more than our
    detections is never closed by their outcome.
    """
    if not isinstance(source, FindingWriter):
        return WriteBackResult()
    with store.reading() as conn:
        waiting = write_back_outbox.pending_updates(conn, source.name, now(), MOST_PER_RUN + 1)
    number, warnings = 0, []
    for one in waiting[:MOST_PER_RUN]:
        with store.change() as conn:
            if not write_back_outbox.reserve(conn, one, now()):
                continue
        fault = _written(store, source, one, may_change, now)
        number += fault is None
        if fault is not None:
            warnings.append(_not_written(store, source.name, one, fault))
        if isinstance(fault, _IS_DOWN):
            break
    if len(waiting) > MOST_PER_RUN:
        warnings.append(
            f"{source.name}: more than {MOST_PER_RUN} outcomes were to be written back; the rest follows "
            "with the next run"
        )
    return WriteBackResult(number, tuple(warnings))


def _written(
    store: Store, source: FindingWriter, one: PendingUpdate, may_change: bool, now: Callable[[], datetime]
) -> ConnectorError | ConfigError | None:
    """None when the SIEM has it and the record says so, else why not."""
    outcome = one.outcome
    try:
        may = may_change and (one.whole or outcome.disposition == "TRUE_POSITIVE")
        kept = source.write_back(one.reference, outcome, may)
    except (ConnectorError, ConfigError) as fault:
        return fault
    with store.change() as conn:
        moment = now()
        write_back_outbox.mark_written(conn, one, moment)
        audit.append(
            conn,
            moment,
            outcome.case_id,
            "playbook",
            "outcome written",
            {
                "source": source.name,
                "finding": one.finding_id,
                "disposition": outcome.disposition,
                "kept": kept,
            },
        )
    return None


def _not_written(store: Store, source: str, one: PendingUpdate, fault: ConnectorError | ConfigError) -> str:
    with store.change() as conn:
        last = write_back_outbox.mark_failed(conn, one, str(fault), counts=not isinstance(fault, _IS_DOWN))
    then = "given up" if last else "the next run tries again"
    return f"{source}: the outcome of {one.outcome.case_id} is not written to {one.finding_id} ({then}): {fault}"
