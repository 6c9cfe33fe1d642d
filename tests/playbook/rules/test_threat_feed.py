"""A feed lists the destination: conclusive when fresh, seen, and shared with nobody."""

from datetime import timedelta

import pytest

from playbook.model.enrichment import FeedEntry, ListEntry, Operator, OwnedDestination
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import (
    DESTINATION,
    NOW,
    a_beacon,
    a_record,
    a_site,
    a_socket,
    a_traffic,
    an_enriched,
    named,
    said,
    silent,
)

TODAY = NOW.date()
NAME = "c2.evil.example"


def entry(**change):
    values = {"feed": "abuse", "indicator": DESTINATION, "kind": "address", "last_seen": TODAY}
    return FeedEntry(**(values | change))


def domain(indicator=NAME, **change):
    return entry(indicator=indicator, kind="domain", **change)


def url(indicator):
    return entry(indicator=indicator, kind="url")


def listed(*entries, lists="plain", **change):
    words = {
        "plain": said("lists", about=DESTINATION),
        "unread": silent("lists", DESTINATION),
        **{
            c: said("lists", ListEntry(name=f"a {c}", category=c), about=DESTINATION)
            for c in ("cdn", "cloud", "shared", "resolver", "scanner")
        },
        "operator": said("operator", Operator(name="Big", asn=64500), about=DESTINATION),
        "operators unread": silent("operator", DESTINATION),
        "owned": said("owned", OwnedDestination(name="our shop", matched=DESTINATION), about=DESTINATION),
    }
    return an_enriched(said("feed", *entries, about=DESTINATION), words[lists], **change)


def aged(days):
    return entry(last_seen=TODAY - timedelta(days=days))


SEEN = named(NAME)


def call(score, **change):
    return a_beacon(beaconing_score=score, **change)


def conversations(number):
    return a_traffic(a_beacon(), established=number)


