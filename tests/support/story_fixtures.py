"""What the stories of the three SIEMs share: the connections of the sample day, and a run of its configuration."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import playbook.sample
from connectors.sources import splunk, sumologic, sumologic_cse
from playbook import config
from playbook.assembly import Assembled, assemble
from playbook.detections.beaconing import Event
from playbook.model.case import Run
from playbook.model.detection import Detection, TimeWindow
from playbook.respond import respond
from playbook.simulate.sample_day import START, simulate
from tests.support.sumo_fixtures import FakeClock

SAMPLE = Path(next(iter(playbook.sample.__path__)))
CONNECTIONS = "logs/conn.log.gz"
# The day is named, as a log would name it.
SAMPLE_DAY = TimeWindow(start=datetime.fromtimestamp(START, UTC), end=datetime.fromtimestamp(START + 86_400, UTC))


@cache
def sample_events() -> tuple[Event, ...]:
    """The connections of the sample day as a SIEM holds them, each session once."""
    return tuple(
        Event(
            c.ts,
            c.src_ip,
            c.dst_ip,
            c.dst_port,
            "",
            c.src_port,
            c.proto,
            1,
            c.orig_ip_bytes,
            c.resp_ip_bytes,
            c.orig_ip_bytes + c.resp_ip_bytes,
            service=c.service or "",
        )
        for c in simulate().telemetry.connections
    )


@contextmanager
def without_waiting() -> Iterator[None]:
    """Pauses and rate filters of the three SIEM connectors take no time."""
    with pytest.MonkeyPatch.context() as patch:
        for connector in (splunk, sumologic, sumologic_cse):
            _, *more = connector.connect.__defaults__ or ()
            patch.setattr(connector.connect, "__defaults__", (FakeClock().clocks, *more))
        yield


def wired(**table: Any) -> Assembled:
    """The sample's configuration over another source."""
    file = SAMPLE / "sample.toml"
    with without_waiting():
        return assemble(config.read(file), str(file), ("sample", table), datetime(2026, 11, 1, tzinfo=UTC))


def run_over(made: Assembled) -> Run:
    """A run over the sample day."""
    return respond(made.toolkit, made.site, made.terms, SAMPLE_DAY)


@cache
def over_log() -> Run:
    """The run over the connection log alone."""
    return run_over(wired(kind="logs", paths=[CONNECTIONS]))


def cases_of(run: Run) -> set[tuple[str, ...]]:
    """Every case with its verdict and the digest of its plan."""
    return {
        (
            c.case_id,
            c.host,
            *c.addresses,
            c.verdict.disposition,
            c.verdict.confidence,
            c.status,
            c.plan.digest if c.plan else "",
        )
        for c in run.cases
    }


def filtered_of(run: Run) -> set[str]:
    """What the filters took out; a reason may name the log."""
    return {one.model_dump_json(exclude={"reason"}) for one in run.filtered}


def detections_of(run: Run) -> set[Detection]:
    """Every detection of a case; the size of NTP packets is in no SIEM."""
    return {one.enriched.detection.model_copy(update={"ntp_sized": None}) for c in run.cases for one in c.detections}


def evidence_of(run: Run) -> set[tuple[str, ...]]:
    """Which rules spoke for which detection, how strongly, and on whose word."""
    return {
        (one.enriched.detection.detection_id, e.rule, e.leans, e.strength, *sorted({f.written_by for f in e.facts}))
        for case in run.cases
        for one in case.detections
        for e in one.verdict.evidence
    }


def alike(run: Run, other: Run) -> bool:
    """Whether both runs found, judged and propose the same. Fails with the first difference."""
    assert cases_of(run) == cases_of(other)
    assert filtered_of(run) == filtered_of(other)
    assert detections_of(run) == detections_of(other)
    return True
