"""Containments in the record: one key a target, states by compare and set, receipts kept, what is due, attempts."""

from datetime import timedelta

import pytest

from playbook.cases import approval_requests, audit, containments, outbox
from playbook.model.response import Notice, Receipt, Step
from tests.playbook.cases.runs import file, judged
from tests.support.builders import NOW

LATER = NOW + timedelta(hours=4)


def intended(store):
    """One intended containment; its key."""
    file(store, judged(4))
    with store.change() as conn:
        (request,) = approval_requests.list_requests(conn)
        (key,) = containments.record_intent(conn, request.case_id, request.request_id, request.offers[0], "anna", NOW)
    return key


def move(store, key, before, after, **more):
    with store.change() as conn:
        return containments.change_state(conn, key, before, after, NOW, **more)


def found(store, key):
    with store.reading() as conn:
        return containments.find(conn, key)


def due(store, moment):
    with store.reading() as conn:
        return [one.key for one in containments.due(conn, moment)]


def receipt(action="contain", **change):
    values = {
        "connector": "fw",
        "action": action,
        "ok": True,
        "changed": True,
        "said": "rule 7",
        "reference": "7",
        "at": NOW,
    }
    return Receipt(**(values | change))


def test_a_key_is_of_case_kind_and_target_and_not_of_the_time():
    step = Step(kind="block_address", target="203.0.113.1", scope="all", ttl_s=60)
    key = containments.key_of("C-1", step)
    assert key == containments.key_of("C-1", step.model_copy(update={"ttl_s": 999, "connector": "x"}))
    others = {
        containments.key_of("C-2", step),
        containments.key_of("C-1", step.model_copy(update={"target": "x"})),
        containments.key_of("C-1", step.model_copy(update={"kind": "block_pair"})),
    }
    assert len(others | {key}) == 4 and key.startswith("K-") and len(key) == 18


def test_intending_again_what_is_live_changes_nothing_and_what_ended_begins_anew(store):
    key = intended(store)
    move(store, key, ("intended",), "active", until=LATER)
    with store.change() as conn:
        (request,) = approval_requests.list_requests(conn)
        again = containments.record_intent(conn, request.case_id, "Q-2", request.offers[1], "bert", NOW)
        live = containments.find(conn, key)
    assert again == (key,) and (live.state, live.approved_by, live.round) == ("active", "anna", 1)
    move(store, key, ("active",), "released")
    with store.change() as conn:
        containments.record_intent(conn, request.case_id, "Q-2", request.offers[1], "bert", NOW)
    new = found(store, key)
    assert (new.state, new.approved_by, new.round, new.until) == ("intended", "bert", 2, None)
    assert new.step.ttl_s == request.offers[1].steps[0].ttl_s


def test_a_state_is_left_once(store):
    key = intended(store)
    assert move(store, key, ("intended",), "active", until=LATER)
    assert not move(store, key, ("intended",), "active", until=LATER + timedelta(days=9))
    assert found(store, key).until == LATER
    assert move(store, key, ("active",), "failed", trouble="x" * 5000)
    assert len(found(store, key).trouble) == 2000 and found(store, key).until == LATER


@pytest.mark.parametrize(
    ("state", "asked", "hours", "is_due"),
    [
        ("intended", False, 0, True),
        ("active", False, 3.9, False),
        ("active", False, 4, True),
        ("active", True, 0, True),
        ("extending", False, 4, True),
        ("releasing", False, 0, True),
        ("released", False, 9, False),
        ("failed", False, 9, False),
    ],
)
def test_what_is_due(store, state, asked, hours, is_due):
    key = intended(store)
    move(store, key, ("intended",), state, until=LATER)
    if asked:
        with store.change() as conn:
            assert containments.ask_release(conn, key, "anna", NOW)
    assert due(store, NOW + timedelta(hours=hours)) == ([key] if is_due else [])


def test_a_release_is_asked_once_and_only_of_what_is_live(store):
    key = intended(store)
    with store.change() as conn:
        assert containments.ask_release(conn, key, "anna", NOW, "a mistake")
        assert not containments.ask_release(conn, key, "bert", NOW)
        assert not containments.ask_release(conn, "K-0", "bert", NOW)
    assert found(store, key).release_by == "anna"
    move(store, key, ("intended",), "released")
    with store.change() as conn:
        assert not containments.ask_release(conn, key, "bert", NOW)


def test_what_devices_said_is_kept_in_order_and_in_the_journal(store):
    key = intended(store)
    said = (receipt(), receipt("verify", changed=False), receipt("release", ok=False, said="busy\0"))
    with store.change() as conn:
        for one in said:
            containments.record_receipt(conn, key, one, NOW)
    with store.reading() as conn:
        assert containments.receipts_of(conn, key) == said
        assert [line.kind for line in audit.lines(conn)][-3:] == [
            "device: contain",
            "device: verify",
            "device: release",
        ]
        assert audit.verify(conn) == ()


def test_attempts_are_counted_by_kind_within_the_hour(store):
    step = Step(kind="block_pair", target="t", scope="s", ttl_s=60)
    with store.change() as conn:
        for minutes in (-60, -59, -1, 0, 5):
            containments.count_attempt(conn, step, "K-1", NOW + timedelta(minutes=minutes))
        assert containments.attempts_within(conn, "block_pair", NOW) == 4
        assert containments.attempts_within(conn, "isolate_host", NOW) == 0


def test_a_notice_is_told_once_urgent_ones_first_and_a_failure_is_kept(store):
    with store.change() as conn:
        for key, urgent in (("a", False), ("b", True), ("a", True)):
            outbox.enqueue_notification(conn, "C-1", Notice(key=key, title="t", text="x", urgent=urgent), NOW)
        assert [(n.key, n.urgent) for n in outbox.pending_notifications(conn)] == [("b", True), ("a", False)]
        outbox.mark_notified(conn, "b", NOW, trouble="refused")
        outbox.mark_notified(conn, "a", NOW)
        assert [n.key for n in outbox.pending_notifications(conn)] == ["b"]
