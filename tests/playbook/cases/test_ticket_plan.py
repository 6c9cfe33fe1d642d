"""Tickets: one a host, one for a destination of many hosts, and one digest for the rest."""

import pytest

from playbook.cases.ticket_plan import with_tickets
from tests.support.builders import a_beacon, a_case, a_judged, a_verdict


def case(number, *, destination=None, disposition="TRUE_POSITIVE", status="proposed", **change):
    detection = a_beacon(src_ip=f"10.20.0.{number}", dst_ip=destination or f"203.0.113.{number}")
    one = a_judged(detection, a_verdict(disposition=disposition, status=status))
    values = {"case_id": f"C-{number:012x}", "host": f"ws-{number}"}
    return a_case(one, **(values | change))


def keys(tickets):
    return [t.key for t in tickets]


def test_one_ticket_a_host_for_what_wants_one():
    doubtful = case(2, disposition="UNDETERMINED", status="ticket")
    cases, tickets = with_tickets([case(1), doubtful, case(3, status="watch"), case(4, status="closed")], 20, 5)
    assert keys(tickets) == ["case:C-000000000001", "case:C-000000000002"]
    assert [c.ticket and c.ticket.key for c in cases] == [*keys(tickets), None, None]


@pytest.mark.parametrize(("hosts", "tickets_of_them"), [(4, 4), (5, 1), (6, 1)])
def test_a_destination_of_five_hosts_is_one_ticket_that_lists_them(hosts, tickets_of_them):
    same = [case(n, destination="203.0.113.66") for n in range(1, hosts + 1)]
    cases, tickets = with_tickets([*same, case(9)], 20, 5)
    assert len(tickets) == tickets_of_them + 1
    if tickets_of_them == 1:
        assert tickets[0].case_ids == tuple(c.case_id for c in same)
        assert all(c.host in tickets[0].text for c in same) and f"{hosts} hosts" in tickets[0].title
        assert {c.ticket.key for c in cases[:hosts]} == {tickets[0].key}


def test_only_cases_that_want_a_ticket_count_for_a_shared_one():
    same = [case(n, destination="203.0.113.66", status="proposed" if n < 4 else "watch") for n in range(1, 8)]
    _, tickets = with_tickets(same, 20, 5)
    assert all(k.startswith("case:") for k in keys(tickets)) and len(tickets) == 3


def test_past_the_limit_the_best_evidence_keeps_its_ticket_and_the_rest_is_a_digest_with_counts():
    many = [case(n) for n in (1, 2, 3)]
    many += [case(n, disposition="UNDETERMINED", status="ticket") for n in (4, 5, 6, 7)]
    cases, tickets = with_tickets(many, 2, 5)
    assert keys(tickets)[:2] == ["case:C-000000000001", "case:C-000000000002"] and len(tickets) == 3
    digest = tickets[2]
    assert digest.state == "digest" and "5 more" in digest.title
    assert "1 TRUE_POSITIVE" in digest.title and "4 UNDETERMINED" in digest.title
    assert all(c.ticket == digest for c in cases[2:]) and all(c.case_id in digest.text for c in cases[2:])


def test_a_limit_of_none_is_one_digest_and_no_case_is_no_ticket():
    assert [t.state for t in with_tickets([case(1)], 0, 5)[1]] == ["digest"]
    assert with_tickets([], 20, 5) == ((), ())


def test_a_shared_ticket_takes_one_place_and_its_late_hosts_are_in_it():
    same = [case(n, destination="203.0.113.66") for n in range(1, 6)]
    cases, tickets = with_tickets([same[0], case(8), case(9), *same[1:]], 2, 5)
    assert len(tickets) == 3 and tickets[2].case_ids == (cases[2].case_id,)
    assert {c.ticket.key for c in cases[3:]} == {tickets[0].key}


@pytest.mark.parametrize(
    ("change", "ask"),
    [
        ({}, "approve or deny"),
        ({"plan": None, "by_hand": ("contain it",)}, "by hand"),
        ({"plan": None}, "look and decide"),
    ],
)
def test_a_ticket_says_what_is_asked_and_why(change, ask):
    _, (ticket,) = with_tickets([case(1, **change)], 20, 5)
    assert ask in ticket.title and "ws-1" in ticket.title
    assert "Why: " in ticket.text and "Would change it: " in ticket.text


def strange(number, status="ticket"):
    one = a_judged(
        a_beacon(src_ip=f"8.8.4.{number}", hostname=""), a_verdict(disposition="UNDETERMINED", status=status)
    )
    return a_case(one, case_id=f"C-{number:012x}", host=f"8.8.4.{number}")


def test_public_sources_that_nobody_named_are_one_ticket_that_asks_whose_they_are():
    cases, tickets = with_tickets([case(1), *map(strange, range(10, 40)), strange(41, "watch")], 20, 5)
    assert keys(tickets) == ["case:C-000000000001", "sources:not-in-home"]
    asked = tickets[1]
    assert "31 public sources" in asked.title and "yours?" in asked.title
    assert '"100.64.0.0/10"' in asked.text and '"8.8.4.10"' in asked.text and '"8.8.4.41"' in asked.text
    assert cases[-1].ticket is None and len(asked.case_ids) == 30


def test_strangers_that_are_only_watched_are_no_ticket():
    assert with_tickets([strange(10, "watch")], 20, 5)[1] == ()
