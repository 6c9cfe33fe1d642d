"""The same day told by Cloud SIEM: its connections as signals give what the log of them gives."""

from functools import cache

import pytest
from pydantic import SecretStr

from playbook.model.case import Run
from tests.emulators.cse import Tenant, running
from tests.emulators.cse_objects import insight_of, signals_of
from tests.support.story_fixtures import (
    SAMPLE_DAY,
    alike,
    detections_of,
    evidence_of,
    over_log,
    run_over,
    sample_events,
    wired,
)

pytestmark = pytest.mark.loopback
START = SAMPLE_DAY.start.timestamp()


@cache
def over_cse() -> Run:
    """The run over Cloud SIEM: all connections of the day in signals, all signals in one insight."""
    signals = signals_of(sample_events(), START + 80_000.0)
    tenant = Tenant(signals, [insight_of("1", [one["id"] for one in signals], START + 85_000.0)])
    with running(tenant) as url:
        return run_over(
            wired(kind="sumologic_cse", base_url=url, access_id=SecretStr("id"), access_key=SecretStr("key"), rate=4)
        )


def test_cloud_siem_and_the_log_give_the_same_cases_verdicts_and_plans() -> None:
    run = over_cse()
    assert alike(run, over_log()) and run.complete
    assert len(run.cases) > 10 and any(case.plan for case in run.cases) and len(detections_of(run)) > 15


def test_the_rules_say_the_same_of_each_detection_but_for_what_records_of_signals_do_not_hold() -> None:
    here, there = evidence_of(over_cse()), evidence_of(over_log())
    assert here <= there and len(here) > 20
    assert {rule for _, rule, *_ in there - here} == {"prevalent_destination", "host_attack"}


def test_every_detection_came_with_the_insight_that_speaks_of_more_than_them() -> None:
    run = over_cse()
    every = {d.detection_id for d in detections_of(run)} | {one.detection_id for one in run.filtered}
    assert {found.detection_id for found in run.findings} == every
    assert {(found.finding_id, found.whole) for found in run.findings} == {("1", False)}
