"""IRC spoken over TCP, as a protocol analyser saw it."""

from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import a_detection, an_enriched


def spoken(**change):
    return an_enriched(detection=a_detection(**change))


TABLE = [
    Row("speaks", "Zeek service irc", spoken(), "conclusive"),
    Row("speaks", "on any port", spoken(dst_port=443, irc_port=0), "conclusive"),
    Row("speaks", "App-ID beside TLS", spoken(services=("irc-base", "ssl")), "conclusive"),
    Row("near miss", "over UDP only", spoken(transports=("udp",)), "silent"),
    Row("near miss", "transport unknown", spoken(transports=()), "silent"),
    Row("near miss", "only denied attempts", spoken(blocked=True, denied=288, connections=0), "silent"),
    Row("silent", "TLS on 6697", spoken(dst_port=6697, services=("ssl",)), "silent"),
    Row("silent", "no service recorded", spoken(services=()), "silent"),
    Row("hostile", "a process called irc", spoken(services=(), processes=("irc",)), "silent"),
    Row("hostile", "a service that only contains the word", spoken(services=("irc-like\n'",)), "silent"),
]


@rows(TABLE)
def test_irc_spoken(row):
    assert outcome("irc_spoken", row.enriched) == row.said


def test_the_indicator_is_the_address_an_exception_must_name():
    assert evidence("irc_spoken", spoken()).indicator == "203.0.113.66"
