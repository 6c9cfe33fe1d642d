"""The same day told by Splunk: rendered searches run by an interpreter, and whole runs against those over the log."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from pydantic import SecretStr

import playbook.sample
from playbook import config
from playbook.assembly import assemble
from playbook.detections.beaconing import Event, score_events
from playbook.model.case import Run
from playbook.model.detection import TimeWindow
from playbook.respond import respond
from playbook.simulate.day import START, simulate
from tests.connectors.splunk_bench import DAY, HOSTILE_HOST, SCOPE, FakeClock, talking
from tests.emulators.splunk import Behaviour, Server, running
from tests.interpreters.telemetry import WRITERS, told

pytestmark = pytest.mark.loopback
SAMPLE = Path(next(iter(playbook.sample.__path__))) / "sample.toml"
MIDNIGHT = DAY.start.timestamp()


def small_day() -> list[Event]:
    """A bot, one that is blocked, one without byte counters, IPv6, and one below the threshold."""
    made = [Event(MIDNIGHT + n * 900, "10.0.0.31", "203.0.113.66", 6667, "cam-1", n, "tcp", 1, 215, 197, 412,
                  process_name=("a", "b")[n % 2]) for n in range(96)]
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
    assert [len(t.start_times or ()) for t in traffic.tuples] == [
        d.connections for d in sorted(expected, key=lambda d: d.connections) if not d.blocked]
    assert all(result.ok for result in checked), checked


def sample_events() -> list[Event]:
    """The connections of the sample day as an index holds them, each session once."""
    return [
        Event(c.ts, c.src_ip, c.dst_ip, c.dst_port, "", c.src_port, c.proto, 1, c.orig_ip_bytes, c.resp_ip_bytes,
              c.orig_ip_bytes + c.resp_ip_bytes, service=c.service or "")
        for c in simulate().telemetry.connections
    ]


def run_over(**table: object) -> Run:
    """A run of the sample's configuration over another source; its day is named, as a log would name it."""
    read = config.read(SAMPLE)
    day = TimeWindow.model_validate({"start": datetime.fromtimestamp(START, UTC),
                                     "end": datetime.fromtimestamp(START + 86_400, UTC)})
    made = assemble(read, str(SAMPLE), ("sample", dict(table)), datetime(2026, 11, 1, tzinfo=UTC))
    return respond(made.toolkit, made.site, made.terms, day)


@cache
def runs() -> tuple[Run, Run]:
    """The run over the connection log alone, and the run over Splunk with the same connections."""
    over_log = run_over(kind="logs", paths=["logs/conn.log.gz"])
    with running(Server(sample_events(), Behaviour(states=()))) as url:
        over_splunk = run_over(kind="splunk", base_url=url, token=SecretStr("t"), preset="raw", rate=50)
    return over_log, over_splunk


def test_splunk_and_the_log_give_the_same_detections_cases_and_plans() -> None:
    over_log, over_splunk = runs()
    outcome = [
        {(c.case_id, c.host, c.verdict.disposition, c.status, c.plan.digest if c.plan else "") for c in run.cases}
        for run in (over_log, over_splunk)
    ]
    assert outcome[0] == outcome[1] and len(outcome[0]) > 10 and any(c.plan for c in over_log.cases)
    assert {g.model_dump_json(exclude={"reason"}) for g in over_log.gated} == {
        g.model_dump_json(exclude={"reason"}) for g in over_splunk.gated}
    assert over_splunk.complete


def test_each_detection_is_the_same_to_the_byte() -> None:
    counted = [
        {d.enriched.detection.model_copy(update={"ntp_sized": None}) for c in run.cases for d in c.detections}
        for run in runs()
    ]
    assert counted[0] == counted[1] and len(counted[0]) > 15
