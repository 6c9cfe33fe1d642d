"""What is Jira's own: a search that lags, paging, documents and wiki text. Common faults: test_desks.py."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.http import Clocks
from connectors.tickets import jira
from playbook.errors import ConfigError, Incomplete, Unauthorized, Unreachable
from tests.emulators.desk import HTML_502, Fault, Site, serving, tenant
from tests.emulators.jira import Jira
from tests.support.ticket_fixtures import HOSTILE, NOW, TOKEN, of_jira, ticket

CREATE = "POST /rest/api/3/issue"


@given(st.text(max_size=80))
def test_a_quoted_value_is_one_string_that_reads_back(value):
    try:
        sent = jira.quoted(value)
    except ConfigError:
        assert not value.isprintable()
        return
    assert re.fullmatch(r'"(?:[^\\"]|\\.)*"', sent) and re.sub(r"\\(.)", r"\1", sent[1:-1]) == value


@given(st.lists(st.sampled_from(["{noformat}", "{NoFormat:title=x}", "{ noformat}", "[~admin]", "{", "\n"])))
def test_wiki_text_cannot_leave_its_frame(parts):
    body = jira.wiki("".join(parts))
    assert len(re.findall(r"\{\s*noformat", body, re.IGNORECASE)) == 2


@given(st.text(max_size=80))
def test_a_document_holds_text_nodes_only(text):
    kinds = set(re.findall(r'"type": "(\w+)"', json.dumps(jira.document("x" + text.replace('"', "")))))
    assert kinds <= {"doc", "paragraph", "text"}


@pytest.mark.parametrize(
    "change",
    [
        {"user": ""},
        {"project": "sec"},
        {"project": 'SEC" OR x'},
        {"key_field": "summary"},
        {"labels": ("two words",)},
        {"base_url_": "x"},
        {"token": ""},
    ],
)
def test_wrong_settings(change):
    usual = {"base_url": "https://x.example", "user": "a@b.example", "token": TOKEN, "project": "SEC"}
    assert jira.Settings(**usual)
    with pytest.raises(ValidationError):
        jira.Settings(**usual | change)


@pytest.mark.loopback
@pytest.mark.parametrize("edition", ["cloud", "data_center"])
def test_the_search_does_not_see_a_fresh_issue_for_a_moment(edition):
    product = of_jira(edition, lag=2)
    product.site.faults.append(Fault(product.create, HTML_502))
    slept: list[float] = []
    with serving(product.site) as url:
        assert product.connect(url, slept).open(ticket()) == "SEC-1"
    assert len(product.tickets()) == 1 and sum(slept) == 0, "it is read by its number, which needs no index"


@pytest.mark.loopback
@pytest.mark.parametrize("edition", ["cloud", "data_center"])
@pytest.mark.parametrize("lag", [5, 1000])
def test_an_answer_lost_while_the_index_lags_for_any_time_makes_one_issue(edition, lag):
    product = of_jira(edition, lag=lag)
    product.site.faults.append(Fault(product.create, HTML_502))
    product.site.faults.append(Fault("GET /rest/api/./issue/.*", HTML_502, times=12, skip=3))
    with serving(product.site) as url:
        with suppress(Unreachable):
            product.connect(url).open(ticket())
        product.site.faults.clear()
        for _ in range(3):
            assert product.connect(url).open(ticket()) == "SEC-1"
        assert product.site.count(product.create) == 1
        assert product.connect(url).open(ticket("case:C-ffffffffffff")) == "SEC-2"
    assert len(product.tickets()) == 2


@pytest.mark.loopback
def test_numbers_that_lead_nowhere_hide_no_issue_that_follows_them():
    product = of_jira(lag=1000)
    with serving(product.site) as url:
        for number in range(4):
            product.connect(url).open(ticket(f"case:C-{number}"))
        there = product.site.respond.__self__
        for gone in ("SEC-1", "SEC-3"):
            del there.issues[gone]
        assert product.connect(url).open(ticket("case:C-3")) == "SEC-4"


@pytest.mark.loopback
def test_an_index_that_lacks_more_issues_than_are_read_creates_nothing(monkeypatch):
    monkeypatch.setattr(jira, "_MOST_UNSEEN", 5)
    product = of_jira(lag=1000)
    with serving(product.site) as url:
        desk = product.connect(url)
        for number in range(3):
            desk.open(ticket(f"case:C-{number}"))
        with pytest.raises(Incomplete, match="lacks more than 5 issues"):
            desk.open(ticket("case:C-9"))
    assert len(product.tickets()) == 3


@pytest.mark.loopback
def test_a_race_that_the_lagging_search_hides_is_mended_at_once():
    product = of_jira(lag=4)
    product.site.meet, product.site.meet_on = threading.Barrier(2), CREATE
    with serving(product.site) as url, ThreadPoolExecutor(2) as pool:
        given_out = set(pool.map(lambda _: product.connect(url).open(ticket()), range(2)))
        assert given_out == {"SEC-1"} and len(product.tickets()) == 1 and product.site.count(CREATE) == 2
        desk = product.connect(url)
        for _ in range(4):
            assert desk.check()  # other searches go by; the index catches up
        assert desk.open(ticket()) == desk.open(ticket()) == "SEC-1"
    assert [issue["key"] for issue in product.tickets()] == ["SEC-1"]
    assert sum("SEC-1 goes on" in said for said in product.comments()) in (1, 2), "both workers may say it at once"


@pytest.mark.loopback
@pytest.mark.parametrize("edition", ["cloud", "data_center"])
def test_pages_and_repeated_hits(edition):
    product = of_jira(edition, twice=True, page=1)
    with serving(product.site) as url:
        desk = product.connect(url)
        first = desk.open(ticket())
        assert desk.open(ticket()) == first
        for n in range(3):
            desk.comment(first, "said", f"k{n}")
            desk.comment(first, "said", f"k{n}")
    assert len(product.comments()) == 3


@pytest.mark.loopback
def test_a_custom_field_as_key_is_compared_whole():
    product = of_jira()
    with serving(product.site) as url:
        desk = product.connect(url, key_field="customfield_10050")
        longer = desk.open(ticket("case:C-1-and-more"))
        shorter = desk.open(ticket("case:C-1"))  # a phrase search finds both
        assert longer != shorter and desk.open(ticket("case:C-1")) == shorter


@pytest.mark.loopback
def test_check_names_the_permission_that_is_missing():
    product = of_jira(granted=("BROWSE_PROJECTS", "CREATE_ISSUES"))
    with serving(product.site) as url:
        (result,) = product.connect(url).check()
    assert not result.ok and result.message == "lacks EDIT_ISSUES, ADD_COMMENTS, CREATE_ATTACHMENTS"


def recorded(cassette, site: Site, **change):
    settings = jira.Settings(
        base_url=cassette.site("https://example.atlassian.net", tenant(site)),
        user="soar@example.test",
        token=cassette.secret("JIRA_TOKEN"),
        project="SEC",
        **change,
    )
    clocks: Clocks = cassette.clocks
    return jira.connect("jira", settings, NOW, None, clocks)


def test_a_case_from_opening_to_report(cassette):
    desk = recorded(cassette, Jira(cassette.secret("JIRA_TOKEN").get_secret_value(), "soar@example.test").site())
    assert desk.check()[0].ok
    assert desk.open(ticket(title=HOSTILE, text=HOSTILE)) == desk.open(ticket()) == "SEC-1"
    for _ in range(2):
        desk.comment("SEC-1", "contained until 18:00", "C-0123456789ab:contained")
        desk.attach("SEC-1", "case.html", b"<h1>report</h1>")


def test_a_gateway_answers_html_after_the_issue_was_made(cassette):
    site = Jira(cassette.secret("JIRA_TOKEN").get_secret_value(), "soar@example.test", lag=1).site()
    site.faults.append(Fault(CREATE, HTML_502))
    assert recorded(cassette, site).open(ticket()) == "SEC-1"


def test_a_refused_token(cassette):
    cassette.secret("JIRA_TOKEN")
    with pytest.raises(Unauthorized, match="token") as told:
        recorded(cassette, Jira("another", "soar@example.test").site()).open(ticket())
    assert "canary" not in str(told.value)
