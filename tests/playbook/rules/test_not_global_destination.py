"""Filter G1: the destination is no place on the Internet."""

from playbook.model.enrichment import FeedEntry, ListEntry
from tests.playbook.rules.table import Row, outcome, rows
from tests.support.builders import NOW, a_beacon, a_site, an_enriched, said


def to(address, *words, **networks):
    return an_enriched(*words, detection=a_beacon(dst_ip=address), site=a_site(**networks))


def listed(address):
    entry = FeedEntry(feed="f", indicator=address, kind="address", last_seen=NOW.date())
    return said("feed", entry, about=address, role="destination")


SINKHOLE = said("lists", ListEntry(name="s", category="sinkhole"), about="192.168.1.9", role="destination")

TABLE = [
    Row("speaks", "RFC 1918", to("192.168.1.9"), "conclusive"),
    Row("speaks", "multicast", to("224.0.0.251"), "conclusive"),
    Row("speaks", "shared address space", to("100.64.0.1"), "conclusive"),
    Row("speaks", "unique local", to("fd00::1"), "conclusive"),
    Row("speaks", "documentation outside a lab", to("203.0.113.66", lab=()), "conclusive"),
    Row("near miss", "one past RFC 1918", to("172.32.0.1"), "silent"),
    Row("near miss", "one past shared address space", to("100.128.0.0"), "silent"),
    Row("silent", "the Internet", to("8.8.8.8"), "silent"),
    Row("silent", "IPv6", to("2606:4700::1"), "silent"),
    Row("silent", "listed by a feed", to("192.168.1.9", listed("192.168.1.9")), "silent"),
    Row("silent", "a listed sinkhole", to("192.168.1.9", SINKHOLE), "silent"),
    Row("hostile", "a mapped private address", to("::ffff:10.0.0.1"), "conclusive"),
    Row("hostile", "a mapped global address", to("::ffff:8.8.8.8"), "silent"),
    Row("hostile", "6to4 of a global address", to("2002:808:808::1"), "silent"),
    Row("hostile", "NAT64 of a private address", to("64:ff9b::a00:1"), "conclusive"),
    Row("hostile", "no address", to("10.0.0.1; drop"), "silent"),
]


@rows(TABLE)
def test_not_global_destination(row):
    assert outcome("not_global_destination", row.enriched) == row.said
