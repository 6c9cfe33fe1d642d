"""Sumo Logic over a loopback tenant: the same detections as plain Python, complete or honestly incomplete."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.clients.sumologic import client
from connectors.sources._siem import coverage
from connectors.sources.sumologic import mapping
from connectors.sources.sumologic.search_job import JobGone
from playbook.config import resolve_secrets
from playbook.detections.beaconing import Scope
from playbook.detections.languages import sumo
from playbook.errors import BadAnswer, ConfigError, Incomplete, RateLimited, Unauthorized, Unreachable
from tests.emulators.sumo import JOBS, Behaviour, Tenant
from tests.emulators.sumo_records import Event, answer
from tests.support.siem_fixtures import only_what_has_an_address_is_told
from tests.support.sumo_fixtures import (
    DAY,
    END,
    EVENTS,
    HOSTILE_HOST,
    LAB,
    READY,
    SITE,
    FakeClock,
    fetched,
    reference,
    talking,
)

pytestmark = pytest.mark.loopback


def test_the_same_detections_as_plain_python() -> None:
    answer, _, _ = fetched()
    assert answer.detections == reference(EVENTS)
    assert len(answer.detections) == 5 and answer.health.complete and answer.health.rows_read == len(EVENTS)
    by_host = {d.host_text: d for d in answer.detections}
    assert not by_host["2001:db8:1::5"].total_bytes_sent and by_host["2001:db8:1::5"].bytes_known
    assert not by_host[HOSTILE_HOST.lower()].bytes_known


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(states=("NOT STARTED", "GATHERING RESULTS FROM SUBQUERIES", "DONE GATHERING HISTOGRAM")),
        Behaviour(states=(), page_cap=2),
        Behaviour(states=(), mixed_case=True),
        Behaviour(states=(), exponents=False),
        Behaviour(states=(), old_status=True),
        Behaviour(states=(), affinity=False),
        Behaviour(states=(), set_ids=("a/b?c#d%", "../x y")),
        Behaviour(states=(), statuses={2: (429, {}), 4: (429, {"Retry-After": "7"}), 6: (503, {}), 9: (500, {})}),
    ],
    ids=["states", "short pages", "mixed case", "no exponents", "old status", "no affinity", "odd ids", "429 and 5xx"],
)
def test_whatever_the_tenant_does_the_detections_are_the_same(behaviour: Behaviour) -> None:
    answer, tenant, _ = fetched(behaviour)
    assert answer.detections == reference(EVENTS) and answer.health.complete
    assert not tenant.jobs, "every job is deleted"


def test_the_default_window_ends_fifteen_minutes_before_now_in_epoch_milliseconds() -> None:
    answer, tenant, _ = fetched(window=None)
    body = tenant.bodies[0]
    assert answer.window == DAY and SITE.now - END == timedelta(minutes=15)
    assert (body["from"], body["to"]) == (int(DAY.start.timestamp()) * 1000, int(DAY.end.timestamp()) * 1000)
    assert body["requiresRawMessages"] is False and body["byReceiptTime"] is False and body["timeZone"] == "UTC"


@pytest.mark.parametrize(("count", "pages"), [(0, 0), (1, 1), (10_000, 1), (25_000, 3)])
def test_requests_are_the_minimum_that_paging_allows(count: int, pages: int) -> None:
    records = [{"src_ip": "no address", "row_count": n} for n in range(count)]
    tenant, clock = Tenant(EVENTS, READY, rows=records), FakeClock()
    seen: list[tuple[int, int]] = []
    with talking(tenant, clock, heartbeat=False) as source:
        (answer,) = source.fetch(DAY, lambda done, total: seen.append((done, total)))
    assert len(tenant.log) == 3 + pages  # create, one poll, the pages, delete
    assert answer.health.rows_rejected == count and len(seen) == pages
    assert not count or seen[-1] == (count, count)


def test_polls_back_off_from_one_second_to_fifteen_and_keep_the_job_alive() -> None:
    tenant, clock = Tenant(EVENTS, Behaviour(states=("GATHERING RESULTS",) * 7, keep_alive_s=20)), FakeClock()
    with talking(tenant, clock, heartbeat=False) as source:
        source.fetch(DAY)
    assert [s for s in clock.slept if s >= 0.9] == [1, 2, 4, 8, 15, 15, 15, 15]


def test_requests_keep_the_pace_that_is_set() -> None:
    _, tenant, clock = fetched(rate=0.5)
    assert clock.now >= 2.0 * (len(tenant.log) - 1)


def test_jobs_at_the_same_time_do_not_overwrite_each_others_cookie() -> None:
    tenant, clock = Tenant(EVENTS, Behaviour(states=(), page_cap=2)), FakeClock()
    inner = []
    with talking(tenant, clock, heartbeat=False) as source:

        def between_pages(done: int, total: int) -> None:
            if not inner:
                inner.append(None)
                inner[0] = source.fetch(DAY)[0]

        (outer,) = source.fetch(DAY, between_pages)
    assert outer.detections == inner[0].detections == reference(EVENTS)
    assert tenant.made == 2 and all(tenant.authorized), "no job was lost and created again; every call is signed"


def test_a_slow_drip_ends_with_the_deadline_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CALL_S", 0.6)
    with pytest.raises(Unreachable, match="deadline"):
        fetched(Behaviour(states=(), drip_s=0.02), heartbeat=False)


@pytest.mark.parametrize("lost", [404, 500])
def test_without_cookies_a_tenant_that_needs_them_is_a_clear_error(lost: int) -> None:
    with pytest.raises(JobGone, match="cookie"):
        fetched(Behaviour(states=(), lost_cookie=lost), use_cookies=False)


def test_a_job_that_expired_is_created_once_more() -> None:
    tenant, clock = Tenant(EVENTS, Behaviour(states=("GATHERING RESULTS",), keep_alive_s=1.5)), FakeClock()
    with talking(tenant, clock, heartbeat=False) as source, pytest.raises(JobGone):
        source.fetch(DAY)
    assert [method for method, path in tenant.log if path == JOBS] == ["POST", "POST"], "once more, not for ever"
    answer, tenant, _ = fetched(Behaviour(states=(), statuses={2: (404, {})}), heartbeat=False)
    assert answer.detections == reference(EVENTS) and tenant.made == 2


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        (Behaviour(states=(), errors={1: ["Field dst_ip not found"]}), Incomplete, "Field dst_ip not found"),
        (Behaviour(errors={1: ["first"]}), Incomplete, "first"),
        (Behaviour(states=(), final="CANCELLED"), Incomplete, "CANCELLED"),
        (Behaviour(states=(), final="FORCE PAUSED"), Incomplete, "FORCE PAUSED"),
        (Behaviour(states=("PAUSED",)), Incomplete, "PAUSED"),
        (Behaviour(states=("GATHERING RESULTS",) * 99), Incomplete, "deadline"),
        (
            Behaviour(moved="https://api.us2.sumologic.com/api/v1/search/jobs"),
            ConfigError,
            'base_url = "https://api.us2.sumologic.com"',
        ),
        (Behaviour(moved="https://evil.example/api/v1/search/jobs"), BadAnswer, "not followed"),
        (Behaviour(moved="http://api.us2.sumologic.com/x"), BadAnswer, "not followed"),
        (Behaviour(refuse=True), Unauthorized, "access_id and access_key"),
        (Behaviour(statuses={n: (403, {}) for n in range(1, 9)}), Unauthorized, "Download Search Results"),
        (Behaviour(statuses={n: (429, {}) for n in range(1, 9)}), RateLimited, "429"),
        (Behaviour(statuses={1: (503, {})}), Unreachable, "503"),
        (Behaviour(states=(), results="<html>maintenance</html>"), BadAnswer, "expected JSON"),
        (Behaviour(states=(), results="x" * 17_000_000), BadAnswer, "16777216 bytes"),
        (Behaviour(states=(), results='{"records": [{"map": {"A": "1", "a": "2"}}]}'), BadAnswer, "both called"),
        (Behaviour(states=(), results='{"records": {"map": 1}}'), BadAnswer, "records"),
    ],
)
def test_what_cannot_be_believed_is_an_error_with_its_reason(behaviour: Behaviour, error: type, words: str) -> None:
    with pytest.raises(error, match=words.replace(".", r"\.")) as told:
        fetched(behaviour, heartbeat=False, deadline_s=60)
    assert "testkey" not in str(told.value) and "dGVzdGtle" not in str(told.value)


def test_a_create_that_got_no_clear_answer_is_never_repeated() -> None:
    tenant, clock = Tenant(EVENTS, Behaviour(statuses={1: (500, {})})), FakeClock()
    with talking(tenant, clock) as source, pytest.raises(Unreachable):
        source.fetch(DAY)
    assert tenant.log == [("POST", JOBS)]


def test_the_login_throttle_is_waited_out_once_for_a_key_that_worked() -> None:
    answer, _, clock = fetched(Behaviour(states=(), statuses={3: (401, {})}))
    assert answer.health.complete and 5.0 in clock.slept
    with pytest.raises(Unauthorized):
        fetched(Behaviour(states=(), statuses={3: (401, {}), 4: (401, {})}), heartbeat=False)


def test_a_failed_job_is_deleted_too() -> None:
    tenant, clock = Tenant(EVENTS, Behaviour(states=(), final="CANCELLED")), FakeClock()
    with talking(tenant, clock) as source, pytest.raises(Incomplete):
        source.fetch(DAY)
    assert not tenant.jobs and tenant.log[-1][0] == "DELETE"


def test_a_delete_that_fails_changes_nothing() -> None:
    answer, _, _ = fetched(Behaviour(states=(), statuses={4: (404, {})}), heartbeat=False)
    assert answer.detections == reference(EVENTS)


def test_warnings_are_carried_and_the_cookie_notice_is_not() -> None:
    answer, _, _ = fetched(Behaviour(warnings={1: ["isPrivateIP: \x1b[31minvalid"], 2: ["more"]}))
    assert [w for w in answer.health.warnings if "isPrivateIP" in w] == ["isPrivateIP:  [31minvalid"]
    assert "more" in answer.health.warnings and not any("cookies" in w for w in answer.health.warnings)


def test_fewer_rows_than_reported_is_incomplete() -> None:
    answer, _, _ = fetched(Behaviour(states=(), overstated=3), heartbeat=False)
    assert not answer.health.complete
    assert "the search reported 8 rows, 5 were returned" in answer.health.warnings
    assert answer.detections == reference(EVENTS)


@pytest.mark.parametrize(
    ("events", "scopes", "words"),
    [
        ([], (), "scope unproven"),
        (EVENTS, ("other",), "scope unproven"),
        (EVENTS[-1200:], (), "scope proven by 1200"),
    ],
)
def test_no_rows_never_reads_like_no_beaconing(events, scopes, words) -> None:
    answer, _, _ = fetched(Behaviour(states=(), scopes=scopes), events, scope="_sourceCategory=mine")
    assert not answer.detections
    assert any(w.startswith("0 rows") and words in w for w in answer.health.warnings)
    assert answer.health.complete is (words != "scope unproven" and not answer.health.silent_hours)


def test_a_silent_source_is_incomplete() -> None:
    early = [e for e in EVENTS if e.start < (END - timedelta(hours=3)).timestamp()]
    answer, _, _ = fetched(events=early)
    assert not answer.health.complete and len(answer.health.silent_hours) == 3
    assert sum("source silent" in w for w in answer.health.warnings) == 2
    gap = [e for e in EVENTS if not 5 <= (e.start - DAY.start.timestamp()) / 3600 < 6]
    answer, _, _ = fetched(events=gap)
    assert answer.health.silent_hours == (DAY.start + timedelta(hours=5),) and not answer.health.complete


def test_a_heartbeat_that_fails_does_not_lose_the_detections() -> None:
    answer, _, _ = fetched(Behaviour(states=(), statuses={5: (503, {})}))
    assert answer.detections == reference(EVENTS) and not answer.health.complete
    assert any("could not be counted" in w for w in answer.health.warnings)


def test_traffic_gives_every_start_second_with_its_size() -> None:
    tenant, clock = Tenant(EVENTS, READY), FakeClock()
    with talking(tenant, clock) as source:
        (answer,) = source.fetch(None)
        asked = len(tenant.log)
        traffic = source.traffic(answer.detections)
    assert len(tenant.log) - asked == 12, "one job each for start times, destinations and hosts"
    assert sum(t.start_times is not None for t in traffic.tuples) == 5 and len(traffic.coverage[0].hours) == 24
    for detection in answer.detections:
        own = next(t for t in traffic.tuples if t.detection_id == detection.detection_id)
        starts = [e for e in EVENTS if e.key == coverage.key_of(detection)]
        assert own.start_times == tuple(sorted({int(e.start) for e in starts})) and own.starts_complete
        known = all(e.bytes_sent is not None for e in starts)
        assert own.sizes == (tuple(e.bytes_sent for e in starts) if known else None)
        assert sum(h.connections for h in own.hourly) == detection.connections


def test_no_host_name_reaches_a_query() -> None:
    tenant, clock = Tenant(EVENTS, READY), FakeClock()
    with talking(tenant, clock) as source:
        source.traffic(source.fetch(DAY)[0].detections)
    assert not any("delete" in body["query"] or "back" in body["query"] for body in tenant.bodies)


def test_a_target_that_is_no_address_is_not_asked_for_and_said_so() -> None:
    tenant, clock = Tenant(EVENTS, READY), FakeClock()
    with talking(tenant, clock) as source:
        found = source.fetch(DAY)[0].detections
        assert only_what_has_an_address_is_told(source, found)


def test_traffic_that_cannot_be_had_is_unknown_not_empty() -> None:
    tenant, clock = Tenant(EVENTS, READY), FakeClock()
    with talking(tenant, clock) as source:
        found = source.fetch(DAY)[0].detections
        tenant.behaviour = Behaviour(states=(), final="CANCELLED")
        traffic = source.traffic(found)
    assert not traffic.tuples and any("CANCELLED" in text for text in traffic.unknown)


@given(host=st.text(max_size=40) | st.sampled_from([HOSTILE_HOST, '" | delete', "`id`", "\\", "a\n| count"]))
def test_any_host_name_comes_through_whole_and_never_into_a_follow_up(host: str) -> None:
    start = int(DAY.start.timestamp())
    events = [Event(start + n * 600, "10.0.0.44", "203.0.113.5", 4444, host, 8, 9) for n in range(100)]
    records = answer(sumo.detection(), events, start * 1000, (start + 86400) * 1000)
    given_rows = [{name: str(value) for name, value in record.items()} for record in records]
    found, read = mapping.detections(given_rows, Scope(source="sumo", lab=LAB))
    assert len(found) + read.rejected == 1
    assert all(d.hostname in (host.strip(), "") for d in found)
    follow_up = sumo.traffic([sumo.tuple_key(d.src_ip, d.dst_ip, d.dst_port) for d in found])
    assert follow_up == sumo.traffic(["10.0.0.44 203.0.113.5 4444"][: len(found)])


def test_a_refused_key_names_its_variables_and_never_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUMO_ID", "suSECRETid")
    monkeypatch.setenv("SUMO_KEY", "keySECRET")
    table = resolve_secrets({"access_id_env": "SUMO_ID", "access_key_env": "SUMO_KEY"}, "playbook.toml", "sources.sumo")
    with pytest.raises(Unauthorized, match="check SUMO_ID and SUMO_KEY") as told:
        fetched(Behaviour(refuse=True), **table)
    assert "SECRET" not in str(told.value)
