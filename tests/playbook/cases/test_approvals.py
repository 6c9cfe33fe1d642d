"""Answers: what counts, every refusal with its own reason, silence is no, and one transaction with what follows."""

import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.cases import accounts, approval_requests, approvals, audit, containments, deadlines, outbox
from playbook.cases.schema import metadata
from playbook.cases.store import open_store
from playbook.model.response import Decision
from tests.playbook.cases.runs import file, judged
from tests.support.builders import NOW
from tests.support.examples import examples

PEOPLE = {"anna": "approver", "bert": "approver", "root": "admin", "resi": "responder", "vera": "viewer"}


def later(hours=0.0):
    return NOW + timedelta(hours=hours)


def with_people(store):
    with store.change() as conn:
        for name, role in PEOPLE.items():
            accounts.add(conn, name, role, "", "test", NOW)
        accounts.add(conn, "gone", "approver", "", "test", NOW)
        accounts.disable(conn, "gone", "test", NOW)


@pytest.fixture
def store(url):
    """A record with accounts."""
    one = open_store(url)
    with_people(one)
    yield one
    one.close()


def ask(store, people=1, requester="playbook"):
    """A stored request that takes so many people."""
    file(store, judged(4, protected=("10.20.0.0/16",) if people > 1 else ()), requester=requester)
    (request,) = waiting(store)
    return request


def waiting(store, state="waiting"):
    with store.reading() as conn:
        return approval_requests.list_requests(conn, state)


def answer(request, who="anna", *, agree=True, place=0, hours=0.0, **change):
    plan = request.offers[place]
    values = {
        "case_id": request.case_id,
        "plan_id": plan.plan_id,
        "digest": plan.digest,
        "who": who,
        "via": "cli",
        "approve": agree,
        "at": later(hours),
    }
    return Decision(**(values | change))


def decide(store, decision, hours=0.0, enqueue=None):
    begun = []
    with store.change() as conn:
        outcome = approvals.decide(
            conn, decision, later(hours), enqueue or (lambda _c, _r, plan, keys: begun.append((plan.digest, keys)))
        )
    return outcome, begun


def test_an_approval_intends_exactly_the_plan_of_the_digest_and_starts_the_work(store):
    request = ask(store)
    outcome, begun = decide(store, answer(request, place=2, comment="go"))
    assert (outcome.result, begun) == ("approved", [(request.offers[2].digest, outcome.keys)])
    with store.reading() as conn:
        (contained,) = containments.list_containments(conn)
        assert audit.verify(conn) == ()
    assert (contained.key, contained.state, contained.approved_by) == (outcome.keys[0], "intended", "anna")
    assert contained.step == request.offers[2].steps[0] and contained.step.ttl_s == 86400
    (decided,) = waiting(store, "approved")
    assert (decided.decided_by, decided.digest) == ("anna", request.offers[2].digest)


def test_a_denial_ends_it_and_starts_nothing(store):
    request = ask(store, people=2)
    outcome, begun = decide(store, answer(request, agree=False))
    assert (outcome.result, begun, waiting(store)) == ("denied", [], ())
    with store.reading() as conn:
        assert containments.list_containments(conn) == ()


def test_when_the_work_cannot_be_started_nothing_was_decided(store):
    request = ask(store)

    def broken(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        decide(store, answer(request), enqueue=broken)
    assert waiting(store) == (request,)
    with store.reading() as conn:
        assert approvals.answers(conn, request.request_id) == () and containments.list_containments(conn) == ()


def test_a_protected_host_takes_two_different_people(store):
    request = ask(store, people=2)
    assert decide(store, answer(request))[0].result == "counted"
    again, _ = decide(store, answer(request))
    assert (again.result, again.reason) == ("refused", "protected")
    outcome, begun = decide(store, answer(request, "bert"))
    assert outcome.result == "approved" and len(begun) == 1
    with store.reading() as conn:
        assert containments.list_containments(conn)[0].approved_by == "anna, bert"


def test_platforms_together_are_one_approver(store):
    request = ask(store, people=2)
    assert decide(store, answer(request, via="platform"))[0].result == "counted"
    assert decide(store, answer(request, "bert", via="platform"))[0].reason == "protected"
    assert decide(store, answer(request, "bert"))[0].result == "approved"


def test_a_second_platform_may_still_deny(store):
    request = ask(store, people=2)
    assert decide(store, answer(request, via="platform"))[0].result == "counted"
    assert decide(store, answer(request, "bert", via="platform", agree=False))[0].result == "denied"


def test_two_people_agree_to_one_plan_or_none(store):
    request = ask(store, people=2)
    decide(store, answer(request, place=0))
    other, _ = decide(store, answer(request, "bert", place=1))
    assert other.reason == "another_plan" and request.offers[0].plan_id in other.text
    assert decide(store, answer(request, "bert", place=1, agree=False))[0].result == "denied"


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("vera", "role"),
        ("resi", "role"),
        ("nobody", "role"),
        ("gone", "role"),
        ("root", None),
        ("anna", None),
    ],
)
def test_only_an_enabled_account_with_the_role_answers(store, who, reason):
    assert decide(store, answer(ask(store), who))[0].reason == reason


@pytest.mark.parametrize("agree", [True, False])
def test_who_asked_does_not_answer(store, agree):
    request = ask(store, requester="anna")
    assert decide(store, answer(request, agree=agree))[0].reason == "requester"
    assert decide(store, answer(request, "bert"))[0].result == "approved"


@pytest.mark.parametrize(("digest", "reason"), [("0" * 64, "stale"), ("", "stale")])
def test_a_digest_that_is_not_offered_is_stale(store, digest, reason):
    assert decide(store, answer(ask(store), digest=digest))[0].reason == reason


