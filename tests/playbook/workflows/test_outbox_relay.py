"""The outbox: a ticket before anyone is asked, one ticket whatever fails, and nothing lost while a desk is down."""

from dataclasses import replace

import pytest

from playbook.cases import outbox
from playbook.errors import BadAnswer, Unreachable
from playbook.model.response import Notice
from playbook.workflows import outbox_relay, scheduler
from tests.support.response_fixtures import a_bot


def deliver(bench):
    return (
        outbox_relay.open_tickets(bench.works),
        outbox_relay.send_comments(bench.works),
        outbox_relay.tell_people(bench.works),
    )


def untold(bench):
    with bench.store.reading() as conn:
        return [notice.key for notice in outbox.pending_notifications(conn)]


def test_nobody_is_asked_before_the_ticket_is_open(bench):
    (request,) = bench.file().asked
    bench.desk.break_down("open")
    assert deliver(bench) == (0, 0, 0) and untold(bench) == [f"ask:{request}"]
    assert deliver(bench) == (1, 0, 1) and bench.mail.logged("told") == [f"ask:{request}"]
    assert deliver(bench) == (0, 0, 0)


def test_without_a_desk_people_are_asked_at_once(bench):
    bench.works = replace(bench.works, desks=())
    bench.file()
    assert deliver(bench) == (0, 0, 1)


def test_what_is_no_question_does_not_wait_for_a_ticket(bench):
    bench.file()
    with bench.store.change() as conn:
        outbox.enqueue_notification(conn, "C-1", Notice(key="other", title="t", text="x"), bench.now)
    bench.desk.break_down("open")
    deliver(bench)
    assert bench.mail.logged("told") == ["other"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_desk_that_is_down_for_an_hour_gets_one_ticket_and_people_hear_of_it(bench, when):
    bench.file(a_bot(31), a_bot(32, destination="203.0.113.67"))
    bench.desk.break_down("open", when, times=20)
    for _ in range(20):
        deliver(bench)
        bench.later(minutes=3)
    told = bench.mail.logged("told")
    assert told == [f"desk:desk:{bench.now:%Y-%m-%d}"]
    deliver(bench)
    assert sorted(bench.desk.logged("ticket")) == ["case:C-00000000001f", "case:C-000000000020"]
    assert len(bench.mail.logged("told")) == 3


def test_a_desk_that_refuses_one_ticket_still_gets_the_others(bench, monkeypatch):
    bench.file(a_bot(31), a_bot(32, destination="203.0.113.67"))
    real = bench.desk.open
    monkeypatch.setattr(
        bench.desk, "open", lambda t: (_ for _ in ()).throw(BadAnswer("no")) if t.key.endswith("1f") else real(t)
    )
    assert outbox_relay.open_tickets(bench.works) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_comment_is_added_once(bench, when):
    (key,) = bench.approved()
    assert key
    outbox_relay.open_tickets(bench.works)
    bench.desk.break_down("comment", when)
    assert outbox_relay.send_comments(bench.works) == 0
    assert outbox_relay.send_comments(bench.works) == 1 and outbox_relay.send_comments(bench.works) == 0
    assert len(bench.desk.logged("comment")) == 1


def test_a_notice_waits_until_somebody_takes_it_and_one_is_enough(bench):
    class Dead:
        name = "dead"

        def tell(self, notice):
            raise Unreachable("dead")

    bench.file()
    outbox_relay.open_tickets(bench.works)
    bench.works = replace(bench.works, notifiers=(Dead(),))
    assert outbox_relay.tell_people(bench.works) == 0 and len(untold(bench)) == 1
    bench.works = replace(bench.works, notifiers=(Dead(), bench.mail))
    assert outbox_relay.tell_people(bench.works) == 1 and untold(bench) == []


def test_the_report_is_attached_and_a_failure_to_attach_is_said_in_the_ticket(bench):
    bench.works = replace(bench.works, report=lambda case: f"<html>{case.host}".encode())
    bench.file(a_bot(31), a_bot(32))
    bench.desk.break_down("attach")
    assert outbox_relay.open_tickets(bench.works) == 2 and outbox_relay.send_comments(bench.works) == 1
    (attachment,) = bench.desk.logged("attach")
    reference, file = attachment.split()
    other = a_bot(32)
    assert (reference, file) == ("T-2", f"{other.case_id}.html")
    assert bench.desk.state[f"attach {file}"] == f"<html>{other.host}"
    (comment,) = bench.desk.logged("comment")
    assert "could not be attached" in bench.desk.state[f"comment {comment}"]


def test_silence_is_reminded_of_at_half_time_and_is_a_no_in_the_end(bench):
    bench.file()
    assert (scheduler.expire(bench.works), scheduler.remind(bench.works)) == (0, 0)
    bench.later(hours=12)
    assert (scheduler.expire(bench.works), scheduler.remind(bench.works)) == (0, 1)
    assert scheduler.remind(bench.works) == 0
    bench.later(hours=12)
    assert (scheduler.expire(bench.works), scheduler.expire(bench.works)) == (1, 0)
    bench.account("anna")
    assert bench.kinds().count("approval expired") == 1
