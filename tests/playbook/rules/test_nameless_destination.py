"""No name leads to the address, as measured."""

from playbook.model.measurement import Measurement
from playbook.model.traffic import LogCoverage, Traffic
from playbook.triage.measure import measure
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import a_beacon, an_enriched, at, measured, named

DAY = tuple(at(h) for h in range(24))


def seen(traffic, kinds=("dns", "tls")):
    coverage = tuple(LogCoverage(kind=k, hours=DAY) for k in kinds)
    found = measure(a_beacon(), Traffic(tuples=(traffic,), coverage=coverage))
    return an_enriched(measurements=found, traffic=traffic)


TABLE = [
    Row("speaks", "no name at all", seen(named()), "strong"),
    Row("near miss", "covered 79 %", an_enriched(measurements=measured(nameless=(True, 0.79))), "silent"),
    Row("near miss", "no DNS log", seen(named(), ("tls",)), "silent"),
    Row("near miss", "neither TLS nor HTTP log", seen(named(), ("dns",)), "silent"),
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