def test_a_plan_that_has_changed_since_is_stale_and_the_new_one_is_not(store):
    old = ask(store)
    file(store, judged(4, number=1, dst_ip="203.0.113.70", day=1), hours=1)
    assert decide(store, answer(old))[0].reason == "stale"
    assert decide(store, answer(waiting(store)[0]))[0].result == "approved"


def test_a_plan_of_another_case_is_unknown(store):
    request = ask(store)
    assert decide(store, answer(request, case_id="C-0"))[0].reason == "unknown"


@pytest.mark.parametrize(
    ("who", "at", "reason"),
    [
        ("anna", 2, "repeated"),
        ("bert", 2, "late"),
        ("bert", 0.5, "racing"),
        ("vera", 2, "late"),
    ],
)
def test_an_answer_after_the_answer_is_refused_by_its_own_reason(store, who, at, reason):
    request = ask(store)
    decide(store, answer(request, hours=1), hours=1)
    outcome, begun = decide(store, answer(request, who, hours=at), hours=2)
    assert (outcome.result, outcome.reason, begun) == ("refused", reason, [])


def test_no_answer_is_no_from_the_very_second_on(store):
    request = ask(store)
    assert approvals.evaluate_answer(request, answer(request), "approver", (), later(23.999)) is None
    outcome, begun = decide(store, answer(request, hours=24), hours=24)
    assert (outcome.reason, begun, waiting(store)) == ("expired", [], ())
    assert decide(store, answer(request), hours=25)[0].reason == "expired"


def test_every_refusal_is_in_the_journal_with_its_reason(store):
    request = ask(store)
    decide(store, answer(request, "vera"))
    with store.reading() as conn:
        line = audit.lines(conn, request.case_id)[-1]
    assert (line.actor, line.kind) == ("vera", "answer refused") and '"reason":"role"' in line.content


def test_expiry_and_reminders_come_once_and_in_order(store):
    request = ask(store)

    def tick(hours):
        with store.change() as conn:
            return deadlines.remind(conn, later(hours)), deadlines.expire(conn, later(hours))

    mine = (request.request_id,)
    assert [tick(h) for h in (11.9, 12, 13, 23.9)] == [((), ()), (mine, ()), ((), ()), ((), ())]
    assert [tick(h) for h in (24, 25)] == [((), mine), ((), ())]
    with store.reading() as conn:
        keys = [notice.key.partition(":")[0] for notice in outbox.pending_notifications(conn)]
    assert sorted(keys) == ["ask", "expired", "remind"]


def test_what_was_down_over_the_whole_time_only_expires(store):
    ask(store)
    with store.change() as conn:
        assert deadlines.remind(conn, later(30)) == ()
        assert len(deadlines.expire(conn, later(30))) == 1


def test_two_people_at_the_same_moment_decide_once(store):
    """Both from threads of their own, five times over: one approval, two refusals, one piece of work."""
    for turn in range(5):
        file(store, judged(4, f"ws-{turn}", src_ip=f"10.20.1.{turn}"))
        (request,) = waiting(store)
        outcomes, begun = [], []

        def work(who, request=request, outcomes=outcomes, begun=begun):
            outcome, started = decide(store, answer(request, who))
            outcomes.append(outcome.result)
            begun.extend(started)

        threads = [threading.Thread(target=work, args=(who,)) for who in ("anna", "bert", "root")]
        for one in threads:
            one.start()
        for one in threads:
            one.join(timeout=120)
        assert sorted(outcomes) == ["approved", "refused", "refused"] and len(begun) == 1


def test_the_compare_and_set_holds_without_the_lock_too(store):
    """A vote that was read before another one was counted does not count on top of it."""
    request = ask(store, people=2)
    decide(store, answer(request))
    with store.change() as conn:
        assert not approvals._claimed(conn, request, answer(request, "bert"), NOW)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    store = open_store("sqlite:///s.db", tmp_path_factory.mktemp("approvals"))
    yield store
    store.close()


ANSWER = st.tuples(
    st.sampled_from([*PEOPLE, "nobody"]),
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, 30),
    st.sampled_from(["cli", "page", "platform"]),
    st.booleans(),
)


@examples(15)
@given(
    people=st.sampled_from([1, 2]), requester=st.sampled_from(["playbook", "anna"]), given_=st.lists(ANSWER, max_size=6)
)
def test_whatever_is_answered_work_starts_at_most_once_and_only_as_agreed(shared, people, requester, given_):
    with shared.change() as conn:
        for table in reversed(metadata.sorted_tables):
            conn.execute(table.delete())
    with_people(shared)
    request = ask(shared, people, requester)
    started, hours = [], 0
    for who, agree, place, wait, via, stale in given_:
        hours += wait
        change = {"digest": "f" * 64} if stale else {}
        _, begun = decide(shared, answer(request, who, agree=agree, place=place, via=via, hours=hours, **change), hours)
        started += begun
    with shared.reading() as conn:
        votes = approvals.answers(conn, request.request_id)
        (row,) = approval_requests.list_requests(conn, None)
        assert audit.verify(conn) == ()
    yes = [vote for vote in votes if vote.approve]
    assert len(started) == (row.state == "approved") <= 1
    assert len({vote.who for vote in votes}) == len(votes) <= people
    assert all(vote.who in ("anna", "bert", "root") and vote.who != requester for vote in votes)
    assert all(vote.at < request.expires_at for vote in votes)
    if started:
        assert len(yes) == people and {vote.digest for vote in yes} == {started[0][0]} == {row.digest}
