"""The same day told by Sumo Logic: whole cases as over the log of its connections, complete or honestly not."""

from collections.abc import Iterable
from functools import cache

import pytest
from pydantic import SecretStr

from playbook.detections.beaconing import Event as Connection
from playbook.errors import ConnectorError
from playbook.model.case import Run
from tests.emulators.sumo import Behaviour, Tenant, running
from tests.emulators.sumo_records import Event
from tests.support.story_fixtures import SAMPLE_DAY, alike, evidence_of, over_log, run_over, sample_events, wired

pytestmark = pytest.mark.loopback
READY = Behaviour(states=())


def tenant_events(events: Iterable[Connection]) -> list[Event]:
    """Connections as the search API has them."""
    return [
        Event(
            e.start,
            e.src_ip,
            e.dst_ip,
            e.dst_port,
            e.hostname,
            e.bytes_sent,
            e.bytes_rcvd,
            e.bytes_total,
            proto=e.proto,
            service=e.service,
        )
        for e in events
    ]


def run_against(behaviour: Behaviour, events: Iterable[Connection] = ()) -> Run:
    """A run over a tenant that behaves so; of these connections, else of the sample's."""
    with running(Tenant(tenant_events(events or sample_events()), behaviour)) as url:
        return run_over(
            wired(
                kind="sumologic",
                base_url=url,
                access_id=SecretStr("id"),
                access_key=SecretStr("key"),
                rate=4,
                fields={"proto": "protocol"},
            )
        )


@cache
def over_sumo() -> Run:
    """A run over a tenant that does what it should."""
    return run_against(READY)


def test_sumo_logic_and_the_log_give_the_same_cases_verdicts_and_plans() -> None:
    run = over_sumo()
    assert alike(run, over_log()) and run.complete
    assert len(run.cases) > 10 and any(case.plan for case in run.cases) and len(run.filtered) > 3


def test_the_rules_say_the_same_of_each_detection() -> None:
    here, there = evidence_of(over_sumo()), evidence_of(over_log())
    assert here == there and {"prevalent_destination", "host_attack"} <= {rule for _, rule, *_ in here}
    assert any("names, and how many addresses a host talks to" in warning for warning in over_sumo().warnings)


def test_an_hour_that_was_not_indexed_leaves_the_run_incomplete_and_closes_nothing_that_was_open() -> None:
    noon = int(SAMPLE_DAY.start.timestamp()) + 12 * 3600
    run = run_against(READY, [e for e in sample_events() if not noon <= e.start < noon + 3600])
    assert not run.complete and any("12:00" in warning for warning in run.warnings), run.warnings
    still = {case.host for case in over_log().cases if case.status != "closed"}
    assert run.cases and not still & {case.host for case in run.cases if case.status == "closed"}


def test_a_search_that_failed_is_no_run_at_all() -> None:
    with pytest.raises(ConnectorError, match="a broken shard"):
        run_against(Behaviour(states=(), errors={1: ["a broken shard"]}))
