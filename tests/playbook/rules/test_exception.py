"""A person's exception: live, whole, and for exactly this."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from playbook.model.site import ExceptionEntry, Site
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import DESTINATION, NOW, SOURCE, a_beacon, a_record, a_site, an_enriched, named, said

TODAY = NOW.date()


def entry(**change):
    values = {
        "exception_id": "X-1",
        "owner": "netops",
        "reason": "known probe",
        "entered": TODAY,
        "ends": TODAY + timedelta(days=30),
    }
    return ExceptionEntry(**(values | change))


def pair(**change):
    return entry(**({"source": SOURCE, "destination": DESTINATION} | change))


def seen(*entries, enrichments=(), **change):
    return an_enriched(*enrichments, site=a_site().model_copy(update={"exceptions": entries}), **change)


RECORD = (said("host", a_record()),)
NAMED = named("probe.example")

TABLE = [
    Row("speaks", "source and destination", seen(pair()), "conclusive"),
    Row(
        "speaks",
        "networks on both sides",
        seen(pair(source="10.20.0.0/16", destination="203.0.113.0/24")),
        "conclusive",
    ),
    Row("speaks", "the proven host's name", seen(pair(source="WS-31.corp.example."), enrichments=RECORD), "conclusive"),
    Row("speaks", "a backed destination name", seen(pair(destination="Probe.Example."), traffic=NAMED), "conclusive"),
    Row("speaks", "one named indicator", seen(entry(indicator="probe.example"), traffic=NAMED), "conclusive"),
    Row("speaks", "an indicator for this source", seen(entry(indicator=DESTINATION, source=SOURCE)), "conclusive"),
    Row(
        "speaks",
        "an address written otherwise",
        seen(entry(indicator=" 2001:DB8:0::66 "), detection=a_beacon(dst_ip="2001:db8::66")),
        "conclusive",
    ),
    Row("speaks", "its port", seen(pair(port=443)), "conclusive"),
    Row("speaks", "its last day", seen(pair(entered=TODAY - timedelta(days=9), ends=TODAY)), "conclusive"),
    Row("speaks", "exactly 180 days", seen(pair(ends=TODAY + timedelta(days=180))), "conclusive"),
    Row(
        "near miss",
        "ended yesterday",
        seen(pair(entered=TODAY - timedelta(days=9), ends=TODAY - timedelta(days=1))),
        "silent",
    ),
    Row("near miss", "starts tomorrow", seen(pair(entered=TODAY + timedelta(days=1))), "silent"),
    Row("near miss", "181 days", seen(pair(ends=TODAY + timedelta(days=181))), "silent"),
    Row("near miss", "another port", seen(pair(port=8443)), "silent"),
    Row("near miss", "port 0 is a port", seen(pair(port=0)), "silent"),
    Row("near miss", "the network beside", seen(pair(destination="203.0.112.0/24")), "silent"),
    Row(
        "near miss",
        "an indicator for another source",
        seen(entry(indicator=DESTINATION, source="10.20.0.32")),
        "silent",
    ),
    Row("silent", "no exceptions", seen(), "silent"),
    Row("silent", "no scope", seen(entry()), "silent"),
    Row("silent", "only a source", seen(entry(source=SOURCE)), "silent"),
    Row("silent", "only a destination", seen(entry(destination=DESTINATION)), "silent"),
    Row("hostile", "the host claims the excepted name", seen(pair(source="ws-31"), host="ws-31"), "silent"),
    Row(
        "hostile",
        "SNI of the excepted name without a DNS answer",
        seen(entry(indicator="probe.example"), traffic=named("probe.example", by="sni", backed=False)),
        "silent",
    ),
    Row(
        "hostile",
        "its own name server gives the excepted name",
        seen(pair(destination="probe.example"), traffic=named("probe.example", backed=False)),
        "silent",
    ),
    Row(
        "hostile",
        "a subdomain of the excepted name",
        seen(entry(indicator="example"), traffic=named("probe.example")),
        "silent",
    ),
    Row("hostile", "the whole Internet as an indicator", seen(entry(indicator="0.0.0.0/0")), "silent"),
    Row("hostile", "quotes and new lines", seen(entry(indicator="probe.example'\n--"), traffic=NAMED), "silent"),
]


@rows(TABLE)
def test_exception(row):
    assert outcome("exception", row.enriched) == row.said


def test_every_covering_indicator_overrides_whatever_the_order():
    address = entry(exception_id="X-2", indicator=DESTINATION)
    name = entry(exception_id="X-3", indicator="probe.example")
    for order in ((pair(), address, name), (name, pair(), address)):
        word = evidence("exception", seen(*order, traffic=NAMED))
        assert set(word.overrides) == {DESTINATION, "probe.example"} and word.indicator
        assert {f.source for f in word.facts} == {"exceptions: X-1", "exceptions: X-2", "exceptions: X-3"}


def test_a_source_and_destination_exception_overrides_no_indicator():
    word = evidence("exception", seen(pair()))
    assert (word.indicator, word.overrides) == ("", ())
    assert "netops" in word.reason and "known probe" in word.reason
    assert word.facts[0].value.startswith(f"{SOURCE} to {DESTINATION}, entered")
    assert evidence("exception", seen(pair(port=443))).facts[0].value.startswith(f"{SOURCE} to {DESTINATION}:443, ")
    named_one = evidence("exception", seen(entry(indicator=DESTINATION)))
    assert named_one.facts[0].value.startswith(f"{DESTINATION}, entered")


def test_an_indicator_written_otherwise_overrides_the_feeds_form_of_it():
    word = evidence("exception", seen(entry(indicator="2001:DB8:0::66"), detection=a_beacon(dst_ip="2001:db8::66")))
    assert (word.indicator, word.overrides) == ("2001:db8::66", ("2001:db8::66",))


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize(("hour", "outside"), [(0, 0), (23, 0), (24, 1), (-1, -1)])
def test_a_date_is_a_day_of_utc(zone, hour, outside):
    moment = datetime.combine(TODAY, time(), UTC) + timedelta(hours=hour)
    enriched = seen(pair(entered=TODAY, ends=TODAY))
    site = Site.model_validate(enriched.site.model_dump() | {"now": moment.astimezone(ZoneInfo(zone))})
    expected = "silent" if outside else "conclusive"
    assert outcome("exception", enriched.model_copy(update={"site": site})) == expected
