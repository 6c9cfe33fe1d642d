"""Attacks: what an attacker can send or make us show, and that none of it works."""

from types import SimpleNamespace

import pytest
from argon2 import extract_parameters

from playbook.cases import accounts
from playbook.config import Config
from playbook.web.auth import own_path
from playbook.web.telemetry import redacted
from tests.playbook.cases.runs import file, judged
from tests.playbook.web.web import PASSWORD, fields

SCRIPT = "<script>alert(1)</script>"
PAGES = ("/", "/cases", "/blocked", "/audit", "/login", "/nowhere")
HOSTILE = (
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{7*7}}",
    "{% raw %}",
    "</title><script>x</script>",
    "a\u202eb\x1b[31m",
    "\x00host",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_host_name_is_text_on_every_page(web, name):
    file(web.store, judged(4, host=name, hostname=name))
    web.log_in("anna")
    case_id = web.request.case_id
    web.answer(comment=name[:100])
    for place in ("/", "/cases", f"/cases/{case_id}", "/blocked", "/audit", f"/audit?case={case_id}"):
        answer = web.client.get(place)
        assert answer.status_code == 200
        text = answer.text
        assert "<script" not in text.lower() and "onerror=alert(1)>" not in text.replace("&gt;", "")
        assert "<img" not in text and "49" not in _title(text)
        assert "\x1b" not in text and "\u202e" not in text


def _title(text):
    return text.partition("<title>")[2].partition("</title>")[0]


@pytest.mark.parametrize("place", PAGES)
def test_every_answer_forbids_framing_scripts_sniffing_and_keeping(web, place):
    if place != "/login":
        web.log_in("anna")
    for answer in (web.client.get(place), web.client.post(place), web.browser().get(place)):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert "base-uri 'none'" in policy and "form-action 'self'" in policy
        assert answer.headers["x-frame-options"] == "DENY" and answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] in ("same-origin", "no-referrer")
        assert " style=" not in answer.text and " onclick" not in answer.text


@pytest.mark.parametrize(
    "there",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "///evil",
        "javascript:alert(1)",
        "http:evil",
        "/%0d%0aSet-Cookie:x=1\r\nX: y",
        "/a\nb",
        "",
        "evil",
        "/..//evil.example\\",
    ],
)
def test_after_a_login_one_lands_on_a_page_of_ours(web, there):
    there = own_path(there)
    assert there.startswith("/") and not there.startswith(("//", "/\\")) and "\\" not in there
    answer = web.log_in("anna", there=there)
    assert answer.headers["refresh"] == f"0;url={there}"


@pytest.mark.parametrize("there", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_a_way_out_in_the_address_or_the_form_is_not_taken(web, there):
    assert "evil" not in web.client.get("/login", params={"next": there}).text
    assert web.log_in("anna", there=there).headers["refresh"] == "0;url=/"


def test_a_session_that_was_planted_is_never_logged_in(web):
    planted = "x" * 43
    web.client.cookies.set("session", planted)
    answer = web.log_in("anna")
    given = answer.cookies["session"]
    assert given != planted
    thief = web.browser(cookies={"session": planted})
    assert thief.get("/").status_code == 303
    first = web.browser(cookies={"session": given})
    assert first.get("/").status_code == 200
    second = web.log_in("bert", client=first).cookies["session"]
    assert web.browser(cookies={"session": given}).get("/").status_code == 303
    assert web.browser(cookies={"session": second}).get("/").status_code == 200


def test_a_new_password_ends_the_sessions_that_the_old_one_opened(web):
    web.log_in("anna")
    other = web.browser()
    web.log_in("bert", client=other)
    with web.store.change() as conn:
        accounts.set_password(conn, "anna", "another long password", "root", web.parts.now())
    assert web.client.get("/").status_code == 303 and other.get("/").status_code == 200


def test_a_session_cookie_is_hidden_from_scripts_and_other_sites(make):
    cookie = make().log_in("anna").headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "secure" not in cookie
    safe = make(secure=True)
    safe.client.base_url = "https://testserver"
    cookie = safe.log_in("anna").headers["set-cookie"]
    assert cookie.startswith("__Host-session=") and "Secure" in cookie and "Path=/;" in cookie


def test_only_the_hash_of_a_session_is_stored(web):
    token = web.log_in("anna").cookies["session"]
    raw = (web.store.file.parent / "state.db").read_bytes()
    wal = web.store.file.with_name("state.db-wal")
    assert token.encode() not in raw + (wal.read_bytes() if wal.exists() else b"")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://testserver"}, 401),
        ({"sec-fetch-site": "same-origin"}, 401),
        ({"host": "evil.example"}, 421),
        ({"host": "testserver.evil.example"}, 421),
        ({"host": "testserver:80@evil"}, 421),
        ({"host": ""}, 421),
    ],
)
def test_a_form_from_another_site_or_for_another_host_goes_nowhere(web, headers, status):
    form = fields(web.client.get("/login").text) | {"name": "anna", "password": "wrong"}
    assert web.client.post("/login", data=form, headers=headers).status_code == status


def test_the_login_form_takes_its_own_token_only(web):
    form = fields(web.client.get("/login").text)
    assert web.browser().post("/login", data=form | {"name": "anna", "password": PASSWORD}).status_code == 403
    answer = web.client.post("/login", data=form | {"csrf": "0" * 64, "name": "anna", "password": PASSWORD})
    assert answer.status_code == 403 and "session" not in answer.cookies


