"""Logging in through an identity provider: a real one on loopback, the code flow with PKCE, and how it fails."""

import threading
import warnings
from urllib.parse import parse_qs, urlsplit

import flask
import httpx2
import pytest
from werkzeug.serving import make_server

from playbook.cases import accounts
from playbook.config import Config
from playbook.errors import ConfigError
from playbook.web.app import build
from tests.playbook.web.web import CONFIG

# The provider's own deprecations are not ours to mend.
with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
    import oidc_provider_mock
    from oidc_provider_mock import User
pytestmark = [pytest.mark.loopback, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
SUBJECTS = {
    "anna": {"preferred_username": "Anna", "email": "anna@corp.example", "email_verified": True},
    "stranger": {"preferred_username": "stranger"},
    "nameless": {},
    "forger": {"preferred_username": "mallory", "email": "anna@corp.example", "email_verified": False},
    "grouped": {"preferred_username": "gerd", "groups": ["staff", "soc", "soc-leads"]},
    "ungrouped": {"preferred_username": "ulla", "groups": ["staff"]},
    "odd": {"preferred_username": "otto", "groups": {"soc": True}},
    "bert-by-group": {"preferred_username": "root", "groups": "soc"},
    "list": {"preferred_username": ["anna"]},
}


class Provider:
    """The provider, and every request it got."""

    def __init__(self):
        users = [User(sub=sub, claims=claims) for sub, claims in SUBJECTS.items()]
        app = oidc_provider_mock.app(user_claims=users, require_nonce=True)
        self.seen = []
        app.before_request(lambda: self.seen.append(_seen()))
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"


def _seen():
    return flask.request.path, dict(flask.request.form)


@pytest.fixture(scope="module")
def provider():
    one = Provider()
    thread = threading.Thread(target=one.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield one
    one.server.shutdown()
    one.server.server_close()
    thread.join()


@pytest.fixture
def web(make, provider, monkeypatch):
    monkeypatch.setenv("OIDC_SECRET", "a secret of ours")
    return make(config=with_provider(provider.issuer))


def with_provider(provider, **change):
    oidc = {"issuer": provider, "client_id": "playbook", "client_secret_env": "OIDC_SECRET"} | change
    return Config.model_validate(CONFIG.model_dump() | {"serve": {"oidc": oidc}})


def answer_of(provider, sub, away):
    """What the provider sends the browser back with, once this person has logged in there."""
    sent = httpx2.post(away, data={"sub": sub}, follow_redirects=False)
    assert sent.status_code in (302, 303), sent.text
    return sent.headers["location"].removeprefix("http://testserver")


def start(web, there="/cases"):
    answer = web.client.get("/login/oidc/start", params={"next": there})
    assert answer.status_code == 302
    return answer.headers["location"]


def test_the_button_is_there_and_somebody_known_gets_in(web, provider):
    assert "/login/oidc/start" in web.client.get("/login").text
    away = start(web)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(away).query).items()}
    assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://testserver/login/oidc/back" and asked["state"] and asked["nonce"]
    answer = web.client.get(answer_of(provider, "anna", away))
    assert answer.status_code == 200 and answer.headers["refresh"] == "0;url=/cases", answer.text
    assert "<b>anna</b> approver</a>" in web.client.get("/").text
    form = next(form for path, form in reversed(provider.seen) if path.endswith("token"))
    assert form["code_verifier"] and form["code_verifier"] not in away
    assert web.answer().status_code == 303


@pytest.mark.parametrize(
    ("sub", "status", "said"),
    [
        ("stranger", 403, "no account of that name"),
        ("nameless", 403, "says no preferred_username"),
        ("list", 403, "says no preferred_username"),
    ],
)
def test_whom_we_do_not_know_stays_outside(web, provider, sub, status, said):
    answer = web.client.get(answer_of(provider, sub, start(web)))
    assert answer.status_code == status and said in answer.text and "session" not in answer.cookies


def test_an_address_that_is_not_verified_names_nobody(make, provider, monkeypatch):
    monkeypatch.setenv("OIDC_SECRET", "a secret of ours")
    web = make(config=with_provider(provider.issuer, name_claim="email"))
    answer = web.client.get(answer_of(provider, "forger", start(web)))
    assert answer.status_code == 403 and "session" not in answer.cookies


@pytest.mark.parametrize("change", ["state", "code", "browser", "twice", "denied"])
def test_an_answer_that_is_not_this_browsers_own_proves_nothing(web, provider, change):
    back = answer_of(provider, "anna", start(web))
    client = web.client
    if change == "browser":
        client = web.browser()
    elif change == "twice":
        assert client.get(back).status_code == 200
        client = web.browser(cookies=dict(client.cookies))
        client.cookies.delete("session")
    elif change == "denied":
        back = "/login/oidc/back?error=access_denied&error_description=<script>"
    else:
        part = f"{change}="
        head, _, tail = back.partition(part)
        back = head + part + "x" + tail
    answer = client.get(back)
    assert answer.status_code == 401 and "session" not in answer.cookies and "<script" not in answer.text


@pytest.mark.parametrize("there", ["//evil.example", "https://evil.example"])
def test_the_way_back_stays_ours(web, provider, there):
    answer = web.client.get(answer_of(provider, "anna", start(web, there)))
    assert answer.headers["refresh"] == "0;url=/"


def test_a_provider_that_is_away_is_a_fault_told_to_the_person(make, monkeypatch):
    monkeypatch.setenv("OIDC_SECRET", "a secret of ours")
    web = make(config=with_provider("http://127.0.0.1:1"))
    answer = web.client.get("/login/oidc/start")
    assert answer.status_code == 502 and "does not answer" in answer.text


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://idp.example"},
        {"issuer": "idp"},
        {"client_id": ""},
        {"more": 1},
    ],
)
def test_wrong_settings_stop_the_start(web, provider, change):
    parts = web.parts.__class__(**{**web.parts.__dict__, "config": with_provider(provider.issuer, **change)})
    with pytest.raises(ConfigError, match=r"serve\.oidc"):
        build(parts)


ROLES = {"soc": "responder", "soc-leads": "approver"}


@pytest.mark.parametrize(
    ("sub", "status", "role"),
    [
        ("grouped", 200, "approver"),
        ("ungrouped", 403, None),
        ("odd", 403, None),
        ("stranger", 403, None),
        ("bert-by-group", 200, "admin"),
    ],
)
def test_groups_give_the_role_and_take_over_no_local_account(make, provider, monkeypatch, sub, status, role):
    monkeypatch.setenv("OIDC_SECRET", "a secret of ours")
    web = make(config=with_provider(provider.issuer, roles=ROLES))
    answer = web.client.get(answer_of(provider, sub, start(web)))
    assert answer.status_code == status
    with web.store.reading() as conn:
        found = accounts.account_of(conn, SUBJECTS[sub]["preferred_username"])
    assert (found.role if found else None) == role


def test_a_group_that_was_left_takes_the_role_with_it_and_disabling_here_stands(make, provider, monkeypatch):
    monkeypatch.setenv("OIDC_SECRET", "a secret of ours")
    web = make(config=with_provider(provider.issuer, roles=ROLES))
    assert web.client.get(answer_of(provider, "grouped", start(web))).status_code == 200
    web = make(config=with_provider(provider.issuer, roles={"soc": "responder"}))
    assert web.client.get(answer_of(provider, "grouped", start(web))).status_code == 200
    with web.store.change() as conn:
        assert accounts.account_of(conn, "gerd").role == "responder"
        accounts.disable(conn, "gerd", "root", web.clock())
    assert web.client.get(answer_of(provider, "grouped", start(web))).status_code == 403
