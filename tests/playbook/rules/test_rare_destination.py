"""Almost nobody uses it, and nobody did until this week."""

from tests.playbook.rules.table import Row, outcome, rows
from tests.support.builders import an_enriched, measured


def used(using=2, active=50, age=7, history=14, coverage=1.0):
    values = {"hosts_using": using, "active_hosts": active, "destination_age": age, "history": history}
    return an_enriched(measurements=measured(**{n: (v, coverage) for n, v in values.items() if v is not None}))


TABLE = [
    Row("speaks", "two hosts, new this week", used(), "strong"),
    Row("speaks", "one in a hundred of many", used(using=10, active=1000), "strong"),
    Row("near miss", "three hosts", used(using=3), "silent"),
    Row("near miss", "more than one in a hundred", used(using=11, active=1000), "silent"),
    Row("near miss", "49 active hosts", used(active=49), "silent"),
    Row("near miss", "seen 7.01 days ago", used(age=7.01), "silent"),
    Row("near miss", "13.99 days of history", used(history=13.99), "silent"),
    Row("near miss", "covered 79 %", used(coverage=0.79), "silent"),
    Row("silent", "no history", used(history=None), "silent"),
    Row("silent", "first sighting unknown", used(age=None), "silent"),
    Row("hostile", "a clock that puts the first sighting in the future is still new", used(age=-1), "strong"),
]


@rows(TABLE)
def test_rare_destination(row):
    assert outcome("rare_destination", row.enriched) == row.said
