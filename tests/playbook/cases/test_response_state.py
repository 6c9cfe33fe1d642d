"""Where a case stands: every state by what happened, most severe first, and what a person may do then."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from playbook.cases import accounts, approval_requests, approvals, case_rows, deadlines, queue, responder
from playbook.cases import containments as kept
from playbook.cases.case_search import CaseSearch, by_state, number, search
from playbook.cases.response_state import ATTENTION, NEXT_STEP, STATES, WORDS, state_words
from playbook.cases.schema import cases
from playbook.model.response import Decision
from tests.playbook.cases.runs import FILING, file, judged
from tests.support.builders import NOW, at

HOST = "ws-31"


def later(hours):
    return NOW + timedelta(hours=hours)


def answer(store, agree, hours=1.0, who="anna"):
    with store.change() as conn:
        if accounts.account_of(conn, who) is None:
            accounts.add(conn, who, "approver", "", "test", NOW)
        (request,) = approval_requests.list_requests(conn)
        plan = request.offers[0]
        decision = Decision(
            case_id=request.case_id,
            plan_id=plan.plan_id,
            digest=plan.digest,
            who=who,
            via="cli",
            approve=agree,
            comment="looked",
            at=later(hours),
        )
        return approvals.decide(conn, decision, later(hours), lambda *_: None)


def moved(store, before, after, hours=2.0, until=None):
    with store.change() as conn:
        (one,) = kept.list_containments(conn, kept.LIVE)
        assert kept.change_state(conn, one.key, (before,), after, later(hours), until=until)


def waits(store):
    file(store, judged(4))


def denied(store):
    waits(store)
    assert answer(store, False).result == "denied"


def expired(store):
    waits(store)
    with store.change() as conn:
        assert deadlines.expire(conn, later(25))


def being_set(store):
    waits(store)
    assert answer(store, True).result == "approved"


def contained(store):
    being_set(store)
    moved(store, "intended", "active", until=later(5))


def being_released(store):
    contained(store)
    moved(store, "active", "releasing", 3)


def released(store):
    being_released(store)
    moved(store, "releasing", "released", 4)


def failed(store):
    being_set(store)
    moved(store, "intended", "failed")


def by_hand(store):
    waits(store)
    with store.change() as conn:
        (row,) = case_rows.list_cases(conn)
        approval_requests.withdraw_requests(conn, row.case_id, later(1), "no plan is left")


def needs_look(store):
    file(store, judged(5))


def watched(store):
    file(store, judged(6))


def closed(store):
    contained(store)
    with store.change() as conn:
        (row,) = case_rows.list_cases(conn)
        assert case_rows.resolve(conn, row.case_id, "BENIGN_POSITIVE", "anna", "known", later(3)) is None


WAYS = {
    "waiting": waits,
    "failed": failed,
    "released": released,
    "denied": denied,
    "expired": expired,
    "by_hand": by_hand,
    "being_set": being_set,
    "being_released": being_released,
    "contained": contained,
    "needs_look": needs_look,
    "watched": watched,
    "closed": closed,
}


def the_row(store):
    with store.reading() as conn:
        (row,) = case_rows.list_cases(conn)
        return row


@pytest.mark.parametrize("state", STATES)
def test_every_state_follows_from_what_happened_and_reads_the_same_everywhere(store, state):
    WAYS[state](store)
    row = the_row(store)
    assert row.state == state and state_words(row).startswith(WORDS[state])
    with store.reading() as conn:
        assert by_state(conn) == {state: 1}
        assert search(conn, CaseSearch(state=state), NOW) == (row,) and case_rows.row_of(conn, row.case_id) == row
        cards = queue.attention(conn, later(30))
        assert len(cards) == queue.attention_count(conn, later(30)) == (state in ATTENTION)
    if state in ATTENTION:
        assert cards[0].row == row and cards[0].reasons == ("rung 4",) and NEXT_STEP[state]
        assert (cards[0].dst_ip, cards[0].dst_port) == ("203.0.113.66", 443)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("denied", "denied, still beaconing"),
        ("expired", "expired without an answer, still beaconing"),
        ("released", "released, beaconing again"),
        ("failed", "containment failed, still beaconing"),
    ],
)
def test_traffic_after_the_answer_is_told(store, state, words):
    WAYS[state](store)
    assert "beaconing" not in state_words(the_row(store))
    with store.change() as conn:
        conn.execute(cases.update().values(last_seen=later(48)))
    assert state_words(the_row(store)) == words


def test_what_is_in_force_says_until_when_also_beside_another_state(store):
    contained(store)
    assert state_words(the_row(store)) == f"contained until {later(5):%Y-%m-%d %H:%M} UTC"
    with store.change() as conn:
        conn.execute(cases.update().values(closed_at=later(2), status="closed"))
    assert state_words(the_row(store)) == f"closed; contained until {later(5):%Y-%m-%d %H:%M} UTC"


def test_the_most_severe_comes_first(store):
    file(store, judged(4, host="ws-denied", number=1))
    answer(store, False)
    file(store, judged(4, host="ws-waits", number=2))
    file(store, judged(5, host="ws-look", number=3))
    with store.change() as conn:
        conn.execute(cases.update().where(cases.c.host == "ws-denied").values(confidence="high"))
        conn.execute(cases.update().where(cases.c.host == "ws-waits").values(confidence="medium"))
    with store.reading() as conn:
        assert [one.row.host for one in queue.attention(conn, NOW)] == ["ws-denied", "ws-waits"]
        assert [one.host for one in search(conn, CaseSearch(sort="severity"), NOW)][-1] == "ws-look"


def again(store, hours=30.0, who="bert", reason="it goes on"):
    with store.change() as conn:
        (row,) = case_rows.list_cases(conn)
        return responder.ask_again(conn, row.case_id, FILING.asking, who, reason, later(hours))


@pytest.mark.parametrize(
    ("state", "requester"),
    [("denied", "bert"), ("expired", "playbook"), ("released", "playbook"), ("failed", "playbook")],
)
def test_what_is_over_can_be_asked_again_and_a_persons_word_is_overridden_by_two_others_only(store, state, requester):
    WAYS[state](store)
    request, why_not = again(store)
    assert why_not == "" and the_row(store).state == "waiting"
    with store.reading() as conn:
        found = approval_requests.find_request(conn, request)
    assert found.requester == requester
    told = answer(store, True, 31, who="bert")
    assert told.result == ("refused" if requester == "bert" else "approved"), told.text


def test_a_release_that_a_person_asked_for_is_asked_again_by_a_person(store):
    contained(store)
    with store.change() as conn:
        (one,) = kept.list_containments(conn)
        assert kept.ask_release(conn, one.key, "anna", later(3), "a mistake")
    moved(store, "active", "releasing", 3)
    moved(store, "releasing", "released", 4)
    request, _ = again(store)
    with store.reading() as conn:
        assert approval_requests.find_request(conn, request).requester == "bert"


@pytest.mark.parametrize("state", [one for one in STATES if one not in ("denied", "expired", "released", "failed")])
def test_what_is_not_over_is_not_asked_again(store, state):
    WAYS[state](store)
    request, why_not = again(store)
    assert request == "" and "nothing to ask again" in why_not


def test_a_case_is_taken_over_and_handed_back(store):
    waits(store)
    case_id = the_row(store).case_id
    with store.change() as conn:
        assert responder.take_over(conn, case_id, "anna", later(1)) is None
        assert "has it already" in responder.take_over(conn, case_id, "anna", later(1))
        assert responder.take_over(conn, case_id, "bert", later(2)) is None
    assert (the_row(store).assignee, the_row(store).assigned_at) == ("bert", later(2))
    with store.change() as conn:
        assert responder.hand_back(conn, case_id, "bert", later(3)) is None
        assert "no such case" in responder.take_over(conn, "C-000000000000", "anna", later(3))
        case_rows.resolve(conn, case_id, "BENIGN_POSITIVE", "anna", "known", later(3))
        assert "is closed" in responder.take_over(conn, case_id, "anna", later(4))
    assert the_row(store).assignee == ""


@pytest.mark.parametrize(
    ("wanted", "hosts"),
    [
        ({}, {"ws-31", "ws-32", "100%_host"}),
        ({"text": "ws-3"}, {"ws-31", "ws-32"}),
        ({"text": "WS-31"}, {"ws-31"}),
        ({"text": "%"}, {"100%_host"}),
        ({"text": "_"}, {"100%_host"}),
        ({"text": "' OR 1=1 --"}, set()),
        ({"text": "203.0.113.7"}, {"ws-32"}),
        ({"host": "ws-31"}, {"ws-31"}),
        ({"destination": "203.0.113.70"}, {"ws-32"}),
        ({"destination": "203.0.113.7"}, set()),
        ({"verdict": "UNDETERMINED"}, {"100%_host"}),
        ({"assignee": "nobody"}, {"ws-31", "ws-32", "100%_host"}),
        ({"assignee": "anna"}, set()),
        ({"status": "proposed"}, {"ws-31", "ws-32"}),
        ({"owner": "nobody at all"}, set()),
        ({"days": 1}, {"ws-31", "ws-32", "100%_host"}),
    ],
)
def test_cases_are_searched_by_what_people_know(store, wanted, hosts):
    file(store, judged(4))
    file(store, judged(4, host="ws-32", number=2, dst_ip="203.0.113.70"))
    file(store, judged(5, host="100%_host", number=3))
    with store.reading() as conn:
        found = search(conn, CaseSearch(**wanted), NOW)
        assert {one.host for one in found} == hosts and number(conn, CaseSearch(**wanted), NOW) == len(hosts)


def test_a_vote_counts_only_while_its_account_may_vote(store):
    file(store, judged(4, protected=("10.20.0.0/16",)))
    assert answer(store, True, 1, "anna").result == "counted"
    with store.change() as conn:
        accounts.disable(conn, "anna", "root", later(2))
    assert answer(store, True, 3, "bert").result == "counted"
    assert answer(store, True, 4, "carl").result == "approved"
    with store.reading() as conn:
        (one,) = kept.list_containments(conn)
        assert one.approved_by == "bert, carl"
        assert conn.execute(sa.select(cases.c.status)).scalar_one() == "proposed" and one.created_at > at(0)
