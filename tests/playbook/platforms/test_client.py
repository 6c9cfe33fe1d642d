"""The client that packages carry: what goes wrong is one sentence, the token goes nowhere else, polls lose nothing."""

import json
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook.platforms import _client
from playbook.platforms._client import Playbook, PlaybookFailure, lines
from tests.emulators.site import Answer, Request, site

GOOD = {"action": "x", "status": "success", "message": "m", "complete": True, "warnings": ["w"], "data": [{"a": 1}]}


@dataclass
class Fixed:
    """Answers with one thing whatever is asked."""

    reply: Answer
    seen: list[Request] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)

    def answer(self, request: Request) -> Answer:
        return self.reply


def failure(answer: Answer, **settings) -> PlaybookFailure:
    with site(Fixed(answer)) as address, pytest.raises(PlaybookFailure) as caught:
        Playbook(address, "secret-token", **settings).act("look_up_address", {})
    assert "secret-token" not in str(caught.value)
    return caught.value


@pytest.mark.loopback
def test_an_action_is_one_request_with_what_was_given():
    product = Fixed(Answer(200, GOOD))
    with site(product) as address:
        answer = Playbook(address + "/", " t ", "r").act("look_up_address", {"a": 0, "b": None, "c": "", "d": False})
        Playbook(address, "t", "r").act("block_address", {}, "contain")
    first, second = product.seen
    assert (first.method, first.path, first.json()) == ("POST", "/api/actions/look_up_address", {"a": 0, "d": False})
    assert (first.headers["authorization"], second.headers["authorization"]) == ("Bearer t", "Bearer r")
    assert answer["data"] == [{"a": 1}] and lines(answer) == "m\nw"


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Answer(401, {"error": "the token is unknown"}), "token", "does not accept the token: the token is unknown."),
        (Answer(403, {"error": "takes the scope approve"}), "scope", "takes the scope approve"),
        (Answer(400, {"error": "address: expected an IP"}), "input", "address: expected an IP"),
        (Answer(409, {"error": "refused, nothing was changed"}), "refused", "refused, nothing was changed"),
        (Answer(429, {"error": "asks too much"}), "busy", "asks too much"),
        (Answer(502, b"<html>bad gateway"), "down", "answered with the status 502"),
        (Answer(503, {"error": ["no", "text"]}), "down", "no"),
        (Answer(200, b"<html>a proxy's page"), "answer", "does not answer in JSON"),
        (Answer(200, {"other": "product"}), "answer", "does not answer as botnet-playbook does"),
        (Answer(200, [1]), "answer", "does not answer as botnet-playbook does"),
        (Answer(302, b"", {"Location": "http://127.0.0.1:9/"}), "answer", "redirects elsewhere, which is not followed"),
    ],
)
def test_what_goes_wrong_is_one_sentence_of_a_known_kind(answer, kind, text):
    fault = failure(answer)
    assert fault.kind == kind and text in fault.sentence and "\n" not in fault.sentence


@pytest.mark.loopback
def test_an_answer_has_a_size_and_a_deadline(monkeypatch):
    monkeypatch.setattr(_client, "MOST_BYTES", 10)
    assert "larger than 10 bytes" in failure(Answer(200, GOOD)).sentence
    monkeypatch.undo()
    ticks = iter((0.0, 61.0, 62.0, 63.0))
    monkeypatch.setattr(_client.time, "monotonic", lambda: next(ticks))
    assert "did not answer within 60 seconds" in failure(Answer(200, GOOD)).sentence


@pytest.mark.parametrize(
    "address",
    [
        "",
        "playbook.example",
        "http://playbook.example",
        "ftp://127.0.0.1",
        "https://",
        "https://a:b@h",
        "https://h?x=1",
    ],
)
def test_an_address_is_https_or_this_machine(address):
    with pytest.raises(PlaybookFailure, match="has to be https"):
        Playbook(address, "t")
    assert Playbook("http://[::1]:8080", "t").address == "http://[::1]:8080"


def test_certificates_are_always_checked(tmp_path):
    context = _client._context("")
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    for authorities in ("-----BEGIN CERTIFICATE-----\nno", str(tmp_path / "gone.pem")):
        with pytest.raises(PlaybookFailure, match="neither PEM nor a file"):
            Playbook("https://playbook.example", "t", authorities=authorities)


