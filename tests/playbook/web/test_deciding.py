"""Answers by page: what counts, what is refused with the reason, and that nothing else decides."""

import pytest

from tests.playbook.cases.runs import file, judged
from tests.playbook.web.web import token_of

PLACES = ("/", "/cases", "/blocked", "/audit")


def test_an_approval_counts_once_and_sets_the_work_going(web):
    web.log_in("anna")
    answer = web.answer(comment="looks like a bot")
    assert answer.status_code == 303 and answer.headers["location"].endswith("?told=approved")
    assert web.enqueued == [(web.request.request_id, web.request.offers[0].digest)]
    page = web.client.get(answer.headers["location"]).text
    assert "Approved. The containment is being set" in page and "looks like a bot" in page
    assert 'name="digest"' not in page and "being set" in page
    assert "approved" in web.journal()


def test_each_length_of_time_is_a_plan_of_its_own_and_the_posted_one_is_carried_out(web):
    web.log_in("anna")
    page = web.client.get(f"/cases/{web.request.case_id}").text
    for plan in web.request.offers:
        assert f'value="{plan.digest}"' in page and plan.plan_id in page
    web.answer(place=2)
    (one,) = web.contained()
    assert one.digest == web.request.offers[2].digest and one.step.ttl_s == web.request.offers[2].steps[0].ttl_s


def test_a_denial_ends_it_and_contains_nothing(web):
    web.log_in("anna")
    assert web.answer("deny").headers["location"].endswith("?told=denied")
    assert web.request.state == "denied" and web.contained() == () and web.enqueued == []
    page = web.client.get(f"/cases/{web.request.case_id}").text
    assert "· denied</p>" in page and "containment proposed</p>" not in page


@pytest.mark.parametrize(
    ("who", "change", "status", "said"),
    [
        ("anna", {"digest": "0" * 64}, 409, "none of the plans"),
        ("anna", {"digest": "zz"}, 422, "not understood: digest"),
        ("anna", {"answer": "yes"}, 422, "not understood: answer"),
        ("anna", {"csrf": ""}, 403, "not one of ours"),
        ("anna", {"csrf": "é" * 64}, 403, "not one of ours"),
        ("anna", {"comment": "x" * 2001}, 422, "not understood: comment"),
        ("resi", {}, 403, "takes the role approver"),
        ("vera", {}, 403, "takes the role approver"),
    ],
)
def test_an_answer_that_may_not_count_is_refused_with_the_reason(web, who, change, status, said):
    web.log_in(who)
    answer = web.answer(**change)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert web.request.state == "waiting" and web.contained() == () and web.enqueued == []


def test_a_late_answer_is_refused_and_silence_was_a_no(web, clock):
    web.log_in("anna")
    page = web.client.get(f"/cases/{web.request.case_id}")
    assert page.status_code == 200
    clock.forward(hours=30)
    web.log_in("anna")
    answer = web.answer()
    assert answer.status_code in (403, 409) and web.request.state in ("expired", "waiting")
    assert web.contained() == ()


def test_the_second_answer_is_refused_and_says_who_was_first(web):
    other = web.browser()
    web.log_in("anna")
    web.log_in("bert", client=other)
    path = f"/cases/{web.request.case_id}/decide"
    form = {"digest": web.request.offers[0].digest, "answer": "approve"}
    from_page = {name: _token(client, path) for name, client in (("anna", web.client), ("bert", other))}
    assert web.client.post(path, data=form | {"csrf": from_page["anna"]}).status_code == 303
    late = other.post(path, data=form | {"csrf": from_page["bert"]})
    assert late.status_code == 409 and "approved by anna" in late.text
    again = web.client.post(path, data=form | {"csrf": from_page["anna"]})
    assert again.status_code == 409 and "answered already" in again.text
    assert len(web.enqueued) == 1


def _token(client, path):
    return token_of(client.get(path.removesuffix("/decide")).text, path)


def test_a_token_of_one_form_or_one_session_is_good_nowhere_else(web):
    other = web.browser()
    web.log_in("anna")
    web.log_in("bert", client=other)
    path = f"/cases/{web.request.case_id}/decide"
    theirs = _token(other, path)
    assert web.answer(csrf=theirs).status_code == 403
    resolve = _token(web.client, path)
    answer = web.client.post(
        path.replace("decide", "resolve"), data={"csrf": resolve, "disposition": "BENIGN_POSITIVE", "reason": "x"}
    )
    assert answer.status_code == 403


