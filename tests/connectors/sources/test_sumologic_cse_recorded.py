"""Cloud SIEM over recorded answers: offline, without a socket, under the vendor's host name."""

from pathlib import Path

import pytest

from connectors.sources import sumologic_cse
from connectors.sources.sumologic_cse.findings import InsightFinding, WritePolicy, write_back
from playbook.errors import Unauthorized
from playbook.model.finding_update import FindingUpdate
from tests.emulators.cse import Behaviour, Tenant, serving
from tests.emulators.cse_objects import insight_of, signals_of
from tests.support.cse_fixtures import CREATED, DAY, SITE, a_day, reference, settings
from tests.support.sumo_fixtures import findings_of

VENDOR = "https://api.us2.sumologic.com"
BOT = reference()[0]


def connected(cassette, behaviour: Behaviour | None = None, each: int = 100, **change):
    """A source under the vendor's name, with the credentials that a recording hides."""
    keys = {"access_id": cassette.secret("SUMO_ACCESS_ID"), "access_key": cassette.secret("SUMO_ACCESS_KEY")}
    signals = signals_of(a_day(), CREATED, each)
    tenant = Tenant(signals, [insight_of("i-1", [one["id"] for one in signals], CREATED)], behaviour)
    url = cassette.site(VENDOR, serving(tenant))
    return sumologic_cse.connect("cse", settings(url + "/api/sec/v1/", **keys, **change), SITE, Path(), cassette.clocks)


def test_fetch_traffic_and_the_way_back(cassette) -> None:
    source = connected(cassette)
    (got,) = source.fetch(None)
    assert got.detections == reference() and got.health.complete
    assert {t.detection_id for t in source.traffic(got.detections).tuples} >= {BOT.detection_id}
    (finding,) = findings_of(got, BOT.detection_id, InsightFinding)
    outcome = FindingUpdate(
        case_id="C-0123456789ab", disposition="FALSE_POSITIVE", reason="a wrong query", fault="query"
    )
    first = write_back(source.wire, finding, outcome, WritePolicy(close_in_siem=True))
    assert (first.did, first.status, first.resolution, first.tag) == (
        "written",
        "closed",
        "False Positive",
        "query-or-data",
    )
    assert write_back(source.wire, finding, outcome, WritePolicy(close_in_siem=True)).did == "already"


def test_pages_by_offset_with_a_limit_and_an_html_error_between(cassette) -> None:
    behaviour = Behaviour(page_cap=1, statuses={2: (429, {"Retry-After": "9"}), 4: (503, {})}, form="html")
    (got,) = connected(cassette, behaviour, paging="offset").fetch(DAY)
    assert got.detections == reference() and got.health.complete and 9.0 in cassette.slept


def test_a_refused_key(cassette) -> None:
    with pytest.raises(Unauthorized, match="check access_id and access_key") as told:
        connected(cassette, Behaviour(refuse=True)).fetch(DAY)
    assert "canary" not in str(told.value)


def test_check(cassette) -> None:
    assert [r.ok for r in connected(cassette, each=6).check()] == [True, True, True]
