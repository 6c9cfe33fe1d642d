"""No name leads to the address, as measured."""

from playbook.model.measurement import Measurement
from playbook.model.traffic import HostTraffic, LogCoverage, LookUps, Traffic
from playbook.triage.measure import measure
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import SOURCE, a_beacon, an_enriched, at, measured, named

DAY = tuple(at(h) for h in range(24))


VISIBLE = LookUps(visible=True, web_visible=True)


def seen(traffic, look_ups=VISIBLE):
    host = HostTraffic(src_ip=SOURCE, look_ups=look_ups)
    coverage = (LogCoverage(kind="conn", hours=DAY),)
    found = measure(a_beacon(), Traffic(tuples=(traffic,), hosts=(host,), coverage=coverage))
    return an_enriched(measurements=found, traffic=traffic)


TABLE = [
    Row("speaks", "no name at all", seen(named()), "strong"),
    Row("near miss", "covered 79 %", an_enriched(measurements=measured(nameless=(True, 0.79))), "silent"),
    Row("near miss", "no DNS log", seen(named(), None), "silent"),
    Row("near miss", "its look-ups are not in the log", seen(named(), LookUps(web_visible=True)), "silent"),
    Row("near miss", "neither its TLS nor its HTTP is in the log", seen(named(), LookUps(visible=True)), "silent"),
    Row("silent", "a backed name", seen(named("cdn.example")), "silent"),
    Row("silent", "not measured", an_enriched(), "silent"),
    Row("hostile", "SNI that no DNS answer backs", seen(named("www.bank.example", by="sni", backed=False)), "strong"),
    Row("hostile", "Host header that no DNS answer backs", seen(named("a'\n", by="http_host", backed=False)), "strong"),
    Row("hostile", "only its own name server gives it a name", seen(named("www.bank.example", backed=False)), "silent"),
]


@rows(TABLE)
def test_nameless_destination(row):
    assert outcome("nameless_destination", row.enriched) == row.said


def test_it_shows_what_is_only_claimed():
    claim = Measurement(name="nameless", value=True, coverage=1, source="logs", detail="x.example (sni, unbacked)")
    assert "x.example" in evidence("nameless_destination", an_enriched(measurements=(claim,))).reason
