"""Cloud SIEM over an emulator: paging that moves, late insights, records told several times, errors in every form."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors.sources.sumologic_cse.findings import InsightFinding
from connectors.sources.sumologic_cse.pagination import created_during
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Unauthorized, Unreachable
from playbook.model.detection import Fetched
from tests.emulators.cse import Behaviour, Tenant
from tests.emulators.cse_objects import insight_of, record_of, signal_of, signals_of
from tests.support.cse_fixtures import (
    CREATED,
    DAY,
    END,
    HOSTILE_HOST,
    SITE,
    START,
    FakeClock,
    a_day,
    reference,
    settings,
    talking,
)
from tests.support.sumo_fixtures import findings_of

pytestmark = pytest.mark.loopback
SIGNALS = tuple(signals_of(a_day(), CREATED, each=6))  # 46 signals: three pages of 20
BOT = reference()[0]


def fetched(tenant: Tenant, clock: FakeClock | None = None, **change: Any) -> Fetched:
    """One fetch of the day."""
    with talking(tenant, clock, **change) as source:
        (got,) = source.fetch(DAY)
    return got


def test_a_day_of_signals_gives_what_plain_python_gives() -> None:
    tenant = Tenant(SIGNALS)
    got = fetched(tenant)
    assert got.detections == reference() and len(reference()) >= 4
    assert got.health.complete and got.health.rows_read == len(a_day()) and not got.health.rows_rejected
    assert got.health.newest_event == max(d.last_seen for d in reference())
    assert any("fired none of its rules" in warning for warning in got.health.warnings)
    assert [path for _, path in tenant.log] == ["/api/sec/v1/signals"] * 3 + ["/api/sec/v1/insights/all"]
    assert {d.hostname for d in got.detections} >= {HOSTILE_HOST, "cam-1"} and not tenant.writes


@pytest.mark.parametrize("paging", ["token", "offset"])
def test_both_forms_of_paging_and_a_cap_below_what_was_asked(paging: str) -> None:
    insights = [insight_of(f"i{n:02d}", ["s-0000"], CREATED) for n in range(50)]  # all of one instant
    tenant = Tenant(SIGNALS, insights, Behaviour(page_cap=19))
    with talking(tenant, paging=paging, page_size=100) as source:
        (got,) = source.fetch(DAY)
        found = findings_of(got, BOT.detection_id, InsightFinding)
    assert len(found) == 50 == len({finding.insight_id for finding in found})
    asked = [params for params, (_, path) in zip(tenant.asked, tenant.log, strict=True) if "insights" in path]
    assert len(asked) == 3
    assert [p.get("offset") for p in asked] == (["0", "19", "38"] if paging == "offset" else [None] * 3)


def test_a_list_that_is_ordered_anew_with_every_page_is_read_again() -> None:
    alike = [one | {"created": SIGNALS[0]["created"]} for one in SIGNALS]
    tenant = Tenant(alike, behaviour=Behaviour(restless=True))
    got = fetched(tenant)
    assert got.detections == reference() and got.health.complete
    assert [path for _, path in tenant.log].count("/api/sec/v1/signals") == 6


def test_what_never_came_is_said_though_it_was_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.emulators.cse._Handler._by_offset",
        lambda *_: {"objects": [SIGNALS[0]], "hasNextPage": False, "total": 2},
    )
    got = fetched(Tenant())
    assert not got.health.complete and any("2 were announced, 1 came" in w for w in got.health.warnings)


def test_a_list_that_grows_while_it_is_paged_loses_nothing_and_counts_nothing_twice() -> None:
    early = [one | {"id": f"new-{one['id']}", "created": "2026-11-23T00:00:01"} for one in SIGNALS[:5]]
    tenant = Tenant(SIGNALS[5:], behaviour=Behaviour(grows={2: early}))
    got = fetched(tenant)
    assert got.detections == reference() and got.health.rows_read == len(a_day())


def test_late_signals_and_insights_are_read_and_what_is_of_another_day_is_not_counted() -> None:
    late = (END + timedelta(minutes=14)).timestamp()
    stored = [one | {"created": "2026-11-24T00:14:00"} for one in SIGNALS]
    stored.append(signal_of("before", [record_of(a_day()[0]._replace(start=START - 5), "x")], CREATED))
    tenant = Tenant(stored, [insight_of("i", ["s-0000"], late)])
    with talking(tenant) as source:
        (got,) = source.fetch(DAY)
        assert [f.insight_id for f in findings_of(got, BOT.detection_id, InsightFinding)] == ["i"]
    assert got.detections == reference() and got.health.oldest_event >= DAY.start
    assert fetched(Tenant(stored), late_h=0).detections == ()


def test_the_query_reaches_from_before_the_window_to_now_but_not_beyond() -> None:
    given = settings("http://127.0.0.1:1", overlap_s=600, late_h=1)
    assert created_during(DAY, given, END + timedelta(days=3)) == (
        "created:2026-11-22T23:50:00+00:00..2026-11-24T01:00:00+00:00"
    )
    assert created_during(DAY, given, SITE.now).endswith("..2026-11-24T00:15:00+00:00")
    assert created_during(DAY, given, (END - timedelta(days=9)).astimezone(UTC)).endswith("..2026-11-24T00:00:00+00:00")


def test_a_signal_of_an_insight_that_was_not_listed_is_asked_for_by_its_id() -> None:
    old = signal_of("a/../b", SIGNALS[0]["allRecords"], START - 40 * 3600)
    tenant = Tenant([*SIGNALS[1:], old], [insight_of("i", ["a/../b", "gone"], CREATED)])
    with talking(tenant) as source:
        (got,) = source.fetch(DAY)
        assert [f.insight_id for f in findings_of(got, BOT.detection_id, InsightFinding)] == ["i"]
    assert got.detections == reference()
    assert not got.health.complete and any("1 signals could not be read: signal gone" in w for w in got.health.warnings)


def test_records_that_lists_do_not_carry_are_asked_for_singly() -> None:
    few = signals_of(a_day(), CREATED, each=24)
    tenant = Tenant(few, behaviour=Behaviour(listed_records=False))
    assert fetched(tenant).detections == reference() and len(tenant.log) == 2 + len(few) == 14


def test_records_that_never_come_leave_the_fetch_incomplete() -> None:
    tenant = Tenant([SIGNALS[0] | {"recordCount": 10}, *SIGNALS[1:]])
    got = fetched(tenant)
    assert got.detections == reference() and not got.health.complete
    assert "4 records of signals did not come along with them" in got.health.warnings


def test_one_record_of_several_signals_is_one_connection() -> None:
    twice = [one | {"id": f"other-{one['id']}", "ruleId": "MATCH-U2"} for one in SIGNALS]
    assert fetched(Tenant([*SIGNALS, *twice])).detections == reference()
    tenant = Tenant([*SIGNALS, *twice])
    assert fetched(tenant, rule_ids=["MATCH-U2"]).health.rows_read == len(a_day())
    assert tenant.asked[0]["q"].endswith(' ruleId:in("MATCH-U2")')


def test_every_fetch_reads_anew_so_that_nothing_is_lost_when_a_case_was_not_stored() -> None:
    tenant = Tenant(SIGNALS, [insight_of("i", ["s-0000"], CREATED)])
    with talking(tenant) as source:
        first, second = source.fetch(DAY), source.fetch(DAY)
        assert first == second and first[0].findings
    assert not tenant.writes and not tenant.comments and tenant.insights[0]["status"]["name"] == "new"


def test_no_signal_is_not_no_traffic() -> None:
    (got,) = (fetched(Tenant()),)
    assert not got.detections and not got.health.complete
    assert got.health.warnings[0].startswith("0 records: no signal about this window")


def test_more_signals_than_allowed_are_said() -> None:
    got = fetched(Tenant(SIGNALS), max_signals=20)
    assert not got.health.complete and any("more than 20 were announced" in w for w in got.health.warnings)


def test_one_object_that_cannot_be_read_is_counted_and_the_rest_is_used() -> None:
    bad = [SIGNALS[0] | {"id": "bad", "allRecords": "many"}, {"created": SIGNALS[0]["created"], "recordCount": 1}]
    got = fetched(Tenant([*SIGNALS, *bad], [insight_of("i", ["s-0000"], CREATED) | {"signals": 7}]))
    assert got.detections == reference() and got.health.rows_rejected == 3
    assert any("allRecords" in e for e in got.health.rejected_examples)
    assert any("insight i: signals" in e for e in got.health.rejected_examples)


def test_records_of_which_none_can_be_used_are_not_a_quiet_day() -> None:
    unreadable = [
        one | {"allRecords": [r | {"dstDevice_ip": "no address"} for r in one["allRecords"]]} for one in SIGNALS
    ]
    elsewhen = [one | {"allRecords": [r | {"timestamp": 1} for r in one["allRecords"]]} for one in SIGNALS]
    for signals in (unreadable, elsewhen):
        got = fetched(Tenant(signals))
        assert not got.detections and not got.health.complete and got.health.rows_read == len(a_day())
        assert any("records could be used" in warning for warning in got.health.warnings), got.health.warnings


def test_insights_that_cannot_be_read_leave_the_detections_and_are_said() -> None:
    failing = {n: (502, {}) for n in range(4, 9)}
    got = fetched(Tenant(SIGNALS, behaviour=Behaviour(statuses=failing, form="html")))
    assert got.detections == reference() and not got.health.complete
    assert any("insights could not be read" in w for w in got.health.warnings)


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        (Behaviour(refuse=True), Unauthorized, "check access_id and access_key"),
        (
            Behaviour(statuses={1: (403, {})}),
            Unauthorized,
            "having a bad day. .403.: it needs a role with View Cloud SIEM",
        ),
        (Behaviour(statuses={1: (400, {})}, form="code"), ConfigError, "having a bad day"),
        (Behaviour(statuses={1: (404, {})}, form="html"), ConfigError, "having a bad day. .404"),
        (Behaviour(statuses={n: (503, {}) for n in range(1, 9)}, form="html"), Unreachable, "503"),
        (
            Behaviour(statuses={n: (500, {}) for n in range(1, 9)}, form="html"),
            ConnectorError,
            "having a bad day. .500",
        ),
        (Behaviour(bodies={1: "<html>please log in</html>"}), BadAnswer, "expected JSON"),
        (
            Behaviour(bodies={1: '{"data": {"objects": []}, "errors": [{"message": "half an answer"}]}'}),
            BadAnswer,
            "half",
        ),
        (Behaviour(bodies={1: '{"data": null, "errors": []}'}), BadAnswer, "expected data"),
        (Behaviour(bodies={1: '{"data": [], "errors": []}'}), BadAnswer, "expected a page of /signals"),
        (Behaviour(bodies={1: '{"data": {"objects": {}}, "errors": []}'}), BadAnswer, "expected a list"),
    ],
)
def test_a_failure_is_told_and_never_reads_as_an_empty_day(behaviour: Behaviour, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        fetched(Tenant(SIGNALS, behaviour=behaviour))


def test_what_came_before_a_failure_is_used_and_the_rest_is_said() -> None:
    behaviour = Behaviour(statuses={n: (503, {}) for n in (2, 3, 4)}, form="html")
    got = fetched(Tenant(SIGNALS, behaviour=behaviour))
    assert BOT.dst_ip in {d.dst_ip for d in got.detections} and got.health.rows_read == 120
    assert not got.health.complete and any("20 came, then: " in w and "503" in w for w in got.health.warnings)


def test_signals_left_when_the_deadline_passes_are_counted() -> None:
    got = fetched(Tenant(SIGNALS, behaviour=Behaviour(listed_records=False)), rate=0.5, deadline_s=40)
    assert not got.health.complete and 0 < got.health.rows_read < len(a_day())
    assert any("signals could not be read" in w for w in got.health.warnings)


@pytest.mark.parametrize(
    "body",
    [
        '{"data": {"objects": [], "hasNextPage": true}, "errors": []}',
        '{"data": {"objects": [{"id": "x"}], "nextPageToken": "same"}, "errors": []}',
    ],
)
def test_a_list_that_never_ends_is_left_and_said(body: str) -> None:
    got = fetched(Tenant(behaviour=Behaviour(bodies={1: body, 2: body})))
    assert any("empty or repeated page" in w for w in got.health.warnings)


def test_a_limit_is_waited_out() -> None:
    clock = FakeClock()
    tenant = Tenant(SIGNALS, behaviour=Behaviour(statuses={1: (429, {"Retry-After": "9"}), 3: (500, {}), 5: (401, {})}))
    assert fetched(tenant, clock).detections == reference() and 9.0 in clock.slept
    assert tenant.logins == 1, "the session's cookie goes back with every further call"


def test_traffic_is_what_the_records_say_and_the_rest_is_unknown() -> None:
    with talking(Tenant(SIGNALS)) as source:
        (got,) = source.fetch(DAY)
        open_ones = [d for d in got.detections if not d.blocked]
        traffic = source.traffic(got.detections)
        fresh = source.traffic(()).tuples
    assert {t.detection_id for t in traffic.tuples} == {d.detection_id for d in open_ones}
    own = next(t for t in traffic.tuples if t.detection_id == BOT.detection_id)
    assert own.start_times == tuple(int(START + n * 900 + n % 7) for n in range(96)) and own.sizes == (215,) * 96
    assert (own.attempts, own.unanswered, own.names, own.hosts_using) == (None,) * 4 and not traffic.hosts
    assert len(traffic.coverage[0].hours) == 24 and any("no record holds" in text for text in traffic.unknown)
    assert fresh == ()


def test_traffic_without_a_fetch_reads_the_records_itself_or_says_why_not() -> None:
    with talking(Tenant(SIGNALS)) as source:
        assert [t.detection_id for t in source.traffic([BOT]).tuples] == [BOT.detection_id]
    with talking(Tenant(behaviour=Behaviour(refuse=True))) as source:
        assert any("could not be read" in text for text in source.traffic([BOT]).unknown)


def test_check_reads_the_words_of_the_tenant_and_one_signal() -> None:
    tenant = Tenant(SIGNALS)
    with talking(tenant) as source:
        results = source.check()
    assert [r.ok for r in results] == [True] * 3 and len(tenant.log) == 3 and not tenant.writes
    assert "new, inprogress, closed" in results[0].message and "False Positive" in results[1].message
    assert "6 records, 6 connections" in results[2].message


@pytest.mark.parametrize(
    ("tenant", "change", "outcome", "words"),
    [
        (Tenant(behaviour=Behaviour(refuse=True)), {}, [False, False], "check access_id"),
        (Tenant(behaviour=Behaviour(resolutions=("Done",))), {}, [True, False], "no 'False Positive' among Done: set"),
        (
            Tenant(behaviour=Behaviour(resolutions=("Done",))),
            {"words": {"false_positive": "done"}},
            [True, True, False],
            "0 signals",
        ),
        (
            Tenant(behaviour=Behaviour(status_names=(("new", "New"), ("over", "Closed")))),
            {},
            [False, True],
            "no 'inprogress' among new, over",
        ),
        (
            Tenant([SIGNALS[0] | {"allRecords": [{"srcDevice_ip": "a", "dstDevice_ip": "b", "dstPort": 1}]}]),
            {},
            [True, True, False],
            "expected an address",
        ),
        (Tenant(behaviour=Behaviour(statuses={1: (403, {})})), {}, [False, True], "View Cloud SIEM"),
    ],
)
def test_check_says_what_is_wrong(tenant: Tenant, change: dict, outcome: list[bool], words: str) -> None:
    with talking(tenant, **change) as source:
        results = source.check()
    assert [r.ok for r in results] == outcome and any(words in r.message for r in results if not r.ok)


@pytest.mark.parametrize(
    "change",
    [
        {"deployment": "us2"},
        {"base_url": "https://api.nowhere.sumologic.com"},
        {"rule_ids": ['a"b']},
        {"access_key": SecretStr("")},
        {"paging": "pages"},
        {"rate": 9},
    ],
)
def test_settings_that_cannot_work_are_refused(change: dict) -> None:
    with pytest.raises(ValidationError):
        settings("https://api.us2.sumologic.com", **change)