def test_reading_decides_nothing(web):
    web.log_in("anna")
    path = f"/cases/{web.request.case_id}"
    for form in (f"?answer=approve&digest={web.request.offers[0].digest}", "/decide?answer=approve"):
        assert web.client.get(path + form).status_code in (200, 405)
    assert web.client.head(path).status_code in (200, 405)
    assert web.request.state == "waiting"


def test_while_containment_is_off_nothing_can_be_approved_but_a_denial_counts(make):
    web = make(off="networks.protected is empty")
    web.log_in("anna")
    for place in PLACES:
        assert "Containment is off" in web.client.get(place).text
    answer = web.answer()
    assert answer.status_code == 409 and "containment is off" in answer.text and web.contained() == ()
    assert web.answer("deny").status_code == 303


@pytest.mark.parametrize(("who", "status"), [("resi", 303), ("anna", 303), ("vera", 403)])
def test_a_case_is_closed_and_opened_again_with_a_reason(web, who, status):
    web.log_in(who)
    case_id = web.request.case_id
    page = web.client.get(f"/cases/{case_id}").text
    form = {"csrf": token_of(page, f"/cases/{case_id}/resolve"), "disposition": "BENIGN_POSITIVE", "reason": "a test"}
    if status == 303:
        assert web.client.post(f"/cases/{case_id}/resolve", data=form | {"reason": "  "}).status_code == 422
    answer = web.client.post(f"/cases/{case_id}/resolve", data=form)
    assert answer.status_code == status
    if status == 303:
        assert web.request.state == "withdrawn"
        page = web.client.get(f"/cases/{case_id}").text
        form = {"csrf": token_of(page, f"/cases/{case_id}/reopen"), "reason": "seen again"}
        assert web.client.post(f"/cases/{case_id}/reopen", data=form).status_code == 303
        assert web.client.post(f"/cases/{case_id}/reopen", data=form).status_code == 409


@pytest.mark.parametrize(("who", "status"), [("anna", 303), ("resi", 403)])
def test_what_is_in_force_is_listed_with_its_why_and_can_be_released(web, who, status):
    web.log_in("anna")
    web.answer()
    (one,) = web.contained()
    web.log_in(who)
    page = web.client.get("/blocked").text
    assert one.step.target.replace(">", "&gt;") in page and "anna" in page and one.key in page
    token = token_of(page, f"/blocked/{one.key}/release")
    answer = web.client.post(f"/blocked/{one.key}/release", data={"csrf": token, "reason": "a mistake"})
    assert answer.status_code == status
    if status == 303:
        assert web.contained()[0].release_by == "anna"
        assert "anna asked for its release" in web.client.get("/blocked").text


def test_a_protected_host_takes_two_people_and_the_same_plan(web):
    file(web.store, judged(4, host="ws-99", protected=("10.20.0.0/16",)))
    other = web.browser()
    web.log_in("anna")
    web.log_in("bert", client=other)
    assert web.request.people == 2
    assert web.answer().headers["location"].endswith("?told=counted") and web.enqueued == []
    page = web.client.get(f"/cases/{web.request.case_id}").text
    assert "You answered already" in page and token_of(page, f"/cases/{web.request.case_id}/decide") == ""
    another = web.answer(place=1, client=other)
    assert another.status_code == 409 and "approve that one, or deny" in another.text
    assert web.answer(client=other).headers["location"].endswith("?told=approved") and len(web.enqueued) == 1


def test_the_first_page_tells_what_the_last_run_had_to_warn_about(web):
    gone = "enrichers.own: <b>hosts.csv</b> is gone"
    file(web.store, judged(4, host="ws-warned", number=9), hours=1, warnings=(gone,))
    web.log_in("vera")
    page = web.client.get("/").text
    assert "enrichers.own: &lt;b&gt;hosts.csv&lt;/b&gt; is gone" in page
    file(web.store, judged(4, host="ws-warned", number=9), hours=2)
    assert "is gone" not in web.client.get("/").text
