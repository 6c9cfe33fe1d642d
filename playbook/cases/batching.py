"""A run filed in parts, each one transaction, so that an approval or a release never waits for a whole large run."""

import time
from collections.abc import Callable
from datetime import datetime

from playbook.cases import repository
from playbook.cases.repository import FiledCase, FiledRun, Filing
from playbook.cases.store import Store
from playbook.model.case import Run

_CASES = 20
# SQLite lets nobody queue: who waits looks again every 100 ms, and finds the record free in this pause.
_PAUSE_S = 0.11


def file_in_parts(
    store: Store,
    run: Run,
    filing: Filing,
    now: Callable[[], datetime],
    requester: str = "playbook",
    pause: Callable[[float], None] = time.sleep,
) -> FiledRun:
    """File a run. Cut off, filing the same run again goes on; once it is at its end, that changes nothing.

    Nobody is told of what is asked before the last part has made the tickets (``record.being_filed``).
    """
    with store.change() as conn:
        if not repository.begin(conn, run, now(), requester):
            return FiledRun(run_id=run.run_id, again=True)
    filed: list[FiledCase] = []
    for start in range(0, len(run.cases), _CASES):
        with store.change() as conn:
            filed += repository.file_cases(conn, run, run.cases[start : start + _CASES], filing, now(), requester)
        if store.file is not None:
            pause(_PAUSE_S)
    with store.reading() as conn:
        told = repository.cases_to_tell(conn, filed)
    with store.change() as conn:
        return repository.finish(conn, run, tuple(filed), told, filing, now())
