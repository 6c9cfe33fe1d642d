"""As regular as a machine, as measured."""

from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import an_enriched, measured


def score(value, coverage=1.0):
    return an_enriched(measurements=measured(beacon_score=(value, coverage)))


TABLE = [
    Row("speaks", "0.5", score(0.5), "strong"),
    Row("speaks", "covered 80 %", score(0.9, 0.8), "strong"),
    Row("near miss", "0.499", score(0.499), "silent"),
    Row("near miss", "covered 79 %", score(1.0, 0.79), "silent"),
    Row("silent", "unknown", score(None), "silent"),
    Row("silent", "not measured", an_enriched(), "silent"),
    Row("hostile", "no score above one makes it more than strong", score(7.0), "strong"),
]


@rows(TABLE)
def test_steady_interval(row):
    assert outcome("steady_interval", row.enriched) == row.said


def test_it_is_rhythm_whatever_it_is_worth():
    assert evidence("steady_interval", score(1.0)).group == "rhythm"
