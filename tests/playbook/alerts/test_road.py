"""The whole road: another product's alert comes in, a second identity approves, a device is set, and lets go again."""

import json

import pytest

from playbook.cases import alerts, audit, containments
from tests.playbook.alerts.scene import bot, carried_out, later, released, scene, with_crowdsec

pytestmark = pytest.mark.loopback


def only(answer):
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["data"]
    return row


def test_from_an_alert_of_another_product_to_a_verified_release(url, monkeypatch):
    with with_crowdsec(monkeypatch) as (lapi, tables), scene(url, containments=tables) as s:
        answer = s.post(bot())
        assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
        assert s.cases() == ()
        assert s.work() == 1
        (row,) = s.cases()
        reader, approver = s.token("reader", "investigate"), s.token("soar", "approve", "contain", "investigate")
        case = only(s.act("get_case", {"case_id": row.case_id}, reader))
        assert (case["disposition"], case["confidence"], case["severity"]) == ("TRUE_POSITIVE", "high", "critical")
        assert (case["plan_state"], case["requester"]) == ("waiting", "siem")
        assert case["steps"] == "block_address 198.51.100.23 14400 waiting"
        assert "T1071 Application Layer Protocol (TA0011 Command and Control; observed)" in case["techniques"]
        plan = {"plan_id": case["plan_id"], "digest": case["digest"]}

        refused = s.act("approve_plan", plan, s.token("siem", "intake", "investigate"))
        assert refused.status_code == 403 and "takes the scope approve" in refused.json()["error"]
        approved = only(s.act("approve_plan", plan, approver))
        assert (approved["result"], approved["plan_state"]) == ("approved", "approved")
        works = s.works()
        assert carried_out(works, s.web.request.request_id) == ["done"]
        assert len(lapi.active("198.51.100.23")) == 1

        block = {"address": "198.51.100.23", "approved_by": "carol", **plan}
        assert only(s.act("block_address", block, approver))["state"] == "applied"
        case = only(s.act("get_case", {"case_id": row.case_id}, reader))
        assert case["in_force"] == 1 and case["containments"].endswith("in force") and case["ends"]

        later(s.clock, hours=4, seconds=1)
        lapi.forward(hours=4, seconds=1)
        with s.store.reading() as conn:
            (due,) = containments.due(conn, s.clock())
        assert released(works, due.key) == "done" and lapi.active("198.51.100.23") == []
        assert only(s.act("get_case", {"case_id": row.case_id}, reader))["containments"].endswith("released")
        with s.store.reading() as conn:
            assert audit.verify(conn) == ()
            kinds = [line.kind for line in audit.lines(conn, limit=1000)]
        assert kinds.index("alerts received") < kinds.index("alert filed") < kinds.index("approved")


def test_a_plan_that_was_only_proposed_cannot_be_blocked_and_one_that_was_filed_can(url, monkeypatch):
    with with_crowdsec(monkeypatch) as (_, tables), scene(url, containments=tables) as s:
        sender, approver = s.token("siem", "intake", "investigate"), s.token("soar", "approve", "contain")
        proposed = s.act("propose_response", bot(source="sample", services="irc", transports="tcp"), sender)
        step = next(one for one in proposed.json()["data"] if one["entry"] == "step")
        block = {"address": step["target"], "plan_id": step["plan_id"], "digest": step["digest"], "approved_by": "x"}
        assert s.act("block_address", block, approver).status_code == 409

        filed = only(s.act("file_detection", bot(source="sample"), sender))
        assert (filed["state"], filed["disposition"], filed["plan_state"]) == ("filed", "TRUE_POSITIVE", "waiting")
        assert filed["approval_url"] == f"https://pages.example/cases/{filed['case_id']}" and filed["expires_at"]
        block |= {"address": "198.51.100.23", "plan_id": filed["plan_id"], "digest": filed["digest"]}
        done = only(s.act("block_address", block, approver))
        assert done["state"] == "approved, being set"


@pytest.mark.parametrize("copies", [2, 5])
def test_the_same_alert_is_one_case_however_often_and_by_whomever_it_is_sent(url, copies):
    with scene(url) as s:
        first = s.post([bot()] * copies)
        again = s.post(bot(), **s.token("other", "intake"))
        assert (first.json()["accepted"], again.json()["repeated"]) == (1, 1)
        assert s.work() == 1 and s.work() == 0
        later = s.post(bot())
        assert later.json()["repeated"] == 1 and s.work() == 0
        assert len(s.cases()) == 1
        with s.store.reading() as conn:
            assert alerts.senders_of(conn, s.cases()[0].case_id) == {"siem", "other"}


def test_the_alert_and_our_own_run_are_one_case_with_one_question(url):
    with scene(url) as s:
        s.wired.carry(s.wired.errands()[0].name, s.clock())
        before = {one.case_id for one in s.cases()}
        s.post(bot())
        s.work()
        assert {one.case_id for one in s.cases()} == before


def test_a_gated_alert_is_no_case_and_says_why(url):
    with scene(url) as s:
        row = only(s.act("file_detection", bot(dst_ip="10.1.0.9"), s.token("siem", "intake")))
        assert (row["state"], row["case_id"], row["disposition"]) == ("filtered", "", "FALSE_POSITIVE")
        assert "not globally routable" in row["reasons"] or "private" in row["reasons"]


def test_a_row_without_counts_is_judged_on_our_own_and_says_what_it_lacks(url):
    with scene(url) as s:
        alone = {
            "src_ip": "10.1.3.10",
            "dst_ip": "198.51.100.23",
            "dst_port": 6667,
            "last_seen": "2026-03-02T23:59:59Z",
        }
        row = only(s.act("file_detection", {"alert": json.dumps(alone)}, s.token("siem", "intake")))
        assert row["disposition"] == "TRUE_POSITIVE"
        assert "connections, hourly_buckets, first_seen: not in the alert" in row["notes"]
        assert "judged on our own count: 48 connections" in row["notes"]
