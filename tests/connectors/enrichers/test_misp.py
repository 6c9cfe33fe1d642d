"""MISP as a feed: marked attributes of known kinds, whole, with their own date; anything else is counted."""

from datetime import date

import pytest
from pydantic import SecretStr

from connectors.enrichers import misp
from playbook.model.enrichment import FeedEntry
from tests.emulators.feeds import MispServer, attribute, serving
from tests.emulators.site import Answer, site
from tests.support.cassette_secrets import canary
from tests.support.live_fixtures import (
    HERE,
    NOW,
    SITE,
    WINDOW,
    FakeTime,
    address,
    answers,
    at,
    domain,
    failures,
    reasons,
    recorded,
)

VENDOR = "https://misp.example"
KEY = "MISP_KEY"
SEEN = int(at("10-20 10:00").timestamp())
ATTRIBUTES = [
    attribute(1, "ip-dst|port", "203.0.113.9|8443", SEEN),
    attribute(2, "domain", "c2.example", SEEN),
    attribute(3, "domain", "warned.example", SEEN, to_ids=False),
    attribute(4, "sha256", "ab", SEEN),
    attribute(5, "ip-dst", "10.0.0.0/8", SEEN),
    attribute(6, "ip-dst", "nonsense", SEEN),
    attribute(7, "hostname", "gone.example", SEEN, deleted=True),
    attribute(8, "url", "https://u.example/x", SEEN),
    attribute(9, "domain|ip", "d.example|203.0.113.10", SEEN, last_seen="2026-10-31T23:30:00.000000+00:00"),
    attribute(10, "domain", "x.example", "soon"),
]


def connected(url, clocks, key=SecretStr("right"), **more):  # noqa: B008
    given = misp.Settings.model_validate({"base_url": url, "key": key, "disk": False} | more)
    return misp.connect("misp", given, SITE, HERE, clocks)


def entry(indicator, kind, **more):
    return FeedEntry(
        feed="misp",
        indicator=indicator,
        kind=kind,
        malware="Emotet wave",
        trust="strong",
        **({"last_seen": date(2026, 10, 20)} | more),
    )


def test_entries(cassette):
    url, key = cassette.site(VENDOR, serving(MispServer(canary(KEY), ATTRIBUTES))), cassette.secret(KEY)
    feed = connected(url, recorded(cassette), key)
    words = feed.look_up(
        [
            address("203.0.113.9", "destination"),
            domain("c2.example"),
            domain("u.example"),
            domain("d.example"),
            domain("warned.example"),
            domain("gone.example"),
            address("10.1.2.3", "destination"),
            address("203.0.113.9"),
        ],
        WINDOW,
    )
    assert {word.observable.value: word.answers for word in words} == {
        "203.0.113.9": (entry("203.0.113.9", "address", port=8443),),
        "c2.example": (entry("c2.example", "domain"),),
        "u.example": (entry("https://u.example/x", "url"),),
        "warned.example": (),
        "gone.example": (),
        "10.1.2.3": (),
        "d.example": (entry("d.example", "domain", last_seen=date(2026, 10, 31)),),
    }
    assert {word.as_of for word in words} == {NOW} and {word.warning for word in words} == {
        "1 attributes left out: timestamp: Input should be a valid integer, unable to parse string as an integer; "
        "2 entries left out: 10.0.0.0/8 is too wide; expected /24 or narrower; "
        "'nonsense' does not appear to be an IPv4 or IPv6 network"
    }


def test_a_key_that_is_refused(cassette):
    url = cassette.site(VENDOR, serving(MispServer("another", ATTRIBUTES)))
    (word,) = connected(url, recorded(cassette), cassette.secret(KEY)).look_up([domain("c2.example")], WINDOW)
    assert word.unavailable == "misp: misp.example refused the credentials or a permission is missing (403): key"


@pytest.mark.loopback
def test_pages_are_read_to_the_end_and_once():
    server = MispServer("right", [attribute(n, "domain", f"d{n}.example", SEEN) for n in range(4100)])
    with site(server) as url:
        feed = connected(url, FakeTime().clocks)
        assert answers(feed.look_up([domain("d4099.example")], WINDOW), "d4099.example")
        assert feed.check()[0].message == "4100 entries, newest 2026-10-20, read 2026-11-01 12:00Z, trust strong"
    assert len(server.seen) == 3


@pytest.mark.loopback
@pytest.mark.parametrize("body", [b"<html>", [], {"response": []}, {"response": {"Attribute": {}}}, {"errors": "x"}])
def test_an_answer_of_another_form_is_no_empty_feed(body, monkeypatch):
    server = MispServer("right", ATTRIBUTES)
    monkeypatch.setattr(server, "answer", lambda request: Answer(200, body))
    with site(server) as url:
        feed = connected(url, FakeTime().clocks)
        assert None not in reasons(feed.look_up([domain("c2.example")], WINDOW)) and failures(feed.check())
