"""Filter G2: the source is no machine of ours."""

from playbook.model.enrichment import FeedEntry
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import DESTINATION, NOW, a_beacon, a_site, an_enriched, said

FEED = said("feed", FeedEntry(feed="f", indicator=DESTINATION, kind="address", last_seen=NOW.date()), about=DESTINATION)


def source(address, *words, destination=DESTINATION, **networks):
    return an_enriched(*words, detection=a_beacon(src_ip=address, dst_ip=destination), site=a_site(**networks))


OURS = {"home": ("10.0.0.0/8", "198.51.100.0/24")}

TABLE = [
    Row("speaks", "a stranger contacts us", source("8.8.8.8", destination="198.51.100.9", **OURS), "conclusive"),
    Row("speaks", "a stranger beside our global network", source("8.8.8.8", **OURS), "conclusive"),
    Row("near miss", "a private source that home leaves out is judged", source("192.168.1.1", **OURS), "silent"),
    Row("near miss", "last address of our network", source("198.51.100.255", **OURS), "silent"),
    Row("near miss", "first address past it", source("198.51.101.0", **OURS), "conclusive"),
    Row("near miss", "global, and home names no global prefix", source("8.8.8.8"), "silent"),
    Row("speaks", "a stranger contacts a private machine", source("8.8.8.8", destination="10.0.0.9"), "conclusive"),
    Row("near miss", "global IPv6, and home names IPv4 only", source("2a00::1", **OURS), "silent"),
    Row("silent", "home", source("10.20.0.31"), "silent"),
    Row("silent", "unique local", source("fd00::1"), "silent"),
    Row("silent", "the destination is listed", source("8.8.8.8", FEED, **OURS), "silent"),
    Row("hostile", "a mapped home address", source("::ffff:10.0.0.1", **OURS), "silent"),
    Row("hostile", "no address", source("home\n10.0.0.1", **OURS), "silent"),
]


@rows(TABLE)
def test_source_not_ours(row):
    assert outcome("source_not_ours", row.enriched) == row.said


def test_inbound_is_said():
    assert "inbound" in evidence("source_not_ours", TABLE[0].enriched).reason
