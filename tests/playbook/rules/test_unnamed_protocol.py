"""Requests or handshakes that name nothing: destination evidence without any DNS log."""

from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import an_enriched, measured


def with_shares(**values):
    return an_enriched(measurements=measured(**values))


TABLE = [
    Row("speaks", "requests to a bare address", with_shares(requests=20, unnamed_requests=0.9), "strong"),
    Row("speaks", "handshakes without a name", with_shares(handshakes=300, unnamed_handshakes=1.0), "strong"),
    Row("near miss", "19 requests", with_shares(requests=19, unnamed_requests=1.0), "silent"),
    Row("near miss", "89 % of them", with_shares(requests=500, unnamed_requests=0.89), "silent"),
    Row(
        "near miss",
        "a log that covers 79 % of the time",
        with_shares(requests=(90, 0.79), unnamed_requests=(1.0, 0.79)),
        "silent",
    ),
    Row("silent", "nothing of either kind is known", an_enriched(), "silent"),
    Row(
        "hostile",
        "named requests do not vouch for handshakes",
        with_shares(requests=900, unnamed_requests=0.0, handshakes=90, unnamed_handshakes=0.95),
        "strong",
    ),
]


@rows(TABLE)
def test_unnamed_protocol(row):
    assert outcome("unnamed_protocol", row.enriched) == row.said


def test_the_reason_says_how_many():
    word = evidence("unnamed_protocol", with_shares(requests=40, unnamed_requests=0.95))
    assert word.reason == "95% of 40 HTTP requests name no host" and word.group == "destination"
