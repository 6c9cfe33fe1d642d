"""Looking up and fetching: flat rows, and what could not be asked is said."""

from datetime import timedelta
from ipaddress import ip_network

import pytest

from playbook.actions import find
from playbook.config import Config
from playbook.errors import ConfigError, Unreachable
from playbook.model.detection import SourceHealth, TimeWindow
from playbook.model.enrichment import FeedEntry, HostRecord, ListEntry, NetworkOwner
from tests.playbook.actions.world import Enricher, Source, World, lab, outside
from tests.support.builders import NOW, a_detection


def test_an_address_is_told_in_one_flat_row():
    feed = FeedEntry(feed="urlhaus", indicator="9.9.9.10", kind="address", last_seen=NOW.date(), malware="Emotet")
    world = World(
        (
            Enricher(
                "asn", "asn", NetworkOwner(asn=64496, organisation="Example Net", network="9.9.9.0/24", country="NL")
            ),
            Enricher("whois", "whois", NetworkOwner(organisation="Holder", network="9.9.0.0/16")),
            Enricher("lists", "lists", ListEntry(name="Big CDN", category="cdn")),
            Enricher("feeds", "feed", feed),
        )
    )
    result = find("look_up_address").run({"address": "9.9.9.10"}, world)
    (row,) = result.rows
    assert (row.asn, row.organisation, row.registered_organisation) == (64496, "Example Net", "Holder")
    assert (row.lists, row.is_shared, row.malware, row.feeds) == ("Big CDN (cdn)", True, "Emotet", "urlhaus")
    assert result.complete and row.unavailable == "" and row.is_global
    assert {(o.value, o.role) for o in world.enricher[0].asked} == {("9.9.9.10", "destination")}


@pytest.mark.parametrize(
    "enricher",
    [Enricher("whois", "whois", unavailable="no answer in 5 s"), Enricher("whois", "whois", fault=Unreachable("down"))],
    ids=["unavailable", "raises"],
)
def test_who_could_not_be_asked_makes_the_answer_incomplete(enricher):
    result = find("look_up_address").run({"address": "9.9.9.10"}, World((enricher,)))
    assert not result.complete
    assert result.rows[0].unavailable.startswith("whois: ")
    assert result.rows[0].asked == ""


def test_an_address_inside_another_is_looked_up_unwrapped():
    world = World((Enricher("asn", "asn"),))
    find("look_up_address").run({"address": "::ffff:9.9.9.10"}, world)
    assert [o.value for o in world.enricher[0].asked] == ["9.9.9.10"]


def test_a_host_that_two_questions_find_is_one_row_and_a_scoped_enricher_is_asked_for_its_hosts_only():
    record = HostRecord(host_id="A-1", hostname="cam-01", roles=("iot",), owner="Facilities", addresses=("10.1.3.10",))
    branch = Enricher("branch", "backup_sessions", fault=Unreachable("down"))
    scopes = {"branch": (ip_network("10.9.0.0/16"),)}
    world = World((Enricher("inventory", "host", record), branch), scopes=scopes)
    result = find("look_up_host").run({"host": "CAM-01.", "address": "10.1.3.10"}, world)
    assert [(row.hostname, row.roles) for row in result.rows] == [("cam-01", "iot")]
    assert result.complete and branch.asked == []
    assert result.warnings == ("branch was not asked: it serves only hosts in 10.9.0.0/16",)
    asked_there = find("look_up_host").run({"address": "10.9.1.1"}, world)
    assert not asked_there.complete and branch.asked


def test_rows_come_loudest_first_and_incompleteness_is_said():
    health = SourceHealth(rows_read=9, complete=False, warnings=("an hour is silent",))
    world = World(origin=Source(a_detection(connections=30), a_detection(detection_id="6f" * 32), health=health))
    result = find("fetch_detections").run({"source": "siem"}, world)
    assert [row.connections for row in result.rows] == [288, 30]
    assert not result.complete and result.message.startswith("INCOMPLETE") and result.warnings == ("an hour is silent",)
    assert result.rows[0].first_seen == "2026-11-23 00:03:00" and result.rows[0].services == "irc"


def test_a_row_can_be_routed_by_the_rules_severity_and_technique_and_is_judged_as_it_came():
    world = World(origin=Source(a_detection()))
    (row,) = find("fetch_detections").run({"source": "siem"}, world).rows
    assert (row.rule_severity, row.rule_confidence) == ("high", "medium")
    inferred, observed = sorted(row.techniques.splitlines(), reverse=True)
    assert inferred.startswith("T1584.005 ") and "; inferred)" in inferred
    assert observed.startswith("T1071 ") and "; observed)" in observed
    assert observed.endswith("https://attack.mitre.org/techniques/T1071/")
    plain = row.model_dump(exclude={"source"})
    loud = plain | {"rule_severity": "informational", "techniques": "T0000"}
    judged = [find("judge_detection").run(given, outside(lab())).rows[0] for given in (plain, loud)]
    assert judged[0] == judged[1] and judged[0].techniques == row.techniques


@pytest.mark.parametrize(
    ("kind", "given", "window", "table"),
    [
        ("sumologic", {}, None, {}),
        ("sumologic", {"hours": 2}, (timedelta(hours=-2, minutes=-15), timedelta(minutes=-15)), {}),
        ("logs", {"hours": "48"}, None, {"window": "48h"}),
        ("logs", {"start": "2026-11-24T00:00:00Z", "end": "2026-11-24 06:00"}, (timedelta(hours=-6), timedelta()), {}),
    ],
)
def test_the_window_is_what_was_asked_for(kind, given, window, table):
    world = World(config=Config(sources={"siem": {"kind": kind}}))
    find("fetch_detections").run(given, world)
    assert world.origin.tables == [("siem", {"kind": kind} | table)]
    assert world.origin.windows == [window and TimeWindow(start=NOW + window[0], end=NOW + window[1])]


@pytest.mark.parametrize(
    "given",
    [
        {"start": "2026-11-24"},
        {"start": "2026-11-24", "end": "2026-11-25", "hours": 3},
        {"start": "2026-11-24", "end": "2026-11-24"},
    ],
)
def test_half_a_window_is_refused(given):
    with pytest.raises(ConfigError, match=r"fetch_detections: (start|end): "):
        find("fetch_detections").run(given, World())
