"""The desk: what needs a person is on the first page until it is settled, and every page says the same of a case."""

from types import SimpleNamespace
from urllib.parse import quote

import pytest

from playbook.cases import accounts, approval_requests, case_rows, deadlines
from playbook.cases import containments as kept
from playbook.config import Config
from playbook.web import health
from tests.playbook.cases.runs import file, judged
from tests.playbook.web.web import CONFIG, token_of

HOST = "ws-31"


def post(web, path, page=None, client=None, **form):
    """Post a form of the case's page, or of ``page``, with the token it was given."""
    client = client or web.client
    shown = client.get(page or f"/cases/{web.request.case_id}").text
    return client.post(path, data={"csrf": token_of(shown, path)} | form)


def of_case(web, act, **form):
    return post(web, f"/cases/{web.request.case_id}/{act}", **form)


def card(web):
    page = web.client.get("/").text
    return page.partition('class="requests"')[2].partition("<h2>Last runs")[0]


def expire(web, clock):
    clock.forward(hours=25)
    with web.store.change() as conn:
        assert deadlines.expire(conn, clock())
    web.log_in("anna")


def test_the_card_tells_what_a_person_has_to_know_before_reading(web):
    web.log_in("anna")
    text = card(web)
    for words in (
        HOST,
        "True positive",
        "confidence",
        "rung 4",
        "203.0.113.66:443",
        "no name known",
        "Silence means no",
        "in 1 d",
        "waiting for approval",
        "Approve or deny the plan.",
        "nobody",
    ):
        assert words in text, words


def test_what_expired_stays_on_the_first_page_and_is_asked_again(web, clock):
    web.log_in("anna")
    expire(web, clock)
    assert "1 case needs a person" in web.client.get("/").text
    assert "expired without an answer" in card(web) and "Ask again" in card(web)
    assert of_case(web, "ask-again", reason=" ").status_code == 422
    assert of_case(web, "ask-again", reason="it goes on").headers["location"].endswith("?told=asked")
    assert web.request.state == "waiting" and "asked again" in web.journal()
    assert web.answer().headers["location"].endswith("?told=approved")


def test_a_denial_takes_a_reason_and_is_confirmed_and_the_case_stays_in_sight(web, clock):
    web.log_in("anna")
    assert web.answer("deny", comment=" ").status_code == 422
    answer = web.answer("deny", confirm="")
    assert answer.status_code == 422 and "confirm that nothing is contained" in answer.text
    assert 'class="refuse" open' in answer.text and web.request.state == "waiting"
    assert web.answer("deny", comment="a drill").status_code == 303
    assert "denied" in card(web) and "1 case needs a person" in web.client.get("/").text
    clock.forward(minutes=1)
    assert of_case(web, "ask-again", reason="no drill").status_code == 303
    mine = web.answer()
    assert mine.status_code in (403, 409) and web.request.state == "waiting"
    other = web.browser()
    web.log_in("bert", client=other)
    assert web.answer(client=other).headers["location"].endswith("?told=approved")


@pytest.mark.parametrize(("who", "status"), [("resi", 303), ("anna", 303), ("vera", 403)])
def test_a_case_is_taken_over_commented_and_handed_back(web, who, status):
    web.log_in(who)
    assert of_case(web, "assign", take="yes").status_code == status
    assert of_case(web, "comment", comment="<b>looked</b> at it").status_code == status
    if status == 303:
        assert of_case(web, "comment", comment=" ").status_code == 422
        assert f"<dd>{who}</dd>" in card(web)
        page = web.client.get(f"/cases/{web.request.case_id}").text
        assert "&lt;b&gt;looked&lt;/b&gt; at it" in page and "Hand it back" in page
        assert of_case(web, "assign", take="yes").status_code == 409
        assert of_case(web, "assign", take="no").status_code == 303
        assert "<dd>nobody</dd>" in card(web)


def test_the_same_words_on_every_page(web, clock):
    web.log_in("anna")
    expire(web, clock)
    words, case_id = "expired without an answer", web.request.case_id
    for place in ("/", "/cases", f"/cases/{case_id}", f"/hosts/{HOST}", "/destinations/203.0.113.66"):
        assert words in web.client.get(place).text, place
    answer = web.client.get("/api/cases", headers=web.token("vera", via="cli")).json()
    assert [one["state"] for one in answer["cases"]] == ["expired"]


@pytest.mark.parametrize(
    ("query", "hosts"),
    [
        ("", {"ws-31", "srv-backup"}),
        ("?state=attention&sort=severity", {"ws-31"}),
        ("?state=needs_look", {"srv-backup"}),
        ("?text=srv", {"srv-backup"}),
        ("?text=203.0.113.66", {"ws-31"}),
        ("?verdict=UNDETERMINED", {"srv-backup"}),
        ("?owner=nowhere", set()),
        ("?assignee=nobody&days=7&sort=host", {"ws-31", "srv-backup"}),
    ],
)
def test_a_search_stands_in_the_address_and_in_the_form(web, query, hosts):
    file(web.store, judged(5, host="srv-backup", number=5, dst_ip="203.0.113.80"))
    web.log_in("vera")
    page = web.client.get(f"/cases{query}").text
    assert {one for one in ("ws-31", "srv-backup") if f">{one}</a>" in page} == hosts
    assert 'name="case_id"' not in page


