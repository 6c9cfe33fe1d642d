"""What filing asks of people: requests for approval, and tickets."""

import dataclasses
from datetime import timedelta

import pytest

from playbook.cases import approval_requests, containments, outbox
from playbook.config import Limits
from playbook.model.case import Ticket
from tests.playbook.cases.runs import FILING, OTHER, file, judged, requests, rows
from tests.support.builders import DESTINATION, NOW


class TestAsking:
    def contain(self, store, state="active"):
        (request,) = requests(store)
        with store.change() as conn:
            approval_requests.close_request(conn, request.request_id, request.case_id, "approved", NOW, "")
            (key,) = containments.record_intent(
                conn, request.case_id, request.request_id, request.offers[0], "anna", NOW
            )
            containments.change_state(conn, key, ("intended",), state, NOW, until=NOW + timedelta(hours=4))
        return key

    def test_offers_are_plans_of_their_own_the_proposed_one_first(self, store):
        file(store, judged(4))
        (request,) = requests(store)
        assert [p.steps[0].ttl_s for p in request.offers] == [14400, 3600, 86400]
        assert len({p.digest for p in request.offers}) == 3
        assert (request.remind_at, request.expires_at) == (NOW + timedelta(hours=12), NOW + timedelta(hours=24))

    def test_the_request_is_told_once(self, store):
        file(store, judged(4))
        file(store, judged(4), hours=1)
        with store.reading() as conn:
            assert [n.key for n in outbox.pending_notifications(conn)] == [f"ask:{requests(store)[0].request_id}"]

    def test_what_is_in_force_is_not_asked_for_again(self, store):
        file(store, judged(4))
        self.contain(store)
        file(store, judged(4, day=1), hours=24)
        assert requests(store) == ()
        file(store, judged(4, day=1), judged(4, number=1, dst_ip=OTHER, day=1), hours=25)
        assert [s.target for s in requests(store)[0].offers[0].steps] == [f"10.20.0.31>{OTHER}:443"]

    def test_what_was_released_and_goes_on_is_asked_for_again(self, store):
        file(store, judged(4))
        key = self.contain(store)
        with store.change() as conn:
            containments.change_state(conn, key, ("active",), "released", NOW)
        file(store, judged(4, day=1), hours=24)
        assert len(requests(store)) == 1

    @pytest.mark.parametrize(
        ("ended", "day", "asked"),
        [
            ("denied", 0, 0),
            ("denied", 1, 0),
            ("expired", 0, 0),
            ("expired", 1, 1),
            ("withdrawn", 0, 1),
        ],
    )
    def test_a_no_is_not_asked_again_and_silence_only_of_newer_traffic(self, store, ended, day, asked):
        file(store, judged(4))
        (request,) = requests(store)
        with store.change() as conn:
            approval_requests.close_request(conn, request.request_id, request.case_id, ended, NOW, "")
        file(store, judged(4, day=day), hours=25)
        assert len(requests(store)) == asked

    def test_a_case_that_turns_out_benign_withdraws_its_request(self, store):
        file(store, judged(4))
        file(store, judged(3, day=1), hours=24)
        assert [r.state for r in requests(store, None)] == ["withdrawn"]


class TestTickets:
    def unopened(self, store):
        with store.reading() as conn:
            return [row.ticket for row in outbox.pending_tickets(conn)]

    def test_one_a_case_and_its_news_are_comments(self, store):
        file(store, judged(5))
        (ticket,) = self.unopened(store)
        with store.change() as conn:
            outbox.mark_opened(conn, ticket.key, "desk", "RT-1", NOW)
        assert file(store, judged(4, day=1), hours=24).tickets == (ticket.key,)
        with store.reading() as conn:
            ((comment, row),) = outbox.pending_comments(conn)
        assert (row.reference, comment.text.splitlines()[0]) == ("RT-1", "Verdict: TRUE_POSITIVE (high confidence)")
        assert self.unopened(store) == []

    def test_many_hosts_of_one_destination_are_one_and_later_hosts_join_it(self, store):
        file(store, *(judged(5, f"ws-{n}") for n in range(5)))
        file(store, *(judged(5, f"ws-{n}") for n in range(5, 10)), hours=1)
        (ticket,) = self.unopened(store)
        assert ticket.key == f"destination:{DESTINATION}:443" and len(ticket.case_ids) == 10
        assert {row.ticket_key for row in rows(store)} == {ticket.key}

    def test_they_are_bounded_per_run_and_the_rest_is_one_digest(self, store):
        few = dataclasses.replace(FILING, limits=Limits(tickets_per_run=2))
        file(store, *(judged(5, f"ws-{n}", dst_ip=f"203.0.113.{n}") for n in range(1, 5)), filing=few)
        assert sorted(t.key.partition(":")[0] for t in self.unopened(store)) == ["case", "case", "digest"]

    def test_a_silent_source_is_one(self, store):
        for hours in (0, 1):
            file(store, complete=False, hours=hours, warnings=("siem: no rows for 3 hours",))
        (ticket,) = self.unopened(store)
        assert (ticket.key, ticket.text) == ("silent:sample", "siem: no rows for 3 hours")

    def test_a_comment_is_for_a_known_ticket_and_once(self, store):
        with store.change() as conn:
            assert not outbox.enqueue_comment(conn, "case:C-0", "k", "text", NOW)
            outbox.put_ticket(conn, Ticket(key="case:C-0", title="t", text="x"), NOW)
            assert outbox.enqueue_comment(conn, "case:C-0", "k", "text", NOW)
            assert not outbox.enqueue_comment(conn, "case:C-0", "k", "text", NOW)
            assert outbox.pending_comments(conn) == ()
            outbox.mark_not_opened(conn, "case:C-0", NOW, "down")
            assert outbox.ticket_of(conn, "case:C-0").tries == 1
