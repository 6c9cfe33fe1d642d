"""Twenty places in a quarter of an hour that did not answer: a hint, and never more."""

from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import an_enriched, measured


def tried(failures, coverage=1.0):
    return an_enriched(measurements=measured(scan_failures=(failures, coverage)))


TABLE = [
    Row("speaks", "twenty", tried(20), "hint"),
    Row("speaks", "one short of a scan", tried(199), "hint"),
    Row("near miss", "nineteen", tried(19), "silent"),
    Row("near miss", "covered 79 %", tried(100, 0.79), "silent"),
    Row("silent", "a scan is host_attack's to tell", tried(200), "silent"),
    Row("silent", "unknown", tried(None), "silent"),
    Row("silent", "not measured", an_enriched(), "silent"),
    Row("hostile", "no number of places makes it more than a hint", tried(150), "hint"),
]


@rows(TABLE)
def test_slow_scan(row):
    assert outcome("slow_scan", row.enriched) == row.said


def test_it_counts_for_nobody():
    word = evidence("slow_scan", tried(50))
    assert (word.role, word.group) == ("context", None)
