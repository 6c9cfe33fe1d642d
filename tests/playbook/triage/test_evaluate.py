"""Judging: filters say why, everybody gets a verdict, and a burst is explained for its own address only."""

import pytest

from playbook.model.detection import TimeWindow
from playbook.model.enrichment import FeedEntry, ListEntry, OwnedDestination, ScheduledWindow
from playbook.model.traffic import Burst, HostTraffic, LogCoverage, Traffic, TupleTraffic
from playbook.rules import all_rules
from playbook.triage.evaluate import RuleSet, apply_filters, evaluate, with_traffic
from tests.support.builders import (
    DESTINATION,
    NOW,
    a_beacon,
    a_detection,
    a_record,
    a_site,
    an_enriched,
    at,
    said,
    steady,
)

RULES = RuleSet(all_rules(), {name: rule.params() for name, rule in all_rules().items()})
HOURS = tuple(at(h) for h in range(24))
FEED = said("feed", FeedEntry(feed="f", indicator=DESTINATION, kind="address", last_seen=NOW.date()), about=DESTINATION)
RESOLVER = said("lists", ListEntry(name="public", category="resolver"), about=DESTINATION)

FILTERED = [
    ("G1", "FALSE_POSITIVE", an_enriched(detection=a_beacon(dst_ip="10.9.9.9"))),
    (
        "G2",
        "FALSE_POSITIVE",
        an_enriched(detection=a_beacon(src_ip="172.32.0.1"), site=a_site(home=("10.0.0.0/8", "9.0.0.0/8"))),
    ),
    ("G3", "BENIGN_POSITIVE", an_enriched(RESOLVER, detection=a_beacon(dst_port=53))),
]


@pytest.mark.parametrize(("filter", "disposition", "enriched"), FILTERED)
def test_a_gate_takes_out_and_says_why(filter, disposition, enriched):
    passed, (filtered,) = apply_filters((enriched,), RULES)
    assert not passed
    assert (filtered.filter, filtered.disposition, filtered.src_ip) == (filter, disposition, enriched.detection.src_ip)
    assert filtered.reason and filtered.detection_id == enriched.detection.detection_id


def test_the_first_gate_speaks_and_nothing_is_lost():
    both = an_enriched(detection=a_beacon(src_ip="172.32.0.1", dst_ip="192.168.1.1"), site=a_site(home=("10.0.0.0/8",)))
    passed, filtered = apply_filters((both, an_enriched(), *(g[2] for g in FILTERED)), RULES)
    assert [g.filter for g in filtered] == ["G1", "G1", "G2", "G3"] and len(passed) == 1


@pytest.mark.parametrize(("filter", "disposition", "enriched"), FILTERED)
def test_no_gate_holds_for_a_destination_on_a_list(filter, disposition, enriched):
    passed, filtered = apply_filters((enriched.replaced(enrichments=(*enriched.enrichments, FEED)),), RULES)
    assert len(passed) == 1 and not filtered


def test_traffic_reaches_its_detection_and_its_host():
    mine, other = a_beacon(detection_id="1"), a_beacon(detection_id="2", src_ip="10.20.0.32")
    traffic = Traffic(
        tuples=(TupleTraffic(detection_id="1", start_times=steady(300), sizes=(400,) * 288),),
        hosts=(
            HostTraffic(
                src_ip="10.20.0.32", bursts=(Burst(start=at(1), dst_ip="203.0.113.9", dst_port=80, connections=2000),)
            ),
        ),
        coverage=(LogCoverage(kind="conn", hours=HOURS),),
    )
    bare = tuple(an_enriched(detection=d, traffic=None) for d in (mine, other))
    first, second = with_traffic(bare, traffic)
    assert (first.known("beacon_score"), first.known("flood")) == (1.0, None)
    assert (second.known("beacon_score"), second.known("flood")) == (None, 2000)


def bot(detection_id="1", src="10.20.0.31", hours=(1, 5, 9), **change):
    floods = tuple(Burst(start=at(hour), dst_ip="203.0.113.9", dst_port=80, connections=2000) for hour in hours)
    traffic = Traffic(
        tuples=(TupleTraffic(detection_id=detection_id, start_times=steady(300), sizes=(400,) * 288),),
        hosts=(HostTraffic(src_ip=src, bursts=floods),),
        coverage=(LogCoverage(kind="conn", hours=HOURS),),
    )
    found = an_enriched(**({"detection": a_beacon(detection_id=detection_id, src_ip=src), "traffic": None} | change))
    return with_traffic((found,), traffic)[0]


def in_test(src="10.20.0.31", host="runner-01"):
    window = ScheduledWindow(kind="test", name="soak", window=TimeWindow(start=at(0), end=at(24)), hosts=("runner-01",))
    words = (
        said("host", a_record(hostname="runner-01", roles=("runner",)), about=src),
        said("windows", window, about="runner-01"),
        said("owned", OwnedDestination(name="staging", matched="x"), about="203.0.113.9", role="destination"),
    )
    return an_enriched(*words, host=host, detection=a_beacon(detection_id="test", src_ip=src, dst_ip="203.0.113.9"))


def test_two_groups_convict_and_each_detection_has_a_verdict():
    found = evaluate((bot(), an_enriched(detection=a_beacon(detection_id="2", src_ip="10.20.0.40"))), RULES)
    assert [j.verdict.rung for j in found] == [4, 6]


@pytest.mark.parametrize(
    ("hours", "rung"), [((1, 5, 9), 4), ((1, 1.25, 1.5), 5), ((1, 5), 5), ((0.75, 1, 2), 4)], ids=str
)
def test_a_flood_of_another_place_counts_against_the_host_when_it_comes_again(hours, rung):
    (one,) = evaluate((bot(hours=hours),), RULES)
    assert (one.verdict.rung, one.verdict.about) == (rung, "host" if rung == 4 else "destination")


def test_a_flood_of_the_destination_itself_is_its_own_evidence():
    (one,) = evaluate((bot(hours=(1,), detection=a_beacon(detection_id="1", dst_ip="203.0.113.9")),), RULES)
    assert (one.verdict.rung, one.verdict.about) == (4, "destination")


def test_a_test_of_the_same_address_explains_its_burst():
    tested, other = evaluate((in_test(), bot()), RULES)
    assert tested.verdict.rung == 3
    assert other.verdict.rung == 5 and any("explained elsewhere" in r for r in other.verdict.reasons)


def test_a_bot_that_takes_the_runners_name_does_not_borrow_its_test():
    tested, thief = evaluate((in_test(), bot(src="10.20.0.66", host="runner-01")), RULES)
    assert tested.verdict.rung == 3
    assert thief.verdict.rung == 4


def test_irc_is_conclusive_and_the_rules_speak_in_a_fixed_order():
    (one,) = evaluate((an_enriched(detection=a_detection()),), RULES)
    assert one.verdict.rung == 1
    assert [e.rule for e in one.verdict.evidence] == sorted(e.rule for e in one.verdict.evidence)


@pytest.mark.parametrize("name", ["veeam-01", "a'b", "x\n- role: runner", "<b>"])
def test_no_host_or_process_name_changes_a_verdict(name):
    plain, renamed = evaluate((bot(), bot(src="10.20.0.66", host=name)), RULES)
    dressed = bot().replaced(detection=a_beacon(detection_id="1", hostname=name, processes=(name, "bztransmit.exe")))
    (third,) = evaluate((dressed,), RULES)
    assert plain.verdict.rung == renamed.verdict.rung == third.verdict.rung == 4
