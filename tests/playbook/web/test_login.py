"""Logging in: which accounts exist is not told, and guessing locks the name where it is guessed, not everybody."""

import pytest

from playbook.cases import accounts, login_throttle
from playbook.cases.accounts import Proof
from tests.playbook.web.web import PASSWORD, fields, token_of


def guess(web, name, client, password="not this one"):
    form = fields(client.get("/login").text)
    answer = client.post("/login", data=form | {"name": name, "password": password})
    return answer.status_code, answer.text.partition('role="alert"')[2].partition("</div>")[0]


def test_a_name_that_nobody_has_is_answered_like_any_other_however_often(web, clock):
    client = web.browser()
    told = {name: [guess(web, name, client) for _ in range(9)] for name in ("anna", "nobody-here")}
    assert told["anna"] == told["nobody-here"]
    assert "too many failures" in told["anna"][-1][1].lower()


def test_forty_guesses_behind_one_address_lock_nobody_else_out(web):
    stranger = web.browser()
    for number in range(40):
        guess(web, f"name-{number % 7}", stranger)
    assert web.log_in("anna", client=web.browser()).status_code == 200
    for _ in range(12):
        guess(web, "bert", stranger)
    assert guess(web, "bert", stranger, PASSWORD)[0] in (401, 429)


def test_a_known_browser_comes_in_while_others_guess_its_name(web, clock):
    mine, stranger = web.browser(), web.browser()
    assert web.log_in("anna", client=mine).status_code == 200
    for _ in range(12):
        guess(web, "anna", stranger)
    assert guess(web, "anna", stranger, PASSWORD)[0] in (401, 429)
    assert web.log_in("anna", client=mine).status_code == 200
    forged = web.browser()
    forged.cookies.set("device", "x.y", path="/login")
    assert guess(web, "anna", forged, PASSWORD)[0] in (401, 429)


def test_guesses_from_many_places_lock_the_name_everywhere_but_in_a_known_browser(web, clock):
    moment = clock()
    for number in range(55):
        accounts.by_password(web.store, "anna", "wrong", moment, place=f"192.0.2.{number}")
    assert not isinstance(accounts.by_password(web.store, "anna", PASSWORD, moment, place="198.51.100.1"), Proof)
    assert isinstance(accounts.by_password(web.store, "anna", PASSWORD, moment, place="device:abc"), Proof)
    assert isinstance(accounts.by_password(web.store, "bert", PASSWORD, moment, place="198.51.100.1"), Proof)


def test_what_is_kept_of_guesses_is_bounded_and_forgotten(web, clock, monkeypatch):
    monkeypatch.setattr(login_throttle, "_MOST_ROWS", 20)
    with web.store.change() as conn:
        for number in range(40):
            login_throttle.count_failure(conn, f"name-{number}", "192.0.2.1", clock())
        rows = conn.exec_driver_sql("SELECT count(*) FROM login_failures").scalar_one()
        assert rows <= 22
        clock.forward(hours=2)
        login_throttle.count_failure(conn, "name", "192.0.2.1", clock())
        assert conn.exec_driver_sql("SELECT count(*) FROM login_failures").scalar_one() == 2


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({}, 303, ""),
        ({"current": "wrong"}, 403, "is wrong"),
        ({"again": "another password"}, 422, "differ"),
        ({"password": "short", "again": "short"}, 422, "at least 12"),
        ({"csrf": "forged"}, 403, "not one of ours"),
    ],
)
def test_a_password_is_changed_by_who_knows_the_old_one(web, change, status, said):
    web.log_in("anna")
    elsewhere = web.browser()
    web.log_in("anna", client=elsewhere)
    form = {"current": PASSWORD, "password": "a new password 1", "again": "a new password 1"}
    form["csrf"] = token_of(web.client.get("/account").text, "/account/password")
    answer = web.client.post("/account/password", data=form | change)
    assert answer.status_code == status and said in answer.text
    if status == 303:
        assert elsewhere.get("/").status_code == 303 and web.client.get("/").status_code == 303
        assert guess(web, "anna", web.browser(), PASSWORD)[0] == 401
        assert web.log_in("anna", "a new password 1").status_code == 200
        assert "password set" in web.journal()
    else:
        assert elsewhere.get("/").status_code == 200
