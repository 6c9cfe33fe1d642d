"""A fifth of at least fifty hosts uses the destination."""

from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import an_enriched, measured


def used(by, of, coverage=1.0):
    values = {"hosts_answered": by, "active_hosts": of, "prevalence": by / of}
    return an_enriched(measurements=measured(**{n: (v, coverage) for n, v in values.items()}))


TABLE = [
    Row("speaks", "10 of 50", used(10, 50), "strong"),
    Row("near miss", "9 of 50", used(9, 50), "silent"),
    Row("near miss", "10 of 49", used(10, 49), "silent"),
    Row("near miss", "covered 79 %", used(50, 50, 0.79), "silent"),
    Row("silent", "not measured", an_enriched(), "silent"),
    Row("hostile", "all of ten hosts, all of them bots", used(10, 10), "silent"),
]


@rows(TABLE)
def test_prevalent_destination(row):
    assert outcome("prevalent_destination", row.enriched) == row.said


def test_it_is_no_explanation():
    assert evidence("prevalent_destination", used(50, 50)).role == "context"
