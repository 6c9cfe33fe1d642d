"""The same day told by Cloud SIEM: its connections as signals give what the log of them gives, and the way back."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from pydantic import SecretStr

import playbook.sample
from playbook import config
from playbook.assembly import Assembled, assemble
from playbook.detections.beaconing import Event
from playbook.model.case import Run
from playbook.model.detection import TimeWindow
from playbook.model.outcome import Outcome
from playbook.respond import respond
from playbook.simulate.day import START, simulate
from tests.emulators.cse import Tenant, running
from tests.emulators.cse_objects import insight_of, signals_of

pytestmark = pytest.mark.loopback
SAMPLE = Path(next(iter(playbook.sample.__path__))) / "sample.toml"


def sample_events() -> list[Event]:
    """The connections of the sample day as normalized records hold them."""
    return [
        Event(c.ts, c.src_ip, c.dst_ip, c.dst_port, "", c.src_port, c.proto, 1, c.orig_ip_bytes, c.resp_ip_bytes,
              c.orig_ip_bytes + c.resp_ip_bytes, service=c.service or "")
        for c in simulate().telemetry.connections
    ]


def wired(**table: object) -> Assembled:
    """The sample's configuration over another source."""
    read = config.read(SAMPLE)
    return assemble(read, str(SAMPLE), ("sample", dict(table)), datetime(2026, 11, 1, tzinfo=UTC))


def run_over(made: Assembled) -> Run:
    """A run over the day, named as a log would name it."""
    day = TimeWindow.model_validate({"start": datetime.fromtimestamp(START, UTC),
                                     "end": datetime.fromtimestamp(START + 86_400, UTC)})
    return respond(made.toolkit, made.site, made.terms, day)


@cache
def runs() -> tuple[Run, Run, Tenant]:
    """The run over the connection log alone, the run over Cloud SIEM, and the tenant after its outcome went back."""
    over_log = run_over(wired(kind="logs", paths=["logs/conn.log.gz"]))
    signals = signals_of(sample_events(), START + 80_000.0)
    tenant = Tenant(signals, [insight_of("1", [one["id"] for one in signals], START + 85_000.0)])
    with running(tenant) as url:
        made = wired(kind="sumologic_cse", base_url=url, access_id=SecretStr("id"), access_key=SecretStr("key"), rate=4)
        over_cse = run_over(made)
        case = next(c for c in over_cse.cases if c.plan)
        outcome = Outcome(case_id=case.case_id, disposition="TRUE_POSITIVE", reason="measured")
        made.toolkit.source.write_back(over_cse.findings[0].reference, outcome, True)
    return over_log, over_cse, tenant


def test_cloud_siem_and_the_log_give_the_same_cases_verdicts_and_plans() -> None:
    outcome = [
        {(c.case_id, c.host, c.verdict.disposition, c.status, c.plan.digest if c.plan else "") for c in run.cases}
        for run in runs()[:2]
    ]
    assert outcome[0] == outcome[1] and len(outcome[0]) > 10 and any(c.plan for c in runs()[0].cases)
    gated = [{g.model_dump_json(exclude={"reason"}) for g in run.gated} for run in runs()[:2]]
    assert gated[0] == gated[1]
    assert runs()[1].complete


def test_each_detection_is_the_same_to_the_byte() -> None:
    counted = [
        {d.enriched.detection.model_copy(update={"ntp_sized": None}) for c in run.cases for d in c.detections}
        for run in runs()[:2]
    ]
    assert counted[0] == counted[1] and len(counted[0]) > 15


def test_the_outcome_is_written_to_the_insight_behind_the_case() -> None:
    tenant = runs()[2]
    assert tenant.insights[0]["status"]["name"] == "inprogress" and len(tenant.comments["1"]) == 1
    assert tenant.writes == ["/api/sec/v1/insights/1/status", "/api/sec/v1/insights/1/comments"]