@pytest.mark.parametrize("path", ["/login", "/cases/C-1/decide", "/api/actions/look_up_address"])
def test_a_huge_body_is_refused_however_it_is_sent(web, path):
    huge = b"x" * (200 * 1024)
    for body in (huge, iter([huge[:50_000]] * 4)):
        answer = web.client.post(
            path, content=body, headers={"content-type": "application/x-www-form-urlencoded"} | web.token("root")
        )
        assert answer.status_code in (401, 413, 415, 422), (answer.status_code, answer.text)
        assert answer.status_code != 500
    declared = web.client.post(path, content=b"x", headers={"content-length": "99999999999999999999"})
    assert declared.status_code == 413


def test_a_form_of_many_fields_or_a_file_is_not_taken(web):
    web.log_in("anna")
    path = f"/cases/{web.request.case_id}/decide"
    many = "&".join(f"a{n}=1" for n in range(5000))
    answers = [
        web.client.post(path, content=many, headers={"content-type": "application/x-www-form-urlencoded"}),
        web.client.post(path, files={"digest": ("x", b"y" * 1000)}),
        web.client.post(path, json={"digest": "0" * 64, "answer": "approve"}),
    ]
    assert all(answer.status_code in (400, 403, 422) for answer in answers)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2f..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/....//app.py",
        "/cases/..%2f..%2fetc%2fpasswd",
        "/feeds/../../etc/passwd",
        "/feeds/edl.txt%00",
        "/static/%00",
        "/l/../../x",
        "/cases/' OR 1=1--",
        "/cases/%27%20OR%201=1--",
        "/blocked/%2e%2e/release",
        "/static/c:\\windows",
    ],
)
def test_no_path_reaches_the_disk_or_the_database(web, path):
    web.log_in("anna")
    answer = web.client.get(path)
    assert answer.status_code in (404, 405, 303, 422), (path, answer.status_code)
    assert "root:" not in answer.text and "import" not in answer.text


def test_nothing_sent_becomes_a_header_of_ours(web):
    web.log_in("anna")
    for path in ("/cases/x%0d%0aset-cookie:a=b", "/login?next=/x%0d%0aset-cookie:a=b", "/cases?told=%0d%0aa:b"):
        for client in (web.client, web.browser()):
            answer = client.get(path)
            assert all("a=b" not in value or name == "location" for name, value in answer.headers.items())
            assert "\r" not in answer.headers.get("location", "") and ":a" not in answer.headers.get("location", "")


def test_what_is_told_after_a_form_comes_from_us_alone(web):
    web.log_in("anna")
    page = web.client.get("/", params={"told": "Approved by admin <b>"}).text
    assert "Approved by admin" not in page and 'role="status"' not in page


def test_an_unknown_account_looks_and_takes_like_a_known_one(web, monkeypatch):
    """What takes time is the hash: for either name one of the same cost is computed, in every round."""
    costs, texts, verified = [], set(), accounts._HASHER.verify
    monkeypatch.setattr(
        accounts,
        "_HASHER",
        SimpleNamespace(
            hash=accounts._HASHER.hash,
            verify=lambda known, password: costs.append(extract_parameters(known)) or verified(known, password),
        ),
    )
    for name in ("anna", "nobody-here") * 3:
        client = web.browser()
        form = fields(client.get("/login").text)
        answer = client.post("/login", data=form | {"name": name, "password": "not this one"})
        texts.add((answer.status_code, answer.text.partition('role="alert"')[2].partition("</div>")[0]))
    assert len(texts) == 1
    assert len(costs) == 6 and len(set(map(str, costs))) == 1


def test_guessing_passwords_is_slowed_down_by_address_and_by_account(web, clock):
    statuses = []
    for _ in range(14):
        form = fields(web.client.get("/login").text)
        statuses.append(web.client.post("/login", data=form | {"name": "bert", "password": "guess"}).status_code)
    assert statuses[:4] == [401] * 4 and statuses[-1] == 429
    clock.forward(seconds=61)
    assert web.log_in("bert").status_code == 200
    assert "proof failed" in web.journal()


def test_too_many_requests_are_refused_with_the_time_to_wait(make, clock):
    config = Config.model_validate({"serve": {"requests_per_minute": 10}, "networks": {"protected": ["10.1.0.0/24"]}})
    web = make(config=config)
    answers = [web.client.get("/health") for _ in range(12)]
    assert [a.status_code for a in answers[:10]] == [200] * 10
    assert answers[11].status_code == 429 and int(answers[11].headers["retry-after"]) >= 1
    clock.forward(seconds=60)
    assert web.client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Authorization: Bearer bpt_abcdef-123", "bpt_abc"),
        ("password=hunter2 next", "hunter2"),
        ("token: 'abc.def'", "abc.def"),
        ("https://user:pw@host/", "user:pw"),
        ("Basic dXNlcjpwdw==", "dXNl"),
        ("api_key=K1&x=2", "K1"),
        ("code=4/abc&state=1", "4/abc"),
    ],
)
def test_secrets_never_reach_the_log(said, kept):
    assert kept not in redacted(said) and "(redacted)" in redacted(said)