def test_a_missing_token_is_named_by_what_needs_it():
    with pytest.raises(PlaybookFailure, match=r"block_address needs the response token, .* scope contain"):
        Playbook("https://h", "t").act("block_address", {}, "contain")
    with pytest.raises(PlaybookFailure, match="get_case needs a token"):
        Playbook("https://h", "").act("get_case", {})


ACTIONS = [{"scope": "investigate", "allowed": True}, {"scope": "approve", "allowed": False}]


@pytest.mark.loopback
def test_the_test_of_a_connection_tries_both_tokens():
    product = Fixed(Answer(200, {"actions": ACTIONS}))
    with site(product) as address:
        Playbook(address, "t").check()
        with pytest.raises(PlaybookFailure, match="The response token has not the scope approve or contain"):
            Playbook(address, "t", "r").check()
        product.reply = Answer(200, {"actions": ACTIONS[1:]})
        with pytest.raises(PlaybookFailure, match="The token has not the scope investigate"):
            Playbook(address, "t").check()
        product.reply = Answer(200, {"status": "ok"})
        with pytest.raises(PlaybookFailure, match="does not answer as botnet-playbook does"):
            Playbook(address, "t").check()
    assert [one.headers["authorization"] for one in product.seen] == [f"Bearer {t}" for t in "ttrtt"]


START = datetime(2026, 3, 2, tzinfo=UTC)


class Ledger(Playbook):
    """Cases that change while they are polled; a page is what the service gives, the last changed first."""

    def __init__(self, rows):
        super().__init__("http://127.0.0.1", "t")
        self.rows = rows

    def page(self, changed_since, limit, offset):
        rows = [one for one in self.rows if one["updated_at"] >= changed_since]
        rows.sort(key=lambda one: one["updated_at"], reverse=True)
        last = offset + limit >= len(rows)
        return {"cases": rows[offset : offset + limit], "next_offset": None if last else offset + limit}


def a_case(number, minute, status="proposed"):
    moment = (START + timedelta(minutes=minute)).isoformat()
    return {"case_id": f"C-{number:012x}", "updated_at": moment, "status": status}


changes = st.tuples(st.integers(0, 8), st.integers(1, 30), st.integers(0, 9), st.sampled_from(("proposed", "watch")))


@given(st.lists(st.lists(changes, max_size=6), max_size=8), st.integers(1, 4))
def test_each_case_is_given_once_however_late_it_is_recorded_and_however_often_it_changes(rounds, limit):
    """Rounds of changes: a case, the minutes since the last change, and how late (under ten) it can be read."""
    rows, state, given_out, minute = {}, {}, [], 0
    ledger = Ledger([])
    for some in (*rounds, *[[]] * 12):
        for number, later, late, status in some:
            minute += later
            if rows.get(number, {}).get("status") != "proposed":
                rows[number] = a_case(number, max(minute - late, 0), status)
        ledger.rows = list(rows.values())
        fresh, state = ledger.new_cases(state, START.isoformat(), limit)
        assert len(fresh) <= limit
        given_out += [one["case_id"] for one in fresh]
        state = json.loads(json.dumps(state))
    assert len(given_out) == len(set(given_out))
    assert set(given_out) == {one["case_id"] for one in rows.values() if one["status"] == "proposed"}


def test_a_poll_walks_all_pages_and_says_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(_client, "PAGE", 3)
    ledger = Ledger([a_case(n, n) for n in range(10)])
    fresh, state = ledger.new_cases({}, "2026-03-01T00:00:00Z", 4)
    assert [one["case_id"][-1] for one in fresh] == ["0", "1", "2", "3"]
    fresh, _ = ledger.new_cases(state, "2026-03-01T00:00:00Z", 100)
    assert len(fresh) == 6
    monkeypatch.setattr(_client, "MOST_PAGES", 2)
    with pytest.raises(PlaybookFailure, match="More than 6 cases changed"):
        ledger.new_cases({}, "2026-03-01T00:00:00Z", 4)
    with pytest.raises(PlaybookFailure, match="is no time"):
        ledger.new_cases({}, "yesterday", 4)
