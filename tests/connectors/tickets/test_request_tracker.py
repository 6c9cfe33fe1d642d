"""What is Request Tracker's own: quoting, silent fields, paging. The faults common to all desks: test_desks.py."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.tickets import request_tracker
from playbook.errors import BadAnswer, ConfigError, Unauthorized
from tests.emulators.desk import Fault, serving
from tests.support.ticket_fixtures import of_tracker, ticket

# How RT 5.0.3 reads a delimited string (Regexp::Common's "delimited"), and that it then drops one backslash of each.
_DELIMITED = re.compile(r"'[^\\']*(?:\\.[^\\']*)*'|\"[^\\\"]*(?:\\.[^\\\"]*)*\"", re.DOTALL)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_a_quoted_value_is_one_token_that_reads_back(value):
    try:
        sent = request_tracker.quoted(value)
    except ConfigError:
        assert not value.isprintable() or value.lower().startswith("cf.")
        return
    whole = _DELIMITED.match(sent)
    assert whole and whole.end() == len(sent)
    assert re.sub(r"\\(.)", r"\1", sent[1:-1]) == value


@pytest.mark.parametrize("value", ["CF.{Secret}", "cf.Secret", "a\nb", "\x00", "\u202e"])
def test_what_rt_would_read_otherwise_is_refused(value):
    with pytest.raises(ConfigError):
        request_tracker.quoted(value)


@pytest.mark.loopback
def test_a_field_that_may_not_be_set_makes_one_ticket_and_no_more():
    product = of_tracker(keeps_key=False)
    with serving(product.site) as url:
        desk = product.connect(url)
        for _ in range(3):
            with pytest.raises(Unauthorized, match="created without its key"):
                desk.open(ticket())
        assert len(product.tickets()) == 1


@pytest.mark.loopback
@pytest.mark.parametrize(
    "change, said",
    [
        ({"queue": "Elsewhere"}, "SeeQueue"),
        ({"key_field": "Other"}, "no custom field 'Other'"),
    ],
)
def test_nothing_is_created_before_the_field_is_proven(change, said):
    product = of_tracker()
    with serving(product.site) as url:
        desk = product.connect(url, **change)
        with pytest.raises(Unauthorized, match=said):
            desk.open(ticket())
        assert said in desk.check()[0].message
    assert not product.tickets()


@pytest.mark.loopback
def test_the_marker_is_found_on_a_later_page_of_a_long_history():
    product = of_tracker()
    with serving(product.site) as url:
        desk = product.connect(url)
        reference = desk.open(ticket())
        desk.comment(reference, "contained", "k")
        product.tickets()[0]["said"][:0] = [{"Subject": "talk", "Filename": "", "Content": ""}] * 250
        desk.comment(reference, "contained", "k")
    assert sum("[botnet-playbook:k]" in text for text in product.comments()) == 1


@pytest.mark.loopback
def test_a_redirect_says_where_it_leads():
    product = of_tracker()
    moved = (302, {"Location": "https://rt.example/rt/NoAuth/Login.html?next=abc"}, b"")
    product.site.faults.append(Fault(".*", moved, effect=False, times=99))
    with serving(product.site) as url:
        desk = product.connect(url)
        (result,) = desk.check()
        with pytest.raises(BadAnswer, match=r"a redirect to https://rt.example/rt/NoAuth/Login.html"):
            desk.open(ticket())
    assert not result.ok and "a redirect to https://rt.example/rt/" in result.message and "next=" not in result.message
