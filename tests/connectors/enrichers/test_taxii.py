"""TAXII 2.1: indicators in force whose pattern is one address, domain or URL; any other pattern is counted."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.enrichers import taxii
from tests.emulators.feeds import TaxiiServer, indicator, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.live_fixtures import (
    HERE,
    SITE,
    WINDOW,
    FakeTime,
    address,
    answers,
    domain,
    failures,
    reasons,
    recorded,
)

VENDOR = "https://taxii.example"
TOKEN = "TAXII_TOKEN"
OBJECTS = [
    {"type": "malware", "id": "malware--1", "name": "Emotet"},
    indicator(1, "[ipv4-addr:value = '203.0.113.9'] OR [domain-name:value='c2.example']"),
    indicator(2, "[domain-name:value = 'both.example' AND ipv4-addr:value = '203.0.113.10']"),
    indicator(3, "[domain-name:value = 'old.example']", valid_until="2026-10-31T00:00:00Z"),
    indicator(4, "[domain-name:value = 'revoked.example']"),
    indicator(4, "[domain-name:value = 'revoked.example']", "2026-10-21T10:00:00.000Z", revoked=True),
    indicator(5, "[domain-name:value = 'fine.example']", indicator_types=["benign"]),
    indicator(6, "[url:value = 'https://u.example/a\\'b']", valid_from="2026-10-30T22:00:00-05:00"),
    indicator(7, "rule x {}", pattern_type="yara"),
    indicator(8, "[domain-name:value LIKE '%.example']"),
    indicator(9, "[ipv4-addr:value != '203.0.113.11']"),
    indicator(10, "[domain-name:value = 'bad.example']", modified="soon"),
]


def connected(url, clocks, token=SecretStr("right"), **more):  # noqa: B008
    given = taxii.Settings.model_validate(
        {"base_url": f"{url}/api1", "collection": "c-1", "token": token, "disk": False, "trust": "hint"} | more
    )
    return taxii.connect("stix", given, SITE, HERE, clocks)


def test_indicators(cassette):
    server = TaxiiServer(f"Bearer {canary(TOKEN)}", OBJECTS, size=5)
    url, token = cassette.site(VENDOR, serving(server)), cassette.secret(TOKEN)
    names = ["c2", "both", "old", "revoked", "fine", "bad", "u"]
    words = connected(url, recorded(cassette), token).look_up(
        [address("203.0.113.9", "destination"), *(domain(f"{name}.example") for name in names)], WINDOW
    )
    assert {
        word.observable.value: [(e.indicator, e.kind, e.last_seen, e.malware, e.trust) for e in word.answers]
        for word in words
        if word.answers
    } == {
        "203.0.113.9": [("203.0.113.9", "address", date(2026, 10, 20), "Emotet C2", "hint")],
        "c2.example": [("c2.example", "domain", date(2026, 10, 20), "Emotet C2", "hint")],
        "u.example": [("https://u.example/a'b", "url", date(2026, 10, 31), "Emotet C2", "hint")],
    }
    assert {word.warning for word in words} == {
        "1 indicators left out: modified: Invalid isoformat string: 'soon'; "
        "4 indicators left out: a pattern that is no address, domain or URL"
    }


@pytest.mark.loopback
@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        [],
        {"objects": {}},
        {"more": True},
        {"more": True, "next": ""},
        {"title": "an error"},
        {"collections": []},
    ],
)
def test_an_answer_of_another_form_is_no_empty_feed(body, monkeypatch):
    server = TaxiiServer("Bearer right", OBJECTS)
    monkeypatch.setattr(server, "answer", lambda request: Answer(200, body))
    with site(server) as url:
        feed = connected(url, FakeTime().clocks)
        assert None not in reasons(feed.look_up([domain("c2.example")], WINDOW)) and failures(feed.check())


@pytest.mark.loopback
def test_an_envelope_without_anything_is_an_empty_collection_and_a_circle_ends():
    with site(TaxiiServer("Bearer right", [])) as url:
        assert answers(connected(url, FakeTime().clocks).look_up([domain("x.example")], WINDOW), "x.example") == ()
    server = TaxiiServer("Bearer right", OBJECTS)
    server.answer = lambda request: Answer(200, {"objects": [], "more": True, "next": "7"})
    server.seen = []
    with site(server) as url:
        (reason,) = reasons(connected(url, FakeTime().clocks).look_up([domain("x.example")], WINDOW))
    assert reason == "stix: there is more, but no way to ask for it"


@given(st.text(max_size=60))
def test_no_pattern_is_read_as_more_than_it_says(text):
    one = taxii._Indicator.model_validate(indicator(1, f"[domain-name:value = 'a.example'] {text}"))
    rows = taxii._rows(one)
    assert any(isinstance(row, str) for row in rows) or not text.strip() or text.strip().startswith("OR")
