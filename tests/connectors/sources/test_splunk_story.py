"""The same day told by Splunk: rendered searches run by an interpreter, and whole runs against those over the log."""

from functools import cache

import pytest
from pydantic import SecretStr

from playbook.detections.beaconing import Event, score_events
from playbook.model.case import Run
from tests.emulators.splunk import Behaviour, Server, running
from tests.interpreters.telemetry import WRITERS, told
from tests.support.splunk_fixtures import DAY, HOSTILE_HOST, SCOPE, FakeClock, talking
from tests.support.story_fixtures import alike, detections_of, evidence_of, over_log, run_over, sample_events, wired

pytestmark = pytest.mark.loopback
MIDNIGHT = DAY.start.timestamp()


def small_day() -> list[Event]:
    """A bot, one that is blocked, one without byte counters, IPv6, and one below the threshold."""
    made = [
        Event(
            MIDNIGHT + n * 900,
            "10.0.0.31",
            "203.0.113.66",
            6667,
            "cam-1",
            n,
            "tcp",
            1,
            215,
            197,
            412,
            process_name=("a", "b")[n % 2],
        )
        for n in range(96)
    ]
    made += [Event(MIDNIGHT + n * 600, "10.0.0.44", "203.0.113.5", 4444, HOSTILE_HOST, n) for n in range(40)]
    made += [Event(MIDNIGHT + n * 900, "10.0.0.77", "203.0.113.9", 443, denied=True, src_port=n) for n in range(30)]
    made += [Event(MIDNIGHT + n * 900, "2001:db8:1::5", "2001:db8::c2", 6697, "", n, bytes_total=9) for n in range(30)]
    return made + [Event(MIDNIGHT + n * 900, "10.0.0.8", "203.0.113.7", 6667, "", n) for n in range(19)]


@pytest.mark.parametrize("preset", sorted(WRITERS))
def test_the_rendered_searches_give_what_plain_python_gives(preset: str) -> None:
    indexed = [row for event in small_day() for row in WRITERS[preset](event)]
    with talking(Server(behaviour=Behaviour(states=()), indexed=indexed), FakeClock(), preset=preset) as source:
        (got,) = source.fetch(DAY)
        traffic = source.traffic([d for d in got.detections if not d.blocked])
        checked = source.check()
    expected = score_events(told(preset, small_day()), SCOPE)
    assert got.detections == expected and len(expected) >= 3
    assert got.health.rows_read == len(indexed) and got.health.rows_rejected == 0
    assert {t.detection_id: len(t.start_times or ()) for t in traffic.tuples} == {
        d.detection_id: d.connections for d in expected if not d.blocked
    }
    assert all(result.ok for result in checked), checked


@cache
def over_splunk() -> Run:
    """The run over Splunk with the connections of the log."""
    with running(Server(sample_events(), Behaviour(states=()))) as url:
        return run_over(wired(kind="splunk", base_url=url, token=SecretStr("t"), preset="raw", rate=50))


def test_splunk_and_the_log_give_the_same_detections_cases_and_plans() -> None:
    run = over_splunk()
    assert alike(run, over_log()) and run.complete
    assert len(run.cases) > 10 and any(case.plan for case in run.cases) and len(detections_of(run)) > 15


def test_the_rules_say_the_same_of_each_detection() -> None:
    here, there = evidence_of(over_splunk()), evidence_of(over_log())
    assert here == there and {"prevalent_destination", "host_attack"} <= {rule for _, rule, *_ in here}
