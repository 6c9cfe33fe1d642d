"""Every blind spot of docs/blind-spots.md is still one: what would prove the page wrong fails here."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from playbook.detections.beaconing import Event, Scope, score_events
from playbook.model.enrichment import ApprovedSoftware, FeedEntry, VendorService
from playbook.rules import all_rules
from playbook.triage.evaluate import RuleSet, apply_filters, evaluate
from tests.support.builders import (
    DESTINATION,
    NOW,
    SOURCE,
    a_beacon,
    a_record,
    a_site,
    a_socket,
    an_enriched,
    at,
    measured,
    named,
    said,
)

PAGE = Path(__file__).parents[1] / "docs" / "blind-spots.md"
RULES = RuleSet(all_rules(), {name: rule.params() for name, rule in all_rules().items()})
REGULAR = measured(beacon_score=0.99)
FEED = said("feed", FeedEntry(feed="f", indicator=DESTINATION, kind="address", last_seen=NOW.date()), about=DESTINATION)


def calls(count: int, step: float, **change: object) -> list[Event]:
    """Connections at equal steps, each from a port of its own."""
    first = at(0).timestamp()
    fixed = {"bytes_sent": 200, "bytes_rcvd": 200, "bytes_total": 400} | change
    return [Event(first + n * step, SOURCE, "8.8.4.4", 443, **({"src_port": 20_000 + n} | fixed)) for n in range(count)]


def detected(events: list[Event]) -> int:
    """How many detections these connections raise."""
    return len(score_events(events, Scope("sample")))


def rung(*words, **change) -> int:
    """The rung that decides about a beacon with these enrichments."""
    (one,) = evaluate((an_enriched(*words, **change),), RULES)
    return one.verdict.rung


def icmp() -> bool:
    """A day of calls over ICMP raises nothing, the same over TCP does."""
    return detected(calls(288, 300, proto="icmp")) == 0 < detected(calls(288, 300))


def ntp_sized() -> bool:
    """Packets of NTP's size are filtered, but not where the time servers are declared."""
    shape = {"dst_port": 123, "transports": ("udp",), "ntp_sized": True}
    declared = a_site(time_servers=("203.0.113.123",))
    plain, known = an_enriched(detection=a_beacon(**shape)), an_enriched(detection=a_beacon(**shape), site=declared)
    return len(apply_filters((plain,), RULES)[1]) == 1 and not apply_filters((known,), RULES)[1]


def shared_infrastructure() -> bool:
    """A rhythm to a backed name is a ticket; without the name the same is convicted."""
    backed = measured(beacon_score=0.99, nameless=False)
    bare = measured(beacon_score=0.99, nameless=True)
    return rung(measurements=backed, traffic=named("cdn.example")) == 5 and rung(measurements=bare) == 4


def injected_code() -> bool:
    """The sockets of an approved client with many peers close the case, whoever's code runs in it."""
    client = a_socket(process_name="transmission-daemon", outside_addresses=60)
    approval = ApprovedSoftware(name="transmission", purpose="p2p", sha256="aa" * 32)
    words = (said("host", a_record()), said("processes", client, about="ws-31"))
    return rung(*words, said("software", approval, about="ws-31")) == 3 and rung(*words) != 3


def trusted_ranges() -> bool:
    """A partner's own range closes a beacon that would be convicted without it."""
    partner = VendorService(vendor="Partner", purpose="partner", single_tenant=True, matched="203.0.113.0/24")
    seen = {"measurements": measured(beacon_score=0.99, nameless=True)}
    return rung(said("vendor", partner, about=DESTINATION), **seen) == 3 and rung(**seen) == 4


def one_five_tuple() -> bool:
    """Rows that continue one session are one connection; with a port each they are a beacon."""
    return detected(calls(288, 300, src_port=20_000, continues=True)) == 0 < detected(calls(288, 300))


def rare_calls() -> bool:
    """Nineteen calls in a day, or a thousand in two hours, raise nothing."""
    return detected(calls(19, 4000)) == detected(calls(1000, 7.1)) == 0 < detected(calls(288, 300))


def a_forged_flood() -> bool:
    """A flood above five thousand convicts its host beside a rhythm, though no answer proves that the host sent it."""
    seen = measured(beacon_score=0.99, flood=5001)
    (one,) = evaluate((an_enriched(measurements=seen),), RULES)
    return (one.verdict.rung, one.verdict.about) == (4, "host") and rung(measurements=REGULAR) == 5


def the_router_itself() -> bool:
    """A listed destination convicts no public source that home does not name."""
    lists = said("lists", about=DESTINATION)
    router = {"detection": a_beacon(src_ip="8.8.4.4")}
    ours = router | {"site": a_site(home=("10.0.0.0/8", "8.8.4.4/32"))}
    return rung(FEED, lists, **router) == 5 and rung(FEED, lists, **ours) == 1


BLIND: dict[str, Callable[[], bool]] = {
    "ICMP": icmp,
    "NTP-sized": ntp_sized,
    "Shared infrastructure": shared_infrastructure,
    "Injected code": injected_code,
    "Trusted ranges": trusted_ranges,
    "One five-tuple": one_five_tuple,
    "Rare calls": rare_calls,
    "A forged flood": a_forged_flood,
    "The router itself": the_router_itself,
}


def test_the_page_and_the_tests_name_the_same_blind_spots():
    assert re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE) == list(BLIND)


@pytest.mark.parametrize("name", BLIND)
def test_it_is_still_blind_there(name):
    assert BLIND[name]()
