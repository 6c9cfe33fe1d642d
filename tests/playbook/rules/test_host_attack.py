"""The same host floods or scans, outside what its role does by trade."""

import pytest

from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import SOURCE, a_record, a_site, an_enriched, measured, said

QUIET = {"flood": 0, "scan_pairs": 0, "scan_unanswered": 0}
ONCE = {"flood": 1001}
FLOOD = {"flood": 1001, "flood_here": 1001}
SCAN_ONCE = {"scan_pairs": 200, "scan_unanswered": 0.9}
SCAN = SCAN_ONCE | {"scan_third_hour": 200}


def host(*roles, shared=(), **values):
    known = (said("host", a_record(roles=roles)),) if roles else ()
    return an_enriched(*known, measurements=measured(**(QUIET | values)), site=a_site(shared_sources=shared))


TABLE = [
    Row("speaks", "floods", host(**FLOOD), "strong"),
    Row("speaks", "scans", host(**SCAN), "strong"),
    Row("speaks", "a resolver that floods", host("resolver", **FLOOD), "strong"),
    Row("speaks", "floods another place in three hours", host(**ONCE, flood_third_hour=1001), "strong"),
    Row("speaks", "5,001 connections to another place", host(flood=5001), "strong"),
    Row("speaks", "a scan of ports that browsers refuse", host(**SCAN_ONCE, scan_refused_ports=0.5), "strong"),
    Row("near miss", "floods another place once", host(**ONCE), "hint"),
    Row("near miss", "floods here a little, another place once", host(**ONCE, flood_here=1000), "hint"),
    Row("near miss", "exactly 5,000 to another place", host(flood=5000), "hint"),
    Row("near miss", "a third hour of 1,000", host(**ONCE, flood_third_hour=1000), "hint"),
    Row("near miss", "scans once", host(**SCAN_ONCE), "hint"),
    Row("near miss", "under half to ports that browsers refuse", host(**SCAN_ONCE, scan_refused_ports=0.49), "hint"),
    Row("hostile", "a page with hundreds of dead addresses", host(**SCAN_ONCE, scan_refused_ports=0), "hint"),
    Row("near miss", "exactly 1,000 connections", host(flood=1000), "silent"),
    Row("near miss", "199 pairs", host(**(SCAN | {"scan_pairs": 199})), "silent"),
    Row("near miss", "89 % unanswered", host(**(SCAN | {"scan_unanswered": 0.89})), "silent"),
    Row("near miss", "a log that covers 79 % of the time", host(flood=(9999, 0.79)), "silent"),
    Row("silent", "quiet", host(), "silent"),
    Row("silent", "nothing measured", an_enriched(), "silent"),
    Row("silent", "a shared source", host(shared=(SOURCE,), **FLOOD), "silent"),
    Row("silent", "a proxy floods by trade", host("proxy", **FLOOD), "silent"),
    Row("silent", "a runner scans by trade", host("runner", **SCAN), "silent"),
    Row("silent", "an inventory that writes Load-Balancer", host("Load-Balancer", **FLOOD), "silent"),
    Row(
        "hostile",
        "a bot that calls itself proxy-01 keeps no trade",
        an_enriched(
            said("host", a_record(roles=("proxy",)), about="proxy-01"),
            host="proxy-01",
            measurements=measured(**(QUIET | FLOOD)),
        ),
        "strong",
    ),
]


@rows(TABLE)
def test_host_attack(row):
    assert outcome("host_attack", row.enriched) == row.said


@pytest.mark.parametrize(
    ("values", "about"),
    [
        (FLOOD, "destination"),
        (SCAN, "host"),
        (FLOOD | SCAN, "destination"),
        ({"flood": 5001}, "host"),
        (ONCE, "host"),
    ],
)
def test_what_was_not_done_to_this_destination_speaks_of_the_host(values, about):
    assert evidence("host_attack", host(**values)).about == about


@pytest.mark.parametrize("values", [ONCE, SCAN_ONCE])
def test_it_is_a_hunt_of_the_host_group_that_an_explanation_may_account_for(values):
    word = evidence("host_attack", host(**values))
    assert (word.hunt, word.group, word.leans) == (True, "host", "malicious")
    assert len(word.facts) == len(values)
