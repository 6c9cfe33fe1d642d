"""Keeping a run: its cases filed into the durable record, then their outcomes written back to where they came from."""

from collections.abc import Callable
from datetime import datetime

from playbook.cases.asking import waiting_of
from playbook.cases.in_parts import file_in_parts
from playbook.cases.recording import as_recorded, terms_of
from playbook.config import Config
from playbook.model.case import Run
from playbook.plan import Means
from playbook.ports import DetectionSource
from playbook.recorded import opened
from playbook.writeback import write_back


def keep(
    run: Run, means: Means, config: Config, file: str, source: DetectionSource, now: Callable[[], datetime]
) -> tuple[Run, str, int]:
    """File the run where ``[state] url`` says: the run as recorded, a line for people, and the waiting requests.

    What could not be written back to ``source`` is among the run's warnings.
    """
    filing = terms_of(means, config.policy, config.limits)
    with opened(config, file) as store:
        kept = file_in_parts(store, run, filing, now)
        with store.reading() as conn:
            run = as_recorded(conn, run, kept)
            asked = waiting_of(conn, [case.case_id for case in run.cases])
        back = write_back(store, source, config.policy.close_in_siem, now)
    done = "filed before" if kept.again else f"{len(kept.cases)} cases filed, {len(kept.asked)} approvals asked"
    told = f"; {back.number} outcomes written back to {source.name}" if back.number else ""
    return run.model_copy(update={"warnings": (*run.warnings, *back.warnings)}), f"{done}, {asked} wait{told}", asked
