"""Sumo Logic over recorded answers: offline, without a socket, under the vendor's host name."""

from pathlib import Path

import pytest

from connectors.sources import sumologic
from connectors.sources._siem import coverage
from playbook.errors import ConfigError, Incomplete, Unauthorized
from tests.emulators.sumo import Behaviour, Tenant, serving
from tests.emulators.sumo_records import Event
from tests.support.sumo_fixtures import DAY, HOSTILE_HOST, SITE, reference, settings

VENDOR = "https://api.us2.sumologic.com"
START = DAY.start.timestamp()
EVENTS = [
    *(Event(START + n * 900 + n % 7, "10.0.0.31", "203.0.113.66", 6667, "cam-1", 215, 197) for n in range(96)),
    *(Event(START + n * 1800, "10.0.0.44", "203.0.113.5", 4444, HOSTILE_HOST, 90_000_000, None) for n in range(48)),
    *(Event(START + n * 3000, "2001:db8:1::5", "2001:db8::c2", 6697, bytes_total=400) for n in range(28)),
]


def connected(cassette, behaviour: Behaviour | None = None, events: list[Event] = EVENTS, **change):
    """A source under the vendor's name, with the credentials that a recording hides."""
    keys = {"access_id": cassette.secret("SUMO_ACCESS_ID"), "access_key": cassette.secret("SUMO_ACCESS_KEY")}
    url = cassette.site(VENDOR, serving(Tenant(events, behaviour)))
    return sumologic.connect("sumo", settings(url + "/api/v1/", **keys, **change), SITE, Path(), cassette.clocks)


def test_fetch_and_traffic(cassette) -> None:
    source = connected(cassette)
    (fetched,) = source.fetch(None)
    assert fetched.detections == reference(EVENTS) and len(fetched.detections) == 3
    assert fetched.health.complete and fetched.health.rows_read == len(EVENTS)
    traffic = source.traffic(fetched.detections)
    assert {t.detection_id for t in traffic.tuples} == {d.detection_id for d in fetched.detections}
    bot = next(d for d in fetched.detections if d.hostname == "cam-1")
    own = next(t for t in traffic.tuples if t.detection_id == bot.detection_id)
    assert own.sizes == (215,) * 96 and own.start_times[0] == START
    assert [coverage.key_of(d)[0] for d in fetched.detections].count(HOSTILE_HOST) == 1


def test_short_pages_mixed_case_and_no_usage_details(cassette) -> None:
    behaviour = Behaviour(page_cap=1, mixed_case=True, old_status=True)
    (fetched,) = connected(cassette, behaviour, heartbeat=False).fetch(DAY)
    assert fetched.detections == reference(EVENTS)


def test_rate_limit_and_html_503_are_waited_out(cassette) -> None:
    behaviour = Behaviour(states=(), statuses={1: (429, {"Retry-After": "9"}), 3: (503, {}), 5: (429, {})})
    (fetched,) = connected(cassette, behaviour, heartbeat=False).fetch(DAY)
    assert fetched.detections == reference(EVENTS)
    assert 9.0 in cassette.slept and any(5.0 <= s <= 6.0 for s in cassette.slept)


def test_a_failed_search_is_not_an_empty_one(cassette) -> None:
    behaviour = Behaviour(states=("GATHERING RESULTS",), errors={2: ["Field dest_ip not found"]})
    with pytest.raises(Incomplete, match="Field dest_ip not found"):
        connected(cassette, behaviour, events=[]).fetch(DAY)


def test_no_rows(cassette) -> None:
    (fetched,) = connected(cassette, Behaviour(states=()), events=[]).fetch(DAY)
    assert not fetched.health.complete and not fetched.detections
    assert fetched.health.warnings[0].startswith("0 rows, scope unproven")


def test_another_deployment_is_named(cassette) -> None:
    with pytest.raises(ConfigError, match=r'set base_url = "https://api\.eu\.sumologic\.com"'):
        connected(cassette, Behaviour(moved="https://api.eu.sumologic.com/api/v1/search/jobs")).fetch(DAY)


def test_a_refused_key(cassette) -> None:
    with pytest.raises(Unauthorized, match="check access_id and access_key") as told:
        connected(cassette, Behaviour(refuse=True)).fetch(DAY)
    assert "canary" not in str(told.value)


def test_check(cassette) -> None:
    results = connected(cassette, Behaviour(states=())).check()
    assert [r.ok for r in results] == [True, True, True]