@pytest.mark.parametrize("query", ["?state=all", "?sort=up", "?days=-1", "?unknown=1&state=x", "?text=" + "x" * 300])
def test_a_search_that_is_none_is_refused(web, query):
    web.log_in("vera")
    assert web.client.get(f"/cases{query}").status_code == 422


def test_what_is_searched_for_is_shown_escaped(web):
    web.log_in("vera")
    page = web.client.get("/cases?text=" + quote('"><script>alert(1)</script>')).text
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_many_cases_are_closed_with_one_reason_or_none_of_them(web):
    file(web.store, judged(5, host="srv-a", number=5), judged(5, host="srv-b", number=6))
    with web.store.reading() as conn:
        ids = [row.case_id for row in case_rows.list_cases(conn) if row.host.startswith("srv")]
    web.log_in("resi")
    form = {"disposition": "BENIGN_POSITIVE", "reason": "patch day", "case_id": ids, "back": "/cases?state=closed"}
    assert post(web, "/cases/close", "/cases", **(form | {"reason": " "})).status_code == 422
    assert post(web, "/cases/close", "/cases", **(form | {"case_id": []})).status_code == 422
    refused = post(web, "/cases/close", "/cases", **(form | {"case_id": [*ids, "C-000000000000"]}))
    assert refused.status_code == 409 and "no such case" in refused.text
    done = post(web, "/cases/close", "/cases", **(form | {"back": "//evil.example"}))
    assert done.status_code == 303 and done.headers["location"] == "/?told=closed"
    with web.store.reading() as conn:
        rows = {row.case_id: row for row in case_rows.list_cases(conn)}
    assert all(rows[one].closed_by == "resi" and rows[one].person_reason == "patch day" for one in ids)
    assert post(web, "/cases/close", "/cases", **form).status_code == 409
    web.log_in("vera")
    assert web.client.post("/cases/close", data=form).status_code == 403


def test_a_host_and_a_destination_have_pages_of_their_own(web):
    file(web.store, judged(4, host="ws-77", number=7))
    web.log_in("anna")
    web.answer()
    there = web.client.get("/destinations/203.0.113.66").text
    assert ">ws-31</a>" in there and ">ws-77</a>" in there and "approved, being set" in there
    assert 'href="https://www.abuseipdb.com/check/203.0.113.66"' in there and 'rel="noreferrer noopener"' in there
    host = web.client.get(f"/hosts/{web.request.host}").text
    assert 'href="/destinations/203.0.113.66"' in host and "block pair" in host
    for nowhere in ("/hosts/nobody", "/destinations/192.0.2.99", "/destinations/%3Cscript%3E"):
        answer = web.client.get(nowhere)
        assert answer.status_code == 404 and "<script" not in answer.text


def test_a_site_adds_links_of_its_own_and_only_https(make):
    table = {"Our SIEM": "https://siem.example/search?q={address}", "Shodan": "https://intel.example/{name}"}
    web = make(config=CONFIG.model_copy(update={"serve": CONFIG.serve.model_copy(update={"pivots": table})}))
    web.log_in("vera")
    page = web.client.get(f"/cases/{web.request.case_id}").text
    assert 'href="https://siem.example/search?q=203.0.113.66"' in page and "www.shodan.io" not in page
    for link in ("http://siem.example/{address}", "javascript:alert('{name}')", "https://siem.example/"):
        with pytest.raises(ValueError, match="pattern"):
            Config.model_validate({"serve": {"pivots": {"bad": link}}})


def test_the_kill_switch_is_on_every_page_and_in_every_answer(make, tmp_path, clock):
    switch = tmp_path / "STOP"
    limits = CONFIG.limits.model_copy(update={"kill_switch": switch})
    config = CONFIG.model_copy(
        update={"limits": limits, "containments": {"edge": {"kind": "blocklist"}}, "folder": tmp_path}
    )
    web = make(config=config)
    web.log_in("anna")
    assert web.client.get("/health").json()["checks"]["kill_switch"] == "off"
    assert "Kill switch" not in web.client.get("/").text
    switch.touch()
    for place in ("/", "/cases", f"/cases/{web.request.case_id}", "/blocked", "/audit"):
        assert "Kill switch" in web.client.get(place).text, place
    assert web.client.get("/health").json()["checks"]["kill_switch"] == "on"
    answer = web.answer()
    assert answer.status_code == 409 and "Not approved: kill switch" in answer.text and web.contained() == ()
    plan = web.request.offers[0]
    call = web.client.post(
        "/api/actions/approve_plan",
        json={"plan_id": plan.plan_id, "digest": plan.digest},
        headers=web.token("bert"),
    )
    assert call.status_code == 409 and "kill switch" in call.json()["error"] and "refused" in call.json()["error"]
    step = plan.steps[0]
    source, _, there = step.target.partition(">")
    block = {
        "plan_id": plan.plan_id,
        "digest": plan.digest,
        "approved_by": "anna",
        "src_ip": source,
        "dst_ip": there.rpartition(":")[0],
        "dst_port": there.rpartition(":")[2],
    }
    call = web.client.post("/api/actions/block_pair", json=block, headers=web.token("bert"))
    assert call.status_code == 409 and call.json()["error"].startswith("refused: kill switch"), call.text
    assert web.answer("deny").status_code == 303


