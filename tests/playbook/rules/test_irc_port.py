"""An IRC port without the protocol is a hint."""

from tests.playbook.rules.table import Row, outcome, rows
from tests.support.builders import a_beacon, a_detection, an_enriched


def on(port, irc_port, *services):
    return an_enriched(detection=a_beacon(dst_port=port, irc_port=irc_port, services=services))


TABLE = [
    Row("speaks", "6667 and nothing recorded", on(6667, 1), "hint"),
    Row("speaks", "TLS on 6697", on(6697, 1, "ssl"), "hint"),
    Row("near miss", "IRC was spoken: another rule's word", an_enriched(detection=a_detection()), "silent"),
    Row("silent", "443", on(443, 0), "silent"),
    Row("hostile", "SOCKS on 1080 stays a hint", on(1080, 1, "socks"), "hint"),
]


@rows(TABLE)
def test_irc_port(row):
    assert outcome("irc_port", row.enriched) == row.said
