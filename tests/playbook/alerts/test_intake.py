"""POST /api/alerts as senders call it: how they prove themselves, what is durable at the 202, and what is refused."""

import hashlib
import hmac
import json
from dataclasses import replace

import pytest

from playbook.assembly import ActionContext
from playbook.cases import repository
from playbook.errors import ConfigError, Unreachable
from playbook.model.detection import Finding
from playbook.web.startup import check_senders
from tests.playbook.alerts.scene import bot, of_sample, scene
from tests.playbook.cases.runs import FILING, judged, run_of
from tests.support.case_store import fresh_record

SECRET = "a secret of the sender"


@pytest.fixture
def s(tmp_path, monkeypatch):
    monkeypatch.setenv("ALERT_SECRET", SECRET)
    senders = {
        "sumo": {"source": "sample", "token_header": "X-Sumo-Token"},
        "signed": {"secret_env": "ALERT_SECRET"},
        "stamped": {"secret_env": "ALERT_SECRET", "timestamp_header": "X-Time"},
    }
    with scene(f"sqlite:///{fresh_record(tmp_path / 'state.db')}", alerts=senders) as one:
        yield one


def signature(body, secret=SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_a_token_in_a_header_that_the_sender_can_set(s):
    token = s.token("siem", "intake")["authorization"].removeprefix("Bearer ")
    assert s.post(bot(), "/api/alerts/sumo", **{"X-Sumo-Token": token}).status_code == 202
    assert s.post(bot(dst_port=443), **{"X-Botnet-Playbook-Token": token}).status_code == 202
    wrong = s.post(bot(), "/api/alerts/sumo", **{"X-Sumo-Token": "bpt_wrong"})
    assert wrong.status_code == 401 and "unknown, revoked" in wrong.json()["error"]
    missing = s.post(bot(), **{"x-other": "1"})
    assert (missing.status_code, missing.json()["error"]) == (401, "a bearer token is needed")


@pytest.mark.parametrize("form", ["{}", "sha256={}", "v1={}"])
def test_a_signature_proves_the_sender_and_only_of_this_body(s, form):
    body = json.dumps(bot()).encode()
    good = {"X-Signature": form.format(signature(body))}
    assert s.post(body, "/api/alerts/signed", **good).status_code == 202
    assert s.post(body + b" ", "/api/alerts/signed", **good).status_code == 401
    assert s.post(body, "/api/alerts/signed", **{"X-Signature": signature(body, "another")}).status_code == 401
    assert s.post(body, "/api/alerts/signed", **{"x-other": "1"}).status_code == 401
    s.work()
    assert s.alert(s.post(body, "/api/alerts/signed", **good).json()["alerts"][0]).account == "alerts:signed"


def test_a_signature_with_a_time_ends(s):
    body, stamp = json.dumps(bot()).encode(), str(int(s.clock().timestamp()))
    good = {"X-Time": stamp, "X-Signature": signature(f"{stamp}.".encode() + body)}
    assert s.post(body, "/api/alerts/stamped", **good).status_code == 202
    s.clock.forward(minutes=5, seconds=1)
    late = s.post(body, "/api/alerts/stamped", **good)
    assert late.status_code == 401 and "older than five minutes" in late.json()["error"]


@pytest.mark.parametrize("scopes", [("investigate",), ("approve",), ("contain",)])
def test_only_the_scope_intake_files(s, scopes):
    answer = s.post(bot(), **s.token("other", *scopes))
    assert answer.status_code == 403 and "takes the scope intake" in answer.json()["error"]
    assert s.work() == 0


def test_bad_rows_are_named_and_the_others_are_durable_before_the_answer(s):
    answer = s.post([bot(), bot(dst_port=True), {"src_ip": "10.0.0.1"}, bot(dst_port=443)])
    body = answer.json()
    assert (answer.status_code, body["accepted"], [bad["row"] for bad in body["rejected"]]) == (202, 2, [2, 3])
    assert "not true" in body["rejected"][0]["error"]
    assert [s.alert(key).state for key in body["alerts"]] == ["queued", "queued"]
    none = s.post([{"src_ip": "10.0.0.1"}])
    assert none.status_code == 400 and "dst_ip, dst_port: not in the row" in none.json()["error"]


def test_what_cannot_be_kept_is_never_answered_with_a_202(s):
    s.token("siem", "intake")
    with s.store.change() as conn:
        conn.exec_driver_sql("ALTER TABLE alerts RENAME TO gone")
    answer = s.post(bot())
    assert answer.status_code >= 500 and answer.json()["status"] == "failed"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]x", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"x" * 5_000_000, "application/json", 413),
    ],
)
def test_every_refusal_has_one_shape_and_a_sentence(s, body, kind, status):
    answer = s.web.client.post("/api/alerts", content=body, headers=s.token("siem", "intake") | {"content-type": kind})
    assert answer.status_code == status
    assert set(answer.json()) == {"status", "error", "message", "complete", "warnings", "data"}
    assert answer.json()["status"] == "failed" and " " in answer.json()["error"]
    assert "(redacted)" not in answer.json()["error"]