TABLE = [
    Row("speaks", "an address that nobody shares", listed(entry()), "conclusive"),
    Row("speaks", "exactly 30 days old", listed(aged(30)), "conclusive"),
    Row("near miss", "a feed that is not trusted to convict alone", listed(entry(trust="strong")), "strong"),
    Row("near miss", "a feed that may only hint", listed(entry(trust="hint")), "hint"),
    Row("near miss", "a hint and a strong feed", listed(entry(trust="hint"), entry(trust="strong")), "strong"),
    Row("speaks", "a hint beside a conclusive feed", listed(entry(trust="hint"), entry()), "conclusive"),
    Row("speaks", "its port", listed(entry(port=443)), "conclusive"),
    Row("speaks", "a domain in our logs", listed(domain(), traffic=SEEN), "conclusive"),
    Row("speaks", "a domain behind a CDN", listed(domain(), lists="cdn", traffic=SEEN), "conclusive"),
    Row("speaks", "a domain by SNI alone", listed(domain(), traffic=named(NAME, by="sni", backed=False)), "conclusive"),
    Row("speaks", "a subdomain at an address of its own", listed(domain("evil.example"), traffic=SEEN), "conclusive"),
    Row(
        "speaks",
        "a URL's host at an address of its own",
        listed(url(f"http://{NAME}:80/g.php"), traffic=SEEN),
        "conclusive",
    ),
    Row("speaks", "a URL with the address itself", listed(url(f"http://{DESTINATION}/g.php")), "conclusive"),
    # Anybody can send a packet in this source's name: the forgery is strong, its twin with a conversation conclusive.
    *(
        Row(kind, f"{what}, score {score}", listed(entry(), detection=call(score, **change), **more), strength)
        for score in (1, 2)
        for kind, what, change, more, strength in (
            ("near miss", "UDP alone", {"transports": ("udp",)}, {}, "strong"),
            ("near miss", "UDP beside TCP", {"transports": ("tcp", "udp")}, {}, "strong"),
            ("near miss", "no protocol known", {"transports": ()}, {}, "strong"),
            ("near miss", "handshakes alone", {"avg_bytes_per_conn": 120}, {}, "strong"),
            ("near miss", "nothing came back", {"total_bytes_rcvd": 0}, {}, "strong"),
            ("near miss", "nothing established", {}, {"traffic": conversations(0)}, "strong"),
            (
                "speaks",
                "one conversation among UDP",
                {"transports": ("tcp", "udp")},
                {"traffic": conversations(1)},
                "conclusive",
            ),
            (
                "speaks",
                "UDP, by a name that our resolver answered",
                {"transports": ("udp",)},
                {"traffic": SEEN},
                "conclusive",
            ),
        )
    ),
    Row("near miss", "31 days old", listed(aged(31)), "strong"),
    Row("speaks", "dated tomorrow, by a clock ahead of ours", listed(aged(-1)), "conclusive"),
    Row(
        "near miss",
        "a destination that is no address",
        listed(entry(), detection=a_beacon(dst_ip="no address")),
        "strong",
    ),
    Row("near miss", "dated after tomorrow", listed(aged(-2)), "strong"),
    Row("near miss", "another port", listed(entry(port=80)), "strong"),
    Row("near miss", "an address of a CDN", listed(entry(), lists="cdn"), "strong"),
    Row("near miss", "an address of a cloud", listed(entry(), lists="cloud"), "strong"),
    Row("near miss", "an address of shared hosting", listed(entry(), lists="shared"), "strong"),
    Row("near miss", "8.8.8.8 on a feed", listed(entry(), lists="resolver"), "strong"),
    Row("near miss", "lists unread", listed(entry(), lists="unread"), "strong"),
    Row(
        "near miss",
        "an address of an operator whose front ends serve everybody",
        listed(entry(), lists="operator"),
        "strong",
    ),
    Row("near miss", "operators unread", listed(entry(), lists="operators unread"), "strong"),
    Row(
        "near miss",
        "a URL at an operator's front end",
        listed(url(f"https://{NAME}/u/x.exe"), lists="operator", traffic=SEEN),
        "strong",
    ),
    Row("near miss", "a domain our logs do not show", listed(domain()), "strong"),
    Row(
        "hostile",
        "a URL whose host our logs do not show",
        listed(url("http://other.example/g.php"), traffic=SEEN),
        "strong",
    ),
    Row(
        "hostile",
        "a URL that hides its host behind a name",
        listed(url(f"http://{NAME}:80@other.example/g"), traffic=named("other.example")),
        "strong",
    ),
    Row(
        "near miss",
        "a URL on a host that serves everybody",
        listed(url(f"https://{NAME}/u/x.exe"), lists="cdn", traffic=SEEN),
        "strong",
    ),
    Row(
        "near miss",
        "the parent of a name at a shared address",
        listed(domain("evil.example"), lists="cloud", traffic=SEEN),
        "strong",
    ),
    Row("silent", "not listed", listed(), "silent"),
    Row("silent", "the source is listed, not the destination", an_enriched(said("feed", entry())), "silent"),
    Row(
        "hostile",
        "a name that only ends like the listed one",
        listed(domain("evil.example"), traffic=named("notevil.example")),
        "strong",
    ),
    Row("hostile", "an old and a fresh entry: the fresh one counts", listed(aged(90), entry()), "conclusive"),
    Row("hostile", "upper case and a final dot", listed(domain("C2.Evil.example."), traffic=SEEN), "conclusive"),
    Row("hostile", "quotes in the indicator", listed(domain("c2'\n\";--"), traffic=SEEN), "strong"),
]


# Open feeds carry bogons and victims: none may have every machine that uses our own service isolated.
TABLE += [
    Row(
        "hostile",
        f"an address that networks.{name} names",
        listed(entry(), site=a_site(**{name: (DESTINATION,)})),
        "strong",
    )
    for name in ("home", "protected", "resolvers", "time_servers", "shared_sources", "partners")
]
TABLE += [
    Row("hostile", "a destination that we own", listed(entry(), lists="owned"), "strong"),
    Row("hostile", "an address that is not on the Internet", listed(entry(), site=a_site(lab=())), "strong"),
    Row(
        "hostile",
        "a listed domain that our resolver sends to a private address",
        listed(domain(), traffic=SEEN, site=a_site(lab=())),
        "conclusive",
    ),
]


