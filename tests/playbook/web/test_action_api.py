"""The action API and the feeds: scopes, approvals by a platform, hostile input, and a list that is whole or absent."""

import json
from types import SimpleNamespace

import pytest

from playbook.actions import catalogue
from playbook.cases import accounts
from playbook.errors import ConfigError, Unreachable
from playbook.platforms.openapi import document, role_of, scope_of
from tests.playbook.cases.runs import file, judged
from tests.playbook.web.web import CONFIG


def call(web, name, given, **headers):
    return web.client.post(f"/api/actions/{name}", json=given, headers=headers)


def of_plan(web, **change):
    """The input of the block that the waiting plan proposes."""
    plan = web.request.offers[0]
    source, _, there = plan.steps[0].target.partition(">")
    address, _, port = there.rpartition(":")
    return {
        "plan_id": plan.plan_id,
        "digest": plan.digest,
        "approved_by": "carol",
        "src_ip": source,
        "dst_ip": address,
        "dst_port": int(port),
    } | change


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Basic YTpi"},
        {"authorization": "Bearer " + "x" * 5000},
        {"authorization": "Bearer"},
        {"authorization": "bpt_x"},
        {"authorization": "Bearer \u00e9".encode()},
    ],
)
def test_without_a_token_that_counts_nothing_is_said(web, header):
    for path in ("/api/actions", "/metrics"):
        answer = web.client.get(path, headers=header)
        assert answer.status_code == 401 and "bearer" in answer.headers["www-authenticate"].lower()
    answer = web.client.post("/api/actions/look_up_address", json={"address": "192.0.2.1"}, headers=header)
    assert answer.status_code == 401 and answer.json()["status"] == "failed"


def test_a_page_session_is_no_token_and_a_token_is_no_session(web):
    web.log_in("root")
    assert web.client.get("/api/actions").status_code == 401
    assert web.browser().get("/", headers=web.token("root")).status_code == 303


@pytest.mark.parametrize(
    "scopes",
    [
        (),
        ("intake",),
        ("investigate",),
        ("approve",),
        ("contain",),
        ("intake", "investigate"),
        ("investigate", "approve", "contain"),
    ],
)
@pytest.mark.parametrize("role", ["viewer", "responder", "approver"])
def test_a_token_reaches_exactly_the_actions_of_its_scopes_and_its_role(web, role, scopes):
    order = ["viewer", "responder", "approver", "admin"]
    if any(order.index(accounts.ROLE_FOR[one]) > order.index(role) for one in scopes):
        with pytest.raises(ConfigError, match="takes the role"):
            web.token("root", role, scopes=scopes)
        return
    token = web.token("root", role, scopes=scopes)
    listed = {one["identifier"]: one for one in web.client.get("/api/actions", headers=token).json()["actions"]}
    assert set(listed) == {one.identifier for one in catalogue()}
    usual = {
        "viewer": {"investigate"},
        "responder": {"investigate"},
        "approver": {"investigate", "approve", "contain"},
    }[role]
    for action in catalogue():
        allowed = scope_of(action) in (set(scopes) or usual) and order.index(role_of(action)) <= order.index(role)
        assert listed[action.identifier]["allowed"] is allowed
        if not allowed:
            answer = call(web, action.identifier, {}, **token)
            assert answer.status_code == 403 and scope_of(action) in answer.json()["error"]


def test_what_changes_something_takes_a_scope_and_a_role_of_its_own():
    for action in catalogue():
        changes = action.kind in ("contain", "correct")
        assert (scope_of(action) == "contain") is changes
        assert not changes or role_of(action) == "approver"
        assert action.read_only or role_of(action) != "viewer"
    assert [one.identifier for one in catalogue() if scope_of(one) == "intake"] == ["file_detection"]
    assert {one.identifier for one in catalogue() if scope_of(one) == "approve"} == {"approve_plan", "deny_plan"}


@pytest.mark.parametrize("other", ["approve", "contain"])
def test_no_token_can_file_and_approve(web, other):
    with pytest.raises(ConfigError, match="may neither approve nor contain"):
        web.token("root", scopes=("intake", other))