def test_cases_are_read_by_filter_and_page(s):
    s.post([bot(), *(bot(src_ip=f"10.1.7.{n}", dst_ip="203.0.113.250") for n in range(1, 6))])
    s.work()
    token = s.token("reader", "investigate")

    def page(**query):
        return s.web.client.get("/api/cases", params=query, headers=token).json()

    assert len(page()["cases"]) == 6 and page()["next_offset"] is None
    first = page(limit=4)
    rest = page(limit=4, offset=first["next_offset"])
    assert len({one["case_id"] for one in first["cases"] + rest["cases"]}) == 6 and rest["next_offset"] is None
    (bad,) = page(disposition="TRUE_POSITIVE")["cases"]
    assert page(host=bad["host"].upper())["cases"] == [bad]
    later = (s.clock.at.replace(year=2030)).isoformat()
    assert page(changed_since=later)["cases"] == []
    assert s.web.client.get("/api/cases", params={"limit": "true"}, headers=token).status_code == 422
    assert s.web.client.get("/api/cases", headers=s.token("siem", "intake")).status_code == 403
    whole = s.web.client.get(f"/api/cases/{bad['case_id']}", headers=token).json()
    assert whole["severity"] == "critical" and whole["plan_state"] == "waiting" and whole["detections"]


def test_a_platform_comments_resolves_and_denies(s):
    siem, soar = s.token("siem", "intake", "investigate"), s.token("soar", "approve", "investigate")
    row = s.act("file_detection", bot(), siem).json()["data"][0]
    said = s.act("comment_case", {"case_id": row["case_id"], "comment": "called the owner"}, siem)
    assert said.json()["data"][0]["kept"] == "trail and ticket"
    denied = s.act("deny_plan", {"plan_id": row["plan_id"], "digest": row["digest"]}, soar).json()["data"][0]
    assert (denied["result"], denied["plan_state"]) == ("denied", "denied")
    late = s.act("approve_plan", {"plan_id": row["plan_id"], "digest": row["digest"]}, soar)
    assert late.status_code == 409 and "denied" in late.json()["error"]
    closed = {"case_id": row["case_id"], "disposition": "BENIGN_POSITIVE", "reason": "a test"}
    assert s.act("resolve_case", closed, siem).json()["data"][0]["person_disposition"] == "BENIGN_POSITIVE"
    assert s.act("resolve_case", closed, siem).status_code == 409
    assert s.act("write_outcome", {"case_id": row["case_id"]}, siem).json()["data"] == []
    assert s.act("get_case", {"case_id": "C-000000000000"}, siem).status_code == 400


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"dst_port": True}, "dst_port: expected a whole number, not a boolean"),
        ({"blocked": 1}, "blocked: expected true or false"),
        ({"connections": False}, "connections: expected a whole"),
    ],
)
def test_true_is_no_integer(s, change, error):
    answer = s.act("judge_detection", bot(**change), s.token("reader", "investigate"))
    assert answer.status_code == 400 and error in answer.json()["error"]