@rows(TABLE)
def test_threat_feed(row):
    assert outcome("threat_feed", row.enriched) == row.said


def test_a_scanner_list_does_not_make_an_address_shared():
    assert outcome("threat_feed", listed(entry(), lists="scanner")) == "conclusive"


def test_the_reason_names_feed_indicator_and_weakness():
    word = evidence("threat_feed", listed(aged(31), detection=a_beacon()))
    assert "an address that nobody shares would make it" in word.would_change
    assert "entered by a person, would close it" in evidence("threat_feed", listed(entry())).would_change
    assert "abuse lists 203.0.113.66" in word.reason and "older than 30 days" in word.reason
    assert evidence("threat_feed", listed(entry(malware="Mirai"))).reason == "abuse lists 203.0.113.66 (Mirai)"


HONEST = "shop.example"


def both(*names: str, backed: bool = True):
    return named(*names, backed=backed)


@pytest.mark.parametrize(
    ("entries", "names", "about"),
    [
        ((domain(),), (NAME,), "destination"),
        ((domain(),), (NAME, HONEST), "name"),
        ((domain(), entry()), (NAME, HONEST), "destination"),
        ((domain(), entry(trust="strong")), (NAME, HONEST), "name"),
        ((domain("evil.example"),), (NAME, "b.evil.example"), "destination"),
        ((domain("evil.example"),), (NAME, "notevil.example"), "name"),
        ((url(f"http://{NAME}/g.php"),), (NAME, HONEST), "name"),
        ((entry(),), (NAME, HONEST), "destination"),
    ],
)
def test_a_listed_name_speaks_of_an_address_only_where_no_other_name_leads_there(entries, names, about):
    word = evidence("threat_feed", listed(*entries, traffic=both(*names)))
    assert (word.strength, word.about) == ("conclusive", about)
    assert (HONEST in word.reason) == (about == "name" and HONEST in names)


def test_a_listed_name_is_found_among_any_number_of_others():
    crowd = tuple(f"a{n:05d}.example" for n in range(2000))
    word = evidence("threat_feed", listed(domain(), traffic=both(*crowd, NAME)))
    assert (word.strength, word.indicator, word.about) == ("conclusive", NAME, "name")


@pytest.mark.parametrize(
    ("one", "group"),
    [
        (listed(entry(trust="strong")), "destination"),
        (listed(domain(trust="strong"), traffic=SEEN), "destination"),
        (listed(entry(trust="strong"), entry(last_seen=TODAY - timedelta(days=31))), "destination"),
        (listed(entry(trust="strong", last_seen=TODAY - timedelta(days=31))), None),
        (listed(entry(trust="strong", port=80)), None),
        (listed(entry(trust="strong"), lists="cdn"), None),
        (listed(entry(trust="strong"), lists="unread"), None),
        (listed(domain(trust="strong")), None),
        (listed(entry(trust="strong"), traffic=conversations(0)), None),
        (listed(entry(trust="hint")), None),
        (listed(entry(last_seen=TODAY - timedelta(days=31))), None),
        (listed(entry()), None),
    ],
)
def test_a_feed_of_strong_trust_is_evidence_about_the_destination_when_nothing_else_is_wrong(one, group):
    assert evidence("threat_feed", one).group == group


@pytest.mark.parametrize(("author", "strength"), [("us", "conclusive"), ("host", "strong")])
@pytest.mark.parametrize("score", [1, 2])
def test_a_process_proves_a_call_only_where_the_host_cannot_write_the_record(author, strength, score):
    udp = call(score, transports=("udp",))
    owner = said("processes", a_socket(written_by=author), about="ws-31")
    one = listed(entry(), detection=udp)
    known = one.replaced(enrichments=(*one.enrichments, said("host", a_record()), owner))
    assert evidence("threat_feed", known).strength == strength