def test_a_vote_of_a_disabled_account_is_shown_as_one_that_does_not_count(web):
    file(web.store, judged(4, host="ws-99", number=9, protected=("10.20.0.0/16",)))
    other = web.browser()
    web.log_in("anna")
    assert web.answer().headers["location"].endswith("?told=counted")
    with web.store.change() as conn:
        accounts.disable(conn, "anna", "root", web.clock())
    web.log_in("bert", client=other)
    page = other.get(f"/cases/{web.request.case_id}").text
    assert "0 approved so far" in page and "does not count any more" in page
    assert web.answer(client=other).headers["location"].endswith("?told=counted") and web.contained() == ()


def test_the_audit_trail_is_read_by_person_and_no_number_breaks_it(web):
    web.log_in("anna")
    web.answer()
    page = web.client.get("/audit?who=anna").text
    assert "approved" in page and ">playbook</a>" not in page
    for number, status in (("2147483647", 200), ("2147483648", 422), ("9" * 30, 422), ("-1", 422)):
        assert web.client.get(f"/audit?before={number}").status_code == status


def test_a_case_is_exported_whole(web):
    web.log_in("vera")
    case_id = web.request.case_id
    page = web.client.get(f"/cases/{case_id}").text
    for name in ("json", "ocsf", "stix"):
        assert f'href="/cases/{case_id}/export/{name}"' in page
        answer = web.client.get(f"/cases/{case_id}/export/{name}")
        assert answer.headers["content-disposition"] == f'attachment; filename="{case_id}.{name}.json"'
        assert HOST in answer.text and answer.json()
    html = web.client.get(f"/cases/{case_id}/export.html")
    assert html.status_code == 200 and HOST in html.text and "attachment" in html.headers["content-disposition"]
    for place in ("export.html", "export/json"):
        assert web.client.get(f"/cases/C-0/{place}").status_code == 404
        assert web.browser().get(f"/cases/{case_id}/{place}").status_code == 303
    assert web.client.get(f"/cases/{case_id}/export/..%2fjson").status_code == 404


def test_the_first_page_loads_itself_again_only_when_asked_to(web):
    web.log_in("vera")
    assert "refresh" not in web.client.get("/").headers
    assert web.client.get("/?live=5").headers["refresh"] == "30"
    assert web.client.get("/?live=100000").status_code == 422


def test_newer_traffic_after_a_person_closed_it_opens_a_case_that_is_on_the_first_page(web):
    web.log_in("anna")
    form = {"disposition": "BENIGN_POSITIVE", "reason": "a test"}
    assert of_case(web, "resolve", **form).status_code == 303
    assert "No case needs a person" in web.client.get("/").text
    file(web.store, judged(4, day=1), hours=24)
    assert "1 case needs a person" in web.client.get("/").text and "waiting for approval" in card(web)
    with web.store.reading() as conn:
        assert len(approval_requests.list_requests(conn)) == 1 and kept.list_containments(conn) == ()


def test_a_run_over_unchanged_files_is_a_run(web, clock):
    headers = web.token("vera", via="cli")

    def age():
        text = web.client.get("/metrics", headers=headers).text
        assert 'botnet_playbook_case_states{state="waiting"} 1.0' in text and "botnet_playbook_kill_switch_on 0" in text
        return float(text.partition("\nbotnet_playbook_last_run_age_seconds ")[2].split()[0])

    file(web.store, judged(6, host="ws-same"), run_id="R-same")
    clock.forward(hours=3)
    assert age() == 3 * 3600
    file(web.store, judged(6, host="ws-same"), run_id="R-same", hours=2)
    assert age() == 3600


def test_health_tells_a_full_disk(web, monkeypatch):
    assert web.client.get("/health").json()["checks"]["disk"] == "ok"
    monkeypatch.setattr(health.shutil, "disk_usage", lambda place: SimpleNamespace(free=2**20))
    answer = web.client.get("/health")
    assert answer.status_code == 503 and answer.json()["checks"]["disk"] == "full"
