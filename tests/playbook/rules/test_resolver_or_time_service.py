"""Filter G3: names and time, where the other side is declared or the log shows the protocol."""

from playbook.model.enrichment import FeedEntry, ListEntry
from tests.playbook.rules.table import Row, outcome, rows
from tests.support.builders import DESTINATION, NOW, SOURCE, a_beacon, a_site, an_enriched, said

RESOLVER = said("lists", ListEntry(name="public resolver", category="resolver"), about=DESTINATION)
CLOUD = said("lists", ListEntry(name="a cloud", category="cloud"), about=DESTINATION)
FEED = said("feed", FeedEntry(feed="f", indicator=DESTINATION, kind="address", last_seen=NOW.date()), about=DESTINATION)


OURS, CLOCKS = {"resolvers": (SOURCE,)}, {"time_servers": ("203.0.113.123",)}


def on(port, *words, networks=None, **change):
    return an_enriched(*words, detection=a_beacon(dst_port=port, **change), site=a_site(**(networks or {})))


def ntp(**change):
    return on(123, **({"transports": ("udp",)} | change))


TABLE = [
    Row("speaks", "53 to a public resolver", on(53, RESOLVER), "conclusive"),
    Row("speaks", "853 to our resolver", on(853, networks={"resolvers": (DESTINATION,)}), "conclusive"),
    Row("speaks", "UDP 53 from our resolver", on(53, transports=("udp",), networks=OURS), "conclusive"),
    Row("speaks", "TCP 53 from our resolver, answered in DNS", on(53, services=("dns",), networks=OURS), "conclusive"),
    Row(
        "speaks",
        "853 from our resolver to a declared one",
        on(853, networks={"resolvers": (SOURCE, DESTINATION)}),
        "conclusive",
    ),
    Row("speaks", "853 from our resolver to a public one", on(853, RESOLVER, networks=OURS), "conclusive"),
    Row("hostile", "TCP 53 from our resolver, no protocol seen", on(53, networks=OURS), "silent"),
    Row(
        "hostile", "TCP 53 from our resolver, TLS beside DNS", on(53, services=("dns", "ssl"), networks=OURS), "silent"
    ),
    Row("hostile", "853 from our resolver to anybody", on(853, services=("ssl",), networks=OURS), "silent"),
    Row(
        "near miss", "NTP to another where time servers are declared", ntp(services=("ntp",), networks=CLOCKS), "silent"
    ),
    Row("near miss", "its size to another, time servers declared", ntp(ntp_sized=True, networks=CLOCKS), "silent"),
    Row("speaks", "the log says NTP", ntp(services=("ntp",)), "conclusive"),
    Row("speaks", "packets of NTP's size", ntp(ntp_sized=True), "conclusive"),
    Row("speaks", "our time server", on(123, networks={"time_servers": (DESTINATION,)}), "conclusive"),
    Row("near miss", "443 to a public resolver", on(443, RESOLVER), "silent"),
    Row("near miss", "53 to a cloud", on(53, CLOUD), "silent"),
    Row("near miss", "54 to our resolver", on(54, networks={"resolvers": (DESTINATION,)}), "silent"),
    Row("near miss", "NTP's size unknown", ntp(), "silent"),
    Row("near miss", "packets of another size", ntp(ntp_sized=False), "silent"),
    Row("near miss", "NTP's size over TCP", ntp(transports=("tcp",), ntp_sized=True), "silent"),
    Row("near miss", "NTP's size over both", ntp(transports=("tcp", "udp"), ntp_sized=True), "silent"),
    Row("silent", "any other port", on(443), "silent"),
    Row("silent", "53 to a listed destination", on(53, RESOLVER, FEED), "silent"),
    Row("silent", "NTP to a listed destination", on(123, FEED, transports=("udp",), services=("ntp",)), "silent"),
    Row("hostile", "the bot's own name server", on(53, services=("dns",), transports=("udp",)), "silent"),
    Row("hostile", "one NTP packet among many that are none", ntp(services=("ntp",), ntp_sized=False), "silent"),
    Row("hostile", "NTP spoken on another port", on(4444, transports=("udp",), services=("ntp",)), "silent"),
    Row("hostile", "NTP's size on another port", on(4444, transports=("udp",), ntp_sized=True), "silent"),
    Row("hostile", "another port of our time server", on(4444, networks={"time_servers": (DESTINATION,)}), "silent"),
    Row("hostile", "NTP and something else", ntp(services=("ntp", "ssl")), "silent"),
    Row("hostile", "a host and a process called ntp", ntp(hostname="ntp-01", processes=("ntpd",)), "silent"),
]


@rows(TABLE)
def test_resolver_or_time_service(row):
    assert outcome("resolver_or_time_service", row.enriched) == row.said
