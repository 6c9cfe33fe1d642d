"""Who may do what with an alert, and what its sender can and cannot make us believe."""

import pytest

from playbook.cases import approval_requests, approvals, outbox
from playbook.model.response import Decision
from tests.playbook.alerts.scene import bot, scene
from tests.support.case_store import fresh_record

ELSEWHERE = {"dst_ip": "203.0.113.250"}
LISTED = "192.0.2.251"


@pytest.fixture
def s(tmp_path):
    with scene(f"sqlite:///{fresh_record(tmp_path / 'state.db')}") as one:
        yield one


def row_of(s, **change):
    answer = s.act("file_detection", bot(**change), s.token("siem", "intake"))
    assert answer.status_code == 200, answer.text
    return answer.json()["data"][0]


@pytest.mark.parametrize(
    "claim",
    [
        {"services": "irc", "transports": "tcp"},
        {"processes": "evil.exe"},
        {"beaconing_score": 3},
        {"connections": 100_000, "services": "irc,irc-base", "transports": "tcp"},
    ],
)
def test_what_only_the_alert_says_convicts_nobody_and_changes_nothing(s, claim):
    forged, plain = row_of(s, **ELSEWHERE, **claim), row_of(s, **ELSEWHERE)
    assert forged["disposition"] == plain["disposition"] == "UNDETERMINED" and forged["plan_id"] == ""
    honest = row_of(s, **claim)
    assert honest["disposition"] == "TRUE_POSITIVE", "its twin, which our own log shows, is convicted"


def test_a_listed_address_that_no_host_of_ours_called_is_a_hint(s):
    row = row_of(s, src_ip="10.1.3.77", dst_ip=LISTED, dst_port=8443)
    assert row["disposition"] == "UNDETERMINED" and row["plan_id"] == ""
    assert "lists" in row["reasons"] and "no TCP conversation that this source opened" in row["reasons"]


def test_an_alert_never_takes_the_place_of_what_our_own_source_said(s):
    convicted = row_of(s)
    assert convicted["disposition"] == "TRUE_POSITIVE"
    later = row_of(
        s,
        last_seen="2026-03-05T00:00:00Z",
        first_seen="2026-03-04T00:00:00Z",
        connections=10,
        total_bytes_sent=10**9,
        total_bytes_rcvd=1,
    )
    assert later["case_id"] == convicted["case_id"] and later["disposition"] == "TRUE_POSITIVE"
    assert later["plan_state"] == "waiting"


@pytest.mark.parametrize("who", ["siem", "other"])
def test_whoever_sent_the_alert_never_approves_by_any_door(s, who):
    row = row_of(s)
    s.post(bot(source="sample", connections="288"), **s.token("other", "intake"))
    with s.store.change() as conn:
        conn.exec_driver_sql("UPDATE accounts SET role = 'approver' WHERE name IN ('siem', 'other')")
        request = approval_requests.find_request(conn, row["case_id"])
        decision = Decision(
            case_id=row["case_id"],
            plan_id=row["plan_id"],
            digest=row["digest"],
            who=who,
            via="page",
            approve=True,
            at=s.clock(),
        )
        outcome = approvals.decide(conn, decision, s.clock(), lambda *_: None)
    assert request is not None and (outcome.result, outcome.reason) == ("refused", "requester")


def test_a_token_of_the_same_account_with_another_scope_does_not_approve_either(s):
    row = row_of(s)
    with s.store.change() as conn:
        conn.exec_driver_sql("UPDATE accounts SET role = 'approver' WHERE name = 'siem'")
    plan = {"plan_id": row["plan_id"], "digest": row["digest"]}
    answer = s.act("approve_plan", plan, s.token("siem", "approve"))
    assert answer.status_code == 409 and "asked for this" in answer.json()["error"]
    assert s.act("approve_plan", plan, s.token("anna", "approve")).status_code == 200


def test_a_token_that_only_contains_does_not_approve(s):
    row = row_of(s)
    kind, target, *_ = row["steps"].split()
    assert kind == "block_address"
    block = {"plan_id": row["plan_id"], "digest": row["digest"], "approved_by": "x", "address": target}
    answer = s.act("block_address", block, s.token("hands", "contain"))
    assert answer.status_code == 409 and "carries out approved plans only" in answer.json()["error"]


def test_beyond_the_cap_an_hour_alerts_are_kept_in_one_digest_ticket_and_judged_when_sent_again(tmp_path):
    with scene(f"sqlite:///{fresh_record(tmp_path / 'c.db')}", limits={"alerts_per_hour": 3}) as s:
        many = [bot(dst_port=port) for port in range(1, 9)]
        answer = s.post(many).json()
        assert (answer["accepted"], answer["over_cap"]) == (3, 5)
        assert s.post(many[3:]).json()["over_cap"] == 5
        key = f"alerts:siem:{s.clock():%Y-%m-%dT%H}"
        with s.store.reading() as conn:
            ticket = outbox.ticket_of(conn, key)
        assert ticket is not None and ticket.ticket.text.startswith("10 alerts came over the cap")
        assert s.post(many[3:], **s.token("other", "intake")).json()["accepted"] == 3
        s.clock.forward(hours=1, seconds=1)
        assert s.post(many[3:]).json()["accepted"] == 2
