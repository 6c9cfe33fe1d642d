"""Keeping a run: its cases filed into the durable record, then their outcomes written back to where they came from."""

from collections.abc import Callable
from datetime import datetime

from playbook.cases.access import open_case_store
from playbook.cases.approval_requests import pending_by_case
from playbook.cases.batching import file_in_parts
from playbook.cases.repository import filing_of, with_record
from playbook.cases.write_back import write_back
from playbook.config import Config
from playbook.model.case import Run
from playbook.ports import DetectionSource
from playbook.response.plan import ResponseCapabilities


def persist_run(
    run: Run,
    means: ResponseCapabilities,
    config: Config,
    file: str,
    source: DetectionSource,
    now: Callable[[], datetime],
) -> tuple[Run, str, int]:
    """File the run where ``[state] url`` says: the run as recorded, a line for people, and the waiting requests.

    What could not be written back to ``source`` is among the run's warnings.
    """
    filing = filing_of(means, config.policy, config.limits)
    with open_case_store(config, file) as store:
        kept = file_in_parts(store, run, filing, now)
        with store.reading() as conn:
            run = with_record(conn, run, kept)
            asked = pending_by_case(conn, [case.case_id for case in run.cases])
        back = write_back(store, source, config.policy.close_in_siem, now)
    done = "filed before" if kept.again else f"{len(kept.cases)} cases filed, {len(kept.asked)} approvals asked"
    told = f"; {back.number} outcomes written back to {source.name}" if back.number else ""
    return run.model_copy(update={"warnings": (*run.warnings, *back.warnings)}), f"{done}, {asked} wait{told}", asked
