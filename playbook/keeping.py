"""Keeping a run: its cases filed into the durable record, told as recorded, with how many of its requests wait."""

from datetime import datetime

from playbook.cases.asking import waiting_of
from playbook.cases.recording import as_recorded, file_run, terms_of
from playbook.config import Config
from playbook.model.case import Run
from playbook.plan import Means
from playbook.recorded import opened


def keep(run: Run, means: Means, config: Config, file: str, now: datetime) -> tuple[Run, str, int]:
    """File the run where ``[state] url`` says: the run as recorded, a line for people, and the waiting requests."""
    filing = terms_of(means, config.policy, config.limits)
    with opened(config, file) as store, store.change() as conn:
        kept = file_run(conn, run, filing, now)
        run = as_recorded(conn, run, kept)
        asked = waiting_of(conn, [case.case_id for case in run.cases])
    done = "filed before" if kept.again else f"{len(kept.cases)} cases filed, {len(kept.asked)} approvals asked"
    return run, f"{done}, {asked} wait", asked
