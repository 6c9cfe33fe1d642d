"""Half of the attempts unanswered, in three hours or more."""

from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import an_enriched, measured


def seen(share, hours, coverage=1.0):
    return an_enriched(measurements=measured(unanswered_share=(share, coverage), unanswered_hours=(hours, coverage)))


TABLE = [
    Row("speaks", "half, in three hours", seen(0.5, 3), "strong"),
    Row("near miss", "49.99 %", seen(0.4999, 3), "silent"),
    Row("near miss", "two hours", seen(1.0, 2), "silent"),
    Row("near miss", "covered 79 %", seen(1.0, 24, 0.79), "silent"),
    Row("silent", "unknown", seen(None, None), "silent"),
    Row("silent", "not measured", an_enriched(), "silent"),
    Row("hostile", "more unanswered than attempts stays strong", seen(40.0, 24), "strong"),
]


@rows(TABLE)
def test_unanswered(row):
    assert outcome("unanswered", row.enriched) == row.said


def test_it_is_rhythm_beside_the_beacon_score():
    assert evidence("unanswered", seen(0.5, 3)).group == "rhythm"