def test_a_platforms_approval_counts_as_one_approver(web):
    token = web.token("anna")
    answer = call(web, "block_pair", of_plan(web), **token)
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["data"]
    assert row["state"] == "approved, being set" and len(web.enqueued) == 1
    assert call(web, "block_pair", of_plan(web), **token).json()["data"] == [row]
    assert len(web.enqueued) == 1 and "approved" in web.journal()


def test_two_platforms_are_not_two_people(web):
    file(web.store, judged(4, host="ws-77", protected=("10.20.0.0/16",)))
    first = call(web, "block_pair", of_plan(web), **web.token("anna"))
    assert first.json()["status"] == "incomplete" and "1 more" in first.json()["message"]
    second = call(web, "block_pair", of_plan(web), **web.token("bert"))
    assert second.status_code == 409 and "together count as one" in second.json()["error"]
    web.log_in("bert")
    assert web.answer().status_code == 303 and len(web.enqueued) == 1


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"digest": "0" * 64}, 409, "no request offers"),
        ({"plan_id": "P-" + "0" * 12}, 409, "no request offers"),
        ({"dst_ip": "203.0.113.67"}, 409, "no step of the plan"),
        ({"dst_port": 444}, 409, "no step of the plan"),
        ({"src_ip": "10.9.9.9"}, 409, "no step of the plan"),
        ({"approved_by": ""}, 400, "approved_by"),
        ({"digest": "zz"}, 400, "digest"),
        ({"dst_ip": ["203.0.113.66"]}, 400, "not a list"),
        ({"more": 1}, 400, "more"),
    ],
)
def test_only_a_step_of_the_very_plan_may_be_approved(web, change, status, said):
    answer = call(web, "block_pair", of_plan(web, **change), **web.token("anna"))
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert web.contained() == () and web.request.state == "waiting"


def test_while_containment_is_off_a_platform_contains_nothing_either(make):
    web = make(off="networks.protected is empty")
    answer = call(web, "block_pair", of_plan(web), **web.token("anna"))
    assert answer.status_code == 409 and "containment is off" in answer.text and web.contained() == ()


def test_a_release_by_a_platform_is_asked_for_once_and_only_of_what_its_plan_set(web):
    token = web.token("anna")
    early = call(web, "release_pair", of_plan(web), **token)
    assert early.status_code == 409 and web.contained() == ()
    call(web, "block_pair", of_plan(web), **token)
    for _ in range(2):
        answer = call(web, "release_pair", of_plan(web), **token)
        assert answer.json()["data"][0]["state"] == "being released"
    assert web.journal().count("release asked") == 1


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"a":1,"a":2}', "application/json", 400),
        (b'{"address": NaN}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 20_000, "application/json", 400),
        (b'{"address":"\\u0000"}', "application/json", 400),
        (b"address=1", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"null", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"address":"' + b"9" * 10_000 + b'"}', "application/json", 400),
        (b'{"address":' + b"9" * 5_000 + b"}", "application/json", 400),
        (b'{"address":"\\ud800"}', "application/json", 400),
    ],
)
def test_a_body_that_is_no_flat_object_is_refused(web, body, kind, status):
    answer = web.client.post(
        "/api/actions/look_up_address", content=body, headers=web.token("root") | {"content-type": kind}
    )
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == "failed"


def test_an_action_that_reads_answers_as_on_the_command_line(web):
    answer = call(web, "list_exceptions", {}, **web.token("vera"))
    assert answer.status_code == 200 and answer.json()["action"] == "list_exceptions"
    assert set(answer.json()) == {"action", "status", "message", "complete", "warnings", "data"}


def test_an_unknown_action_and_another_method_are_refused(web):
    token = web.token("root")
    assert call(web, "format_disk", {}, **token).status_code == 404
    assert call(web, "asking", {}, **token).status_code == 404
    assert web.client.get("/api/actions/block_pair", headers=token).status_code == 405


def test_the_document_is_served_as_committed(web):
    served = web.client.get("/api/openapi.json").json()
    assert served == json.loads(json.dumps(document(catalogue())))
    assert set(served["paths"]) == {f"/api/actions/{one.identifier}" for one in catalogue()} | {
        "/api/alerts",
        "/api/alerts/{name}",
        "/api/cases",
    }