def test_judging_takes_the_alert_as_one_text_and_believes_no_more_of_it(s):
    text = json.dumps({"AggregateResultsJson": json.dumps([bot()]), "Name": "botnet"})
    answer = s.act("judge_detection", {"alert": text}, s.token("reader", "investigate")).json()["data"][0]
    assert (answer["disposition"], answer["severity"]) == ("TRUE_POSITIVE", "critical")
    forged = json.dumps(bot(dst_ip="203.0.113.250", services="irc", transports="tcp"))
    answer = s.act("judge_detection", {"alert": forged}, s.token("reader", "investigate")).json()["data"][0]
    assert answer["disposition"] == "UNDETERMINED" and answer["rung"] == 5
    two = s.act("judge_detection", {"alert": json.dumps([bot(), bot(dst_port=1)])}, s.token("reader", "investigate"))
    assert two.status_code == 400 and "it holds 2 rows" in two.json()["error"]


class Siem:
    """A source that takes outcomes, or is down."""

    name = "sample"

    def __init__(self):
        self.written, self.down = [], False

    def write_back(self, reference, outcome, may_change):
        if self.down:
            raise Unreachable("no answer")
        self.written.append((reference, outcome.disposition))
        return ""


def test_a_platform_has_the_outcome_written_to_the_finding_that_a_case_came_from(s, monkeypatch):
    siem, soar = Siem(), s.token("soar", "investigate", "approve")
    found = judged(4)
    with s.store.change() as conn:
        run = run_of(
            found,
            source="sample",
            findings=(
                Finding(detection_id=found.enriched.detection.detection_id, finding_id="notable-1", reference="ref-1"),
            ),
        )
        filed = repository.file_run(conn, run, FILING, s.clock())
    case_id = filed.cases[0].case_id
    monkeypatch.setattr(ActionContext, "source", lambda self, table: siem)
    siem.down = True
    answer = s.act("write_outcome", {"case_id": case_id}, soar).json()
    assert (answer["status"], answer["data"][0]["state"]) == ("incomplete", "waiting")
    siem.down = False
    answer = s.act("write_outcome", {"case_id": case_id}, soar).json()
    assert answer["data"][0]["state"] == "written" and siem.written == [("ref-1", "TRUE_POSITIVE")]
    s.act("write_outcome", {"case_id": case_id}, soar)
    assert len(siem.written) == 1


def test_the_worker_of_serve_takes_alerts_as_they_arrive(s, monkeypatch):
    works = s.works()
    assert works.take_alerts is not None and works.take_alerts("w1") == 0
    woken = []
    s.web.app.state.parts = replace(s.web.parts, arrived=lambda: woken.append(1))
    s.post(bot())
    assert woken == [1] and works.take_alerts("w1") == 1
    s.post(bot())
    assert woken == [1], "one that was sent before wakes nobody"


def test_nobody_learns_the_names_of_senders_without_a_token(s):
    answer = s.web.client.post("/api/alerts/nobody", json=bot())
    assert answer.status_code == 404 and "sumo" not in answer.text


@pytest.mark.parametrize(("value", "words"), [("", "is not set"), ("short", "at least 16 characters")])
def test_a_sender_whose_secret_is_missing_or_weak_stops_the_start(tmp_path, monkeypatch, value, words):
    monkeypatch.setenv("ALERT_SECRET", value)
    config = of_sample(f"sqlite:///{tmp_path / 'x.db'}", alerts={"edr": {"secret_env": "ALERT_SECRET"}})
    with pytest.raises(ConfigError, match=f"alerts.edr.secret_env: .*{words}"):
        check_senders(config, "playbook.toml")
