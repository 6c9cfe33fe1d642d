"""A runner of ours, in its scheduled test, against a target that is ours."""

import pytest

from playbook.model.detection import TimeWindow
from playbook.model.enrichment import OwnedDestination, ScheduledWindow
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import (
    DESTINATION,
    a_beacon,
    a_record,
    a_traffic,
    an_enriched,
    at,
    named,
    said,
    silent,
    steady,
)

RULE = "load_test"
NAME = "staging.example.net"
OURS = said("owned", OwnedDestination(name="staging", matched=DESTINATION), about=DESTINATION)


def window(start=0.0, end=24.0, **change):
    values = {"kind": "test", "name": "soak", "window": TimeWindow(start=at(start), end=at(end)), "hosts": ("ws-31",)}
    return ScheduledWindow(**(values | change))


def test_of(*windows, roles=("runner",), owned=(OURS,), record=True, about="ws-31", more=(), **change):
    known = (said("host", a_record(roles=roles)),) if record else ()
    calendar = (said("windows", *windows, about=about),) if windows else ()
    return an_enriched(*known, *calendar, *owned, *more, **change)


test_of.__test__ = False
AIMED = window(targets=(DESTINATION,))
UNTIMED = a_traffic(a_beacon())

TABLE = [
    Row("speaks", "runner, window, owned target", test_of(window()), "conclusive"),
    Row("speaks", "QA host", test_of(window(), roles=("QA",)), "conclusive"),
    Row("speaks", "the window names its target", test_of(AIMED, owned=()), "conclusive"),
    Row(
        "speaks",
        "the target by a backed name",
        test_of(window(targets=(NAME,)), owned=(), traffic=named(NAME)),
        "conclusive",
    ),
    Row("speaks", "exactly 90 % in the window", test_of(window(end=21.6)), "conclusive"),
    Row("speaks", "two windows together", test_of(window(end=12), window(start=12)), "conclusive"),
    Row("near miss", "just under 90 % in the window", test_of(window(end=21.5)), "contradicted"),
    Row("near miss", "no target declared", test_of(window(), owned=()), "contradicted"),
    Row(
        "hostile",
        "an owned name that only the host's SNI claims",
        test_of(
            window(),
            owned=(said("owned", OwnedDestination(name="staging", matched=NAME), about=NAME, kind="domain"),),
            traffic=named(NAME, by="sni", backed=False),
        ),
        "contradicted",
    ),
    Row("near miss", "no test scheduled", test_of(), "contradicted"),
    Row("near miss", "a backup window is no test", test_of(window(kind="backup")), "contradicted"),
    Row("near miss", "another runner's window", test_of(window(hosts=("ws-32",))), "contradicted"),
    Row("near miss", "the times are unknown", test_of(window(), traffic=UNTIMED), "strong"),
    Row("near miss", "the calendar is unread", test_of(more=(silent("windows", "ws-31"),)), "waits"),
    Row(
        "near miss",
        "calendar unread, target perhaps in it",
        test_of(owned=(), more=(silent("windows", "ws-31"),)),
        "waits",
    ),
    Row("near miss", "the targets are unread", test_of(window(), owned=(silent("owned", DESTINATION),)), "waits"),
    Row(
        "near miss",
        "the inventory of roles is unread",
        test_of(window(), record=False, more=(silent("host"),)),
        "waits",
    ),
    Row(
        "near miss",
        "roles and targets unread",
        test_of(record=False, owned=(silent("owned", DESTINATION),), more=(silent("host"),)),
        "waits",
    ),
    Row("near miss", "roles and calendar unread", an_enriched(silent("host"), silent("windows", "ws-31")), "waits"),
    Row(
        "silent",
        "roles unread, and only a backup is scheduled there",
        test_of(window(kind="backup", targets=(DESTINATION,)), record=False, owned=(), more=(silent("host"),)),
        "silent",
    ),
    Row(
        "near miss",
        "roles unread, and a test is scheduled there",
        test_of(AIMED, record=False, owned=(), more=(silent("host"),)),
        "waits",
    ),
    Row("silent", "a workstation", test_of(window(), roles=("workstation",)), "silent"),
    Row("silent", "inventory unread, but no target of ours", an_enriched(silent("host")), "silent"),
    Row("hostile", "a bot that calls itself ws-31", test_of(window(), record=False, host="ws-31"), "silent"),
    Row(
        "hostile",
        "a bot that calls itself runner-01",
        test_of(window(hosts=("runner-01",)), roles=("workstation",), about="runner-01", host="runner-01"),
        "silent",
    ),
    Row(
        "hostile",
        "SNI of the target without a DNS answer",
        test_of(window(targets=(NAME,)), owned=(), traffic=named(NAME, by="sni", backed=False)),
        "contradicted",
    ),
    Row("hostile", "a window that the host wrote itself", test_of(window(written_by="host")), "contradicted"),
    Row(
        "hostile",
        "target of one window in the hours of another",
        test_of(window(end=2, targets=(DESTINATION,)), window(start=2, targets=("203.0.113.9",)), owned=()),
        "contradicted",
    ),
]


@rows(TABLE)
def test_load_test(row):
    assert outcome(RULE, row.enriched) == row.said


@pytest.mark.parametrize(("enriched", "explains"), [(test_of(window()), True), (test_of(), False)])
def test_only_a_complete_test_explains_a_burst(enriched, explains):
    assert evidence(RULE, enriched).explains_hunt is explains


def test_exactly_the_least_share_is_enough():
    three_quarters = test_of(window(end=18))
    assert evidence(RULE, three_quarters, least_share=0.75).strength == "conclusive"
    assert evidence(RULE, three_quarters, least_share=0.76).contradicted


def test_what_is_missing_and_what_it_rests_on_is_told():
    assert any("test window" in fault for fault in evidence(RULE, test_of()).missing)
    assert [fact.name for fact in evidence(RULE, test_of(window())).facts] == ["role", "test window", "target"]


def test_a_burst_before_the_newest_starts_is_not_forgotten():
    newest = a_traffic(a_beacon(), start_times=steady(60, hours=2, first=22), starts_complete=False)
    assert outcome(RULE, test_of(window(start=22), traffic=newest)) == "contradicted"