def test_a_token_that_asks_too_much_has_to_wait(make):
    config = CONFIG.model_copy(update={"serve": CONFIG.serve.model_copy(update={"requests_per_minute": 10})})
    web = make(config=config)
    token = web.token("vera")
    statuses = [web.client.get("/api/actions", headers=token).status_code for _ in range(12)]
    assert statuses[:10] == [200] * 10 and statuses[-1] == 429


class Feed:
    """A block list that tests fill or break."""

    name = "edge"

    def __init__(self):
        self.addresses, self.broken = ["198.51.100.1", "198.51.100.2"], False

    def feed(self, now):
        if self.broken:
            raise Unreachable("the database is away")
        text = "".join(f"{a}\n" for a in self.addresses)
        return SimpleNamespace(text=text, etag=f'"{hash(text)}"', count=len(self.addresses))

    zone = feed


@pytest.mark.parametrize("kind", ["edl.txt", "rpz.zone"])
def test_the_feed_is_whole_or_absent(make, kind):
    feed = Feed()
    web = make(feeds=(feed,))
    answer = web.client.get(f"/feeds/{kind}")
    assert answer.status_code == 200 and answer.text.splitlines() == feed.addresses
    assert answer.headers["content-type"].startswith("text/plain")
    tag = answer.headers["etag"]
    again = web.client.get(f"/feeds/{kind}", headers={"if-none-match": f'"x", W/{tag}'})
    assert again.status_code == 304 and again.content == b""
    feed.addresses.append("198.51.100.3")
    assert web.client.get(f"/feeds/{kind}", headers={"if-none-match": tag}).text.count("\n") == 3
    feed.broken = True
    answer = web.client.get(f"/feeds/{kind}", headers={"if-none-match": tag})
    assert answer.status_code == 503 and "198.51" not in answer.text and "retry-after" in answer.headers
    assert "database" not in answer.text
    assert web.client.head(f"/feeds/edge/{kind}").status_code == 503


def test_a_feed_that_is_not_there_is_never_an_empty_one(make):
    web = make()
    assert web.client.get("/feeds/edl.txt").status_code == 404
    two = make(feeds=(Feed(), SimpleNamespace(name="other", feed=Feed().feed, zone=Feed().zone)))
    assert two.client.get("/feeds/edl.txt").status_code == 404
    assert two.client.get("/feeds/other/edl.txt").status_code == 200
    assert two.client.get("/feeds/third/edl.txt").status_code == 404


def test_feeds_are_read_under_any_name_of_ours_but_only_by_readers(make):
    serve = CONFIG.serve.model_copy(update={"blocklist_allowed_networks": ("10.9.0.0/16",)})
    config = CONFIG.model_validate(CONFIG.model_dump() | {"serve": serve.model_dump()})
    web = make(feeds=(Feed(),), config=config)
    inside = web.browser(client=("10.9.1.1", 1))
    assert inside.get("/feeds/edl.txt", headers={"host": "fw-feed"}).status_code == 200
    assert web.client.get("/feeds/edl.txt").status_code == 403


def test_health_says_what_is_wrong_without_naming_anything(make):
    web = make()
    assert web.client.get("/health").json()["status"] == "ok"
    troubled = make(troubles=lambda: ("No worker is alive",))
    answer = troubled.client.get("/health")
    assert answer.status_code == 503 and answer.json()["checks"]["worker"] == "trouble"
    with web.store.change() as conn:
        conn.exec_driver_sql("DROP TABLE journal_head")
    answer = web.client.get("/health")
    assert answer.status_code == 503 and "journal" not in answer.text


def test_the_numbers_are_there_for_any_token(web):
    web.client.get("/login")
    text = web.client.get("/metrics", headers=web.token("vera")).text
    assert "botnet_playbook_requests_waiting 1.0" in text and 'botnet_playbook_cases{status="proposed"} 1.0' in text
    assert 'botnet_playbook_requests_total{method="GET",status="200"}' in text
