"""What the tests of gate and plan share: any detection under any networks, lists, records and claims."""

from ipaddress import ip_address, ip_network

from hypothesis import strategies as st

from playbook.model.detection import TimeWindow
from playbook.model.enrichment import ListEntry, Operator, OwnedDestination
from playbook.response.guardrails import NEVER_ISOLATED, NeverBlockPolicy
from tests.support.builders import a_beacon, a_record, a_site, an_enriched, at, named, said, silent

DESTINATIONS = ("203.0.113.66", "8.8.8.8", "104.18.32.7", "2001:db8::66", "2606:4700::1")
NEVER = (
    "10.0.0.1",
    "192.168.7.7",
    "224.0.0.1",
    "255.255.255.255",
    "fd00::1",
    "ff02::1",
    "::1",
    "100.64.0.9",
    "no address",
)
WRAPPED = ("::ffff:10.0.0.1", "2002:a00:1::1", "64:ff9b::a00:1", "::ffff:8.8.8.8")
SOURCES = ("10.20.0.31", "10.20.0.32", "fd00::31", "2001:db8:1::5")
CATEGORIES = ("cloud", "cdn", "resolver", "shared", "sinkhole", "scanner", "block_page")
TABLES = ("home", "protected", "resolvers", "time_servers", "shared_sources", "partners")
ROLES = (*sorted(NEVER_ISOLATED), "workstation", "runner", "Domain Controller", "LOAD-BALANCER")


def networks():
    address = st.sampled_from((*DESTINATIONS, *SOURCES, "203.0.113.0/24", "10.20.0.0/16", "2002::/16"))
    return st.dictionaries(st.sampled_from(TABLES), st.lists(address, min_size=1, max_size=2).map(tuple), max_size=3)


@st.composite
def a_word_on(draw, topic, destination, *answers):
    """Asked and answered, asked and failed, asked about something else, or not asked."""
    how = draw(st.sampled_from(["answered", "answered", "answered", "failed", "elsewhere", "not asked"]))
    if how == "failed":
        return (silent(topic, destination, kind="address", role="destination"),)
    if how == "elsewhere":
        return (said(topic, *answers, about="a.name.example", kind="domain"),)
    chosen = draw(st.lists(st.sampled_from(answers), max_size=1))
    return (said(topic, *chosen, about=destination, kind="address", role="destination"),) if how == "answered" else ()


@st.composite
def enriched(draw):
    """Any detection with its enrichments; most of what it says would not pass the gate."""
    source, destination = draw(st.sampled_from(SOURCES)), draw(st.sampled_from(DESTINATIONS + NEVER + WRAPPED))
    listed = [ListEntry(name=c, category=c) for c in CATEGORIES]
    words = draw(a_word_on("lists", destination, *listed))
    words += draw(a_word_on("operator", destination, Operator(name="Big", asn=64500)))
    if draw(st.integers(0, 4)) == 0:
        words += (
            said(
                "owned",
                OwnedDestination(name="ours", matched=destination),
                about=destination,
                kind="address",
                role="destination",
            ),
        )
    if draw(st.booleans()):
        period = draw(st.sampled_from([(-240, 240), (0, 12), (0.06, 240)]))
        record = a_record(
            host_id=draw(st.sampled_from(["", "H-31", "H-32"])),
            roles=draw(st.lists(st.sampled_from(ROLES), max_size=2)),
            address_periods=(TimeWindow(start=at(period[0]), end=at(period[1])),),
        )
        words += (said("host", record, about=draw(st.sampled_from((source, "ws-31"))), role="source"),)
    detection = a_beacon(
        src_ip=source,
        dst_ip=destination,
        dst_port=draw(st.integers(0, 65535)),
        blocked=draw(st.booleans()),
        hostname=draw(st.sampled_from(["", "ws-31", "dc-01", "a'\n\"b", "*"])),
    )
    names = draw(st.lists(st.sampled_from(["siem.example", "c2.example"]), max_size=1))
    site = a_site(**draw(networks()))
    return an_enriched(*words, detection=detection, site=site, traffic=named(*names, backed=False))


BARRIERS = st.builds(
    NeverBlockPolicy,
    own_places=st.sampled_from([frozenset(), frozenset({"siem.example", "203.0.113.66"})]),
    unlocated=st.sampled_from([(), (), ("siem.example",)]),
    pair_on_shared=st.booleans(),
)


def named_by_the_site(text, site):
    """Whether any table of ``[networks]`` but ``lab`` holds the address as written."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    tables = (getattr(site.networks, t) for t in TABLES)
    return any(address.version == ip_network(n).version and address in ip_network(n) for t in tables for n in t)
