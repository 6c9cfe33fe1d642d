"""Filing runs: one open case a host whatever is filed how often, links after closing, watch, requests and tickets."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.cases import audit, case_rows, repository
from playbook.cases.schema import metadata
from playbook.cases.store import open_store
from playbook.model.verdict import WORST_FIRST
from tests.playbook.cases.runs import (
    FILING,
    OTHER,
    RUNG,
    file,
    judged,
    kinds,
    one_case,
    requests,
    resolve,
    rows,
    run_of,
    whole,
)
from tests.support.builders import DESTINATION, NOW
from tests.support.examples import examples


def test_a_run_is_filed_whole_and_comes_back_as_it_was_judged(store):
    ones = (judged(4), judged(3, number=1, dst_ip=OTHER), judged(5, "ws-32"))
    filed = file(store, *ones)
    assert [(c.host, c.change) for c in filed.cases] == [("ws-31", "opened"), ("ws-32", "opened")]
    case = whole(store, filed.cases[0].case_id)
    assert case.detections == (ones[0], ones[1])
    assert (case.verdict.disposition, case.status) == ("TRUE_POSITIVE", "proposed")
    assert case.plan is not None and case.ticket.case_ids == (case.case_id,)
    with store.reading() as conn:
        assert audit.verify(conn) == ()


def test_the_same_run_twice_changes_nothing(store):
    run = run_of(judged(4))
    for _ in range(2):
        with store.change() as conn:
            filed = repository.file_run(conn, run, FILING, NOW)
    assert filed.again and len(rows(store)) == 1 and len(requests(store)) == 1
    assert kinds(store).count("run filed") == 1


def test_the_same_detection_in_another_run_is_the_same_case_and_asks_no_second_time(store):
    first = file(store, judged(4))
    second = file(store, judged(4), hours=1)
    assert second.cases[0].case_id == first.cases[0].case_id
    assert second.cases[0].change == "updated" and not second.asked and second.tickets == ()
    assert len(rows(store)) == len(requests(store)) == 1


def test_detections_of_one_host_in_several_runs_are_one_case_with_one_plan(store):
    file(store, judged(4))
    file(store, judged(4, number=1, dst_ip=OTHER, day=1), hours=24)
    case = whole(store, one_case(store).case_id)
    assert {step.target for step in case.plan.steps} == {f"10.20.0.31>{DESTINATION}:443", f"10.20.0.31>{OTHER}:443"}
    (request,) = requests(store)
    assert request.offers[0] == case.plan
    assert [r.state for r in requests(store, None)] == ["superseded", "waiting"]


def test_a_later_run_updates_the_open_case_and_keeps_its_identity(store):
    first = one_case(file(store, judged(6)) and store)
    file(store, judged(4, day=1), hours=24)
    row = one_case(store)
    assert (row.case_id, row.first_seen) == (first.case_id, first.first_seen + timedelta(days=1))
    assert (row.disposition, row.status, row.opened_at) == ("TRUE_POSITIVE", "proposed", first.opened_at)


def test_a_case_closes_only_when_every_detection_in_it_closes(store):
    file(store, judged(5), judged(5, number=1, dst_ip=OTHER))
    file(store, judged(3, day=1), hours=24)
    assert one_case(store).status == "ticket"
    filed = file(store, judged(3, number=1, dst_ip=OTHER, day=1), hours=25)
    row = one_case(store)
    assert (filed.cases[0].change, row.status, row.closed_by) == ("closed", "closed", "playbook")


def test_a_plan_is_of_this_case_and_of_the_networks_of_today(store):
    file(store, judged(4), judged(4, number=1, dst_ip=OTHER))
    before = whole(store, one_case(store).case_id).plan
    file(store, judged(4, protected=(f"{OTHER}/32",)), hours=1)
    (request,) = requests(store)
    assert [
        f"10.20.0.31>{OTHER}:443" in [step.target for step in plan.steps] for plan in (before, request.offers[0])
    ] == [True, False]
    assert whole(store, one_case(store).case_id).not_blockable[0].reason == "networks.protected names it"


def test_an_older_run_filed_late_does_not_undo_what_was_judged_since(store):
    file(store, judged(5, day=1))
    file(store, judged(3, day=0), hours=1)
    assert one_case(store).status == "ticket"


class TestAfterClosing:
    def closed(self, store):
        file(store, judged(5))
        case_id = one_case(store).case_id
        assert resolve(store, case_id) is None
        return case_id

    def test_newer_traffic_opens_a_case_that_links_back(self, store):
        before = self.closed(store)
        (filed,) = file(store, judged(5, day=1), hours=24).cases
        assert (filed.change, filed.reopened_from) == ("reopened", before)
        new, old = rows(store)
        assert (new.case_id, new.status, new.reopened_from) == (filed.case_id, "ticket", before)
        assert (old.person_disposition, old.disposition) == ("BENIGN_POSITIVE", "UNDETERMINED")

    def test_a_window_that_begins_as_before_still_gets_an_identity_of_its_own(self, store):
        before = self.closed(store)
        (filed,) = file(store, judged(5, hour=23.9), hours=2).cases
        assert filed.change == "reopened" and filed.case_id != before and filed.run_case_id == before

    def test_the_same_traffic_again_opens_nothing(self, store):
        self.closed(store)
        assert file(store, judged(5), hours=2).cases[0].change == "unchanged"
        assert one_case(store).status == "closed"

    def test_the_same_traffic_judged_worse_opens_a_case(self, store):
        before = self.closed(store)
        (filed,) = file(store, judged(1), hours=2).cases
        assert (filed.change, filed.reopened_from) == ("reopened", before) and filed.request_id

    def test_what_was_benign_and_is_benign_again_opens_nothing_and_is_seen(self, store):
        file(store, judged(3))
        for day in (1, 2):
            assert file(store, judged(3, day=day), hours=24 * day).cases[0].change == "unchanged"
        row = one_case(store)
        assert (row.status, row.last_seen.day) == ("closed", 25)

    def test_what_was_benign_and_is_not_any_more_opens_a_case(self, store):
        file(store, judged(3))
        assert file(store, judged(4, day=1), hours=24).cases[0].change == "reopened"


class TestAPersonsWord:
    def test_is_kept_beside_ours_and_never_over_it(self, store):
        file(store, judged(4))
        case_id = one_case(store).case_id
        assert resolve(store, case_id, "FALSE_POSITIVE") is None
        row = one_case(store)
        assert (row.disposition, row.person_disposition, row.person_by) == ("TRUE_POSITIVE", "FALSE_POSITIVE", "anna")
        assert (row.status, row.closed_by) == ("closed", "anna")
        assert whole(store, case_id).verdict.disposition == "TRUE_POSITIVE"
        assert requests(store) == () and requests(store, None)[0].state == "withdrawn"

    def test_reopening_holds_until_a_person_closes_again(self, store):
        file(store, judged(3))
        case_id = one_case(store).case_id
        with store.change() as conn:
            assert case_rows.reopen(conn, case_id, "anna", NOW) is None
        file(store, judged(3, day=1), hours=24)
        assert one_case(store).status == "ticket"
        assert resolve(store, case_id) is None
        assert one_case(store).status == "closed"

    def test_what_cannot_be_is_told(self, store):
        file(store, judged(5))
        case_id = one_case(store).case_id
        with store.change() as conn:
            assert "is not closed" in case_rows.reopen(conn, case_id, "anna", NOW)
            assert "no such case" in case_rows.reopen(conn, "C-0", "anna", NOW)
        resolve(store, case_id)
        assert "is closed already" in resolve(store, case_id)
        file(store, judged(5, day=1), hours=24)
        with store.change() as conn:
            assert "has an open case already" in case_rows.reopen(conn, case_id, "anna", NOW)


class TestWatching:
    def on(self, store, *days):
        for day in days:
            file(store, judged(6, day=day), hours=24 * day)
        return one_case(store)

    @pytest.mark.parametrize(
        ("days", "status"),
        [
            ((0,), "watch"),
            ((0, 0, 0, 0), "watch"),
            ((0, 1), "watch"),
            ((0, 1, 2), "ticket"),
            ((0, 1, 3), "watch"),
            ((0, 1, 3, 4, 5), "ticket"),
            ((0, 2, 4, 6), "watch"),
            ((0, 1, 0, 1, 2), "ticket"),
            ((0, 1, 2, 9), "ticket"),
        ],
    )
    def test_the_third_day_in_a_row_makes_a_ticket(self, store, days, status):
        row = self.on(store, *days)
        assert row.status == status and bool(row.ticket_key) == (status == "ticket")

    def test_a_corroboration_makes_one_at_once(self, store):
        file(store, judged(6), judged(5, number=1, dst_ip=OTHER))
        assert one_case(store).ticket_key


def test_hostile_text_is_kept_as_far_as_a_database_can(store):
    host = "ws\0-31 " + "x" * 400
    file(store, judged(5, host))
    file(store, judged(5, host), hours=1)
    row = one_case(store)
    assert "\0" not in row.host and len(row.host) == 255
    assert whole(store, row.case_id).host == host


def test_pages_hold_every_case_once(store):
    file(store, *(judged(5, f"ws-{n}") for n in range(7)))
    with store.reading() as conn:
        pages = [case_rows.list_cases(conn, "ticket", 3, offset) for offset in (0, 3, 6)]
        assert case_rows.list_cases(conn, "closed") == () and case_rows.counts(conn) == {"ticket": 7}
        assert case_rows.hosts_talking_to(conn, DESTINATION) == tuple(f"ws-{n}" for n in range(7))
    assert [len(p) for p in pages] == [3, 3, 1] and len({c.case_id for p in pages for c in p}) == 7


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    store = open_store("sqlite:///s.db", tmp_path_factory.mktemp("filing"))
    yield store
    store.close()


STEP = st.tuples(st.sampled_from(sorted(RUNG)), st.sampled_from(["a", "b"]), st.integers(0, 1), st.integers(0, 3))


@examples(12)
@given(runs=st.lists(st.lists(STEP, min_size=1, max_size=3) | st.just("resolve"), min_size=1, max_size=6))
def test_whatever_is_filed_there_is_one_open_case_a_host_and_it_is_never_better_than_its_worst(shared, runs):
    with shared.change() as conn:
        for table in reversed(metadata.sorted_tables):
            conn.execute(table.delete())
    for hours, run in enumerate(runs):
        if run == "resolve":
            for row in rows(shared):
                resolve(shared, row.case_id, hours=hours)
            continue
        ones = {(host, n): judged(rung, host, number=n, day=day) for rung, host, n, day in run}
        file(shared, *ones.values(), hours=hours)
    for row in (row for row in rows(shared) if row.closed_at is None):
        case = whole(shared, row.case_id)
        worst = min((d.verdict.disposition for d in case.detections), key=WORST_FIRST.index)
        assert row.disposition == worst and row.status != "closed"
    open_hosts = [row.host for row in rows(shared) if row.closed_at is None]
    waiting = [request.case_id for request in requests(shared)]
    assert len(open_hosts) == len(set(open_hosts)) and len(waiting) == len(set(waiting))
    assert set(waiting) <= {row.case_id for row in rows(shared) if row.status == "proposed"}
    with shared.reading() as conn:
        assert audit.verify(conn) == ()
