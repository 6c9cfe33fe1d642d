"""Events for platforms: each change of a case once, in order, until every receiver has taken it."""

from dataclasses import replace

import pytest

from playbook.cases import approvals, containments, deadlines, events
from playbook.errors import Unreachable
from playbook.model.response import Decision
from playbook.workflows import outbox_relay


class Receiver:
    """A notifier that takes events, or fails; a plain one takes none."""

    def __init__(self, name="soar", takes_events=True):
        self.name, self.takes_events, self.seen, self.down = name, takes_events, [], False

    def send_event(self, event):
        if self.down:
            raise Unreachable("no answer")
        self.seen.append(event)

    def tell(self, notice):
        pass

    def check(self):
        return ()

    def kinds(self):
        return [event.kind for event in self.seen]


@pytest.fixture
def receiver():
    return Receiver()


def sent(bench, *receivers):
    return outbox_relay.send_events(replace(bench.works, notifiers=receivers))


def test_a_case_is_told_from_filing_to_release(bench, receiver):
    (key,) = bench.approved()
    assert sent(bench, receiver) == 3 and receiver.kinds() == ["case_filed", "waiting", "approved"]
    waiting, approved = receiver.seen[1:]
    assert waiting.content["digest"] == approved.content["digest"] and approved.content["by"] == "anna"
    assert waiting.content["steps"][0]["target"] and waiting.case_id == approved.case_id
    with bench.store.change() as conn:
        bench_moves(conn, key, bench.now)
    assert sent(bench, receiver) == 2 and receiver.kinds()[3:] == ["in_force", "released"]
    assert receiver.seen[3].content["target"] == receiver.seen[1].content["steps"][0]["target"]
    assert sent(bench, receiver) == 0


def bench_moves(conn, key, now):
    from_to = (("intended", "active"), ("active", "releasing"), ("releasing", "released"))
    for before, after in from_to:
        assert containments.change_state(conn, key, (before,), after, now)


@pytest.mark.parametrize("end", ["denied", "expired"])
def test_a_no_is_told_whoever_said_it(bench, receiver, end):
    (request_id,) = bench.file().asked
    bench.account("anna")
    with bench.store.change() as conn:
        if end == "expired":
            bench.later(days=2)
            deadlines.expire(conn, bench.now)
        else:
            request = approvals.approval_requests.find_request(conn, request_id)
            plan = request.offers[0]
            decision = Decision(
                case_id=request.case_id,
                plan_id=plan.plan_id,
                digest=plan.digest,
                who="anna",
                via="cli",
                approve=False,
                at=bench.now,
            )
            approvals.decide(conn, decision, bench.now, bench.door.starting)
    sent(bench, receiver)
    assert receiver.kinds()[-1] == "denied"
    assert receiver.seen[-1].content["by"] == ("playbook" if end == "expired" else "anna")


def test_what_one_receiver_did_not_take_is_sent_again_in_order(bench, receiver):
    other = Receiver("other")
    bench.file()
    other.down = True
    assert sent(bench, receiver, other) == 0 and receiver.kinds() == ["case_filed"]
    other.down = False
    assert sent(bench, receiver, other) == 2 and other.kinds() == ["case_filed", "waiting"]
    assert len({event.key for event in receiver.seen}) == 2, "a repeat has the key of the first"


def test_a_notifier_of_people_is_sent_no_events_and_old_ones_go(bench):
    people = Receiver("mail", takes_events=False)
    bench.file()
    assert sent(bench, people) == 2 and people.seen == []
    bench.later(days=8)
    with bench.store.change() as conn:
        assert events.forget(conn, bench.now) == 2
