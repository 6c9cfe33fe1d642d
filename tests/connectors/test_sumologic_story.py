"""The same day told by Sumo Logic: whole cases as over the log of its connections, complete or honestly not."""

from functools import cache

import pytest
from pydantic import SecretStr

from playbook.errors import ConnectorError
from playbook.model.case import Run
from tests.connectors.story_bench import alike, evidence_of, over_log, run_over, sample_events, wired
from tests.emulators.sumo import Behaviour, Tenant, running
from tests.emulators.sumo_records import Event

pytestmark = pytest.mark.loopback


def tenant_events() -> list[Event]:
    """The sample's connections as the search API has them."""
    return [
        Event(e.start, e.src_ip, e.dst_ip, e.dst_port, e.hostname, e.bytes_sent, e.bytes_rcvd, e.bytes_total,
              proto=e.proto, service=e.service) for e in sample_events()
    ]


def run_against(behaviour: Behaviour) -> Run:
    """A run over a tenant that behaves so."""
    with running(Tenant(tenant_events(), behaviour)) as url:
        return run_over(wired(
            kind="sumologic", base_url=url, access_id=SecretStr("id"), access_key=SecretStr("key"), rate=4))


@cache
def over_sumo() -> Run:
    """A run over a tenant that does what it should."""
    return run_against(Behaviour(states=()))


def test_sumo_logic_and_the_log_give_the_same_cases_verdicts_and_plans() -> None:
    run = over_sumo()
    assert alike(run, over_log()) and run.complete
    assert len(run.cases) > 10 and any(case.plan for case in run.cases) and len(run.gated) > 3


def test_the_rules_say_the_same_of_each_detection_but_for_what_is_not_asked_of_sumo_logic() -> None:
    here, there = evidence_of(over_sumo()), evidence_of(over_log())
    assert here <= there and len(here) > 20
    assert {rule for _, rule, *_ in there - here} == {"prevalent_destination", "host_attack"}
    assert any("the number of hosts that use a destination" in warning for warning in over_sumo().warnings)


def test_rows_that_never_come_leave_the_run_incomplete_and_close_nothing_that_was_open() -> None:
    run = run_against(Behaviour(states=(), overstated=3))
    assert not run.complete and any("3 " in warning for warning in run.warnings), run.warnings
    assert not alarmed(over_log()) - alarmed(run)


def test_a_search_that_failed_is_no_run_at_all() -> None:
    with pytest.raises(ConnectorError, match="a broken shard"):
        run_against(Behaviour(states=(), errors={1: ["a broken shard"]}))


def alarmed(run: Run) -> set[str]:
    """Hosts whose case is not closed."""
    return {case.host for case in run.cases if case.status != "closed"}
