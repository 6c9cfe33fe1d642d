"""fetch, judge and propose over the Search Job API, one by one, as a platform strings them together."""

from dataclasses import dataclass

import pytest

from playbook.actions import find
from playbook.actions._detection_fields import flat
from playbook.assembly import ActionContext
from playbook.config import Config, Table
from playbook.model.site import Networks
from playbook.ports import DetectionSource
from tests.emulators.sumo import Tenant
from tests.support.sumo_fixtures import DAY, LAB, SITE, FakeClock, a_day, reference, talking

pytestmark = pytest.mark.loopback


@dataclass(frozen=True)
class Linked(ActionContext):
    """The real thing over a source that is connected already."""

    connected: DetectionSource

    def source(self, table: tuple[str, Table]) -> DetectionSource:
        return self.connected


def test_a_row_from_the_api_is_judged_with_its_traffic_and_a_plan_follows():
    events = a_day()
    config = Config(networks=Networks(lab=LAB), sources={"sumo": {"kind": "sumologic"}})
    with talking(Tenant(events), FakeClock()) as source:
        outside = Linked(config, "test.toml", SITE.now, SITE, source)
        window = {"start": DAY.start.isoformat(), "end": DAY.end.isoformat()}
        fetched = find("fetch_detections").run(window, outside)
        assert fetched.complete, fetched.warnings
        assert fetched.rows == tuple(flat(detection) for detection in reference(events))
        row = next(row for row in fetched.rows if row.services == "irc").model_dump()
        judged = find("judge_detection").run(row, outside)
        proposed = find("propose_response").run(row, outside)
    (verdict,) = judged.rows
    assert (verdict.disposition, verdict.detection_id) == ("TRUE_POSITIVE", row["detection_id"])
    assert "beacon score" in verdict.reasons
    assert [(step.kind, step.target) for step in proposed.rows] == [("block_pair", "10.0.0.31>203.0.113.66:6667")]
