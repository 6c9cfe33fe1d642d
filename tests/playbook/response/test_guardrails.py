"""The gate: never-block first, and what is unknown or unasked does not pass."""

from datetime import date, timedelta

import pytest
from hypothesis import given

from playbook.model.address import parse, unwrap, why_not_global, within
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import FeedEntry, ListEntry, Operator, OwnedDestination
from playbook.response.guardrails import NEVER_ISOLATED, Allowed, Denied, NeverBlockPolicy, evaluate_step
from tests.support.builders import (
    DESTINATION,
    SOURCE,
    a_beacon,
    a_record,
    a_site,
    a_traffic,
    an_enriched,
    at,
    named,
    said,
    silent,
)
from tests.support.containment_fixtures import BARRIERS, enriched, named_by_the_site
from tests.support.examples import examples

BLOCKS = ("block_pair", "block_address")
LISTED = date(2026, 11, 23)
NONE = NeverBlockPolicy()
ASKED = (said("lists", about=DESTINATION), said("operator", about=DESTINATION))


def listed(category):
    return (said("lists", ListEntry(name="a list", category=category), about=DESTINATION), ASKED[1])


def blocked_by(*words, barriers=NONE, kind="block_pair", **change):
    word = evaluate_step(kind, an_enriched(*words, **change), barriers)
    return word.reason if isinstance(word, Denied) else ""


@pytest.mark.parametrize("kind", BLOCKS)
def test_an_address_that_nobody_shares_passes(kind):
    word = evaluate_step(kind, an_enriched(*ASKED, said("host", a_record())), NONE)
    assert isinstance(word, Allowed) and word.people == 1
    assert word.target == {"block_pair": f"{SOURCE}>{DESTINATION}:443", "block_address": DESTINATION}[kind]


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize(
    ("said_of_it", "words"),
    [
        ("not global", ()),
        ("cdn", listed("cdn")),
        ("cloud", listed("cloud")),
        ("shared", listed("shared")),
        ("resolver", listed("resolver")),
        ("sinkhole", listed("sinkhole")),
        ("operator", (ASKED[0], said("operator", Operator(name="Big", asn=64500), about=DESTINATION))),
        ("owned", (*ASKED, said("owned", OwnedDestination(name="ours", matched="x"), about=DESTINATION))),
        ("lists not asked", ASKED[1:]),
        ("operators not asked", ASKED[:1]),
        ("lists failed", (silent("lists", DESTINATION), ASKED[1])),
        ("one of two lists failed", (*ASKED, silent("lists", DESTINATION, enricher="second"))),
        ("operators failed", (ASKED[0], silent("operator", DESTINATION))),
        ("only a feed asked", (said("feed", about=DESTINATION),)),
        ("lists asked about a name only", (said("lists", about="a.example", kind="domain"), ASKED[1])),
        ("lists asked about another address", (said("lists", about="203.0.113.9", role="destination"), ASKED[1])),
    ],
)
def test_what_others_share_or_nobody_knows_does_not_pass(kind, said_of_it, words):
    change = {"site": a_site(lab=())} if said_of_it == "not global" else {}
    assert blocked_by(*words, kind=kind, **change)


@pytest.mark.parametrize("table", ["home", "protected", "resolvers", "time_servers", "shared_sources", "partners"])
@pytest.mark.parametrize("kind", BLOCKS)
def test_everything_that_networks_names_is_never_blocked(kind, table):
    assert table in blocked_by(*ASKED, kind=kind, site=a_site(**{table: ("203.0.113.0/24",)}))


def test_the_products_that_the_configuration_names_are_never_blocked():
    barriers = NeverBlockPolicy(own_places=frozenset({"siem.example"}))
    assert "siem.example" in blocked_by(*ASKED, barriers=barriers, traffic=named("siem.example"))
    assert DESTINATION in blocked_by(*ASKED, barriers=NeverBlockPolicy(own_places=frozenset({DESTINATION})))


def test_while_a_product_of_ours_cannot_be_found_no_address_is_known_not_to_be_its():
    lost = NeverBlockPolicy(own_places=frozenset({"siem.example"}), unlocated=("siem.example",))
    for kind in BLOCKS:
        assert "siem.example" in blocked_by(*ASKED, kind=kind, barriers=lost)
        assert "sinkhole" in blocked_by(*listed("sinkhole"), kind=kind, barriers=lost), "the better reason is said"


def test_a_pair_on_a_shared_address_only_where_the_site_allows_it():
    allowed = NeverBlockPolicy(pair_on_shared=True)
    assert blocked_by(*listed("cdn")) and not blocked_by(*listed("cdn"), barriers=allowed)
    assert blocked_by(*listed("cdn"), kind="block_address", barriers=allowed)
    assert blocked_by(*listed("sinkhole"), barriers=allowed) and blocked_by(ASKED[1], barriers=allowed)


def test_what_the_firewall_denies_needs_no_block():
    assert "already denies" in blocked_by(*ASKED, detection=a_beacon(blocked=True))


def test_an_address_block_names_the_address_inside_a_wrapped_one():
    wrapped = an_enriched(
        *(said(t, about="::ffff:203.0.113.66", role="destination") for t in ("lists", "operator")),
        detection=a_beacon(dst_ip="::ffff:203.0.113.66"),
    )
    assert evaluate_step("block_address", wrapped, NONE).target == DESTINATION


def test_a_wrapped_form_that_the_site_protects_as_written_is_not_blocked():
    words = tuple(said(t, about="2002:cb00:7142::1", role="destination") for t in ("lists", "operator"))
    assert "protected" in blocked_by(
        *words, detection=a_beacon(dst_ip="2002:cb00:7142::1"), site=a_site(protected=("2002:cb00:7142::/48",))
    )


def test_a_pair_names_its_addresses_in_their_usual_form():
    written = "2001:DB8:0:0::66%eth0"
    words = tuple(said(t, about=written, kind="address", role="destination") for t in ("lists", "operator"))
    one = an_enriched(*words, detection=a_beacon(src_ip="FD00::31", dst_ip=written))
    assert evaluate_step("block_pair", one, NONE).target == "fd00::31>2001:db8::66:443"


@pytest.mark.parametrize("written", ["::ffff:203.0.113.66", "2002:cb00:7142::1"])
def test_a_wrapped_form_of_an_address_that_the_site_protects_is_not_blocked(written):
    words = tuple(said(t, about=written, role="destination") for t in ("lists", "operator"))
    protected = a_site(protected=("203.0.113.66",))
    assert "protected" in blocked_by(*words, detection=a_beacon(dst_ip=written), site=protected)


def test_a_source_that_is_no_address_is_never_isolated():
    record = said("host", a_record(), about="no address", kind="address")
    word = isolate(record, detection=a_beacon(src_ip="no address"))
    assert isinstance(word, Denied) and "shared source" in word.reason


def test_a_pair_whose_source_is_no_address_takes_two_people():
    one = an_enriched(*ASKED, detection=a_beacon(src_ip="no address"), site=a_site(protected=("10.0.0.0/8",)))
    assert evaluate_step("block_pair", one, NONE).people == 2


def isolate(*words, **change):
    return evaluate_step("isolate_host", an_enriched(*words, **change), NONE)


def test_a_proven_host_of_a_known_harmless_role_may_be_isolated():
    word = isolate(said("host", a_record()))
    assert (word.target, word.people) == ("H-31", 1)


@pytest.mark.parametrize(
    "role",
    [
        "domain_controller",
        "resolver",
        "dhcp",
        "mail",
        "proxy",
        "nat",
        "vpn",
        "gateway",
        "load_balancer",
        "hypervisor",
        "backup_server",
        "security_tool",
        "ot",
        "Domain Controller",
        "Domain Controllers",
        "DomainController",
        "DC",
        "load-balancer",
        "LoadBalancer",
        " DHCP ",
        "DHCP server",
        "dns-server",
        "Mail Servers",
        "firewall",
        "core router",
        "ESXi",
        "Hyper-V",
        "backup",
        "SIEM",
        "PLC",
    ],
)
def test_an_excluded_role_is_never_isolated_however_it_is_spelled(role):
    word = isolate(said("host", a_record(roles=("workstation", role))))
    assert isinstance(word, Denied) and "never isolated" in word.reason


@pytest.mark.parametrize("role", ["workstation", "iot", "server", "natural sciences", "decoder", "Mailroom PC"])
def test_a_role_that_only_holds_the_letters_of_an_excluded_one_is_another(role):
    assert isinstance(isolate(said("host", a_record(roles=(role,)))), Allowed)


@pytest.mark.parametrize(
    "words",
    [
        (),
        (said("host"),),
        (said("host", a_record(host_id="")),),
        (silent("host"),),
        (said("host", a_record(), about="ws-31"),),
        (said("host", a_record(address_periods=(TimeWindow(start=at(0), end=at(23)),))),),
        (said("host", a_record(address_periods=(TimeWindow(start=at(1), end=at(48)),))),),
        (said("host", a_record(), a_record(host_id="H-32", hostname="ws-32")),),
        (said("host", a_record(address_periods=())),),
    ],
    ids=[
        "not asked",
        "not known",
        "no id",
        "failed",
        "by claimed name",
        "left early",
        "came late",
        "two holders",
        "nobody knows when",
    ],
)
def test_an_address_alone_is_never_isolated(words):
    assert isinstance(isolate(*words, host="ws-31"), Denied)


def test_two_inventories_that_name_the_same_host_prove_it_and_every_role_counts():
    second = said("host", a_record(host_id="", hostname="WS-31.corp.example.", roles=("dhcp",)), enricher="cmdb")
    harmless = said("host", a_record(host_id="", owner="x"), enricher="cmdb")
    assert isolate(said("host", a_record()), harmless).target == "H-31"
    assert isinstance(isolate(said("host", a_record()), second), Denied)


def test_two_machines_of_one_name_are_told_apart_by_nobody():
    twins = said("host", a_record(), a_record(host_id="H-32"))
    word = isolate(twins)
    assert isinstance(word, Denied) and "no inventory proves" in word.reason
    assert isolate(said("host", a_record(), a_record(host_id="h-31", owner="x"))).target == "H-31"
    assert isolate(said("host", a_record()), said("host", a_record(host_id="CI-7"), enricher="cmdb")).target == "H-31"


def test_a_shared_source_is_never_isolated():
    assert isinstance(isolate(said("host", a_record()), site=a_site(shared_sources=(SOURCE,))), Denied)


@pytest.mark.parametrize("change", [{"site": a_site(protected=(SOURCE,))}, {"roles": ()}])
def test_a_protected_source_and_an_unknown_role_need_two_people(change):
    record = a_record(roles=change.get("roles", ("workstation",)))
    site = change.get("site", a_site())
    assert isolate(said("host", record), site=site).people == 2
    assert evaluate_step("block_pair", an_enriched(*ASKED, said("host", record), site=site), NONE).people == 2


@given(enriched(), BARRIERS)
@examples(100)
def test_no_block_ever_passes_to_a_place_that_must_not_be_blocked(one, barriers):
    for kind in BLOCKS:
        word = evaluate_step(kind, one, barriers)
        if isinstance(word, Denied):
            continue
        written = parse(one.detection.dst_ip)
        inner = unwrap(written)
        assert why_not_global(inner, one.site.networks.lab) is None
        assert not named_by_the_site(str(inner), one.site) and not named_by_the_site(str(written), one.site)
        assert not one.failed("lists") and not one.failed("operator")
        assert one.configured("lists") and one.configured("operator")
        assert not barriers.own_places & {str(inner), *one.names} and not one.answers(OwnedDestination)
        assert not barriers.unlocated
        categories = {e.category for e, _ in one.answers(ListEntry)}
        assert "sinkhole" not in categories and not one.detection.blocked
        if kind == "block_address" or not barriers.pair_on_shared:
            assert not categories & {"cdn", "cloud", "shared", "resolver"} and not one.answers(Operator)


@given(enriched(), BARRIERS)
@examples(100)
def test_no_isolation_ever_passes_for_a_host_that_is_not_proven_or_may_not_be(one, barriers):
    word = evaluate_step("isolate_host", one, barriers)
    if isinstance(word, Allowed):
        assert word.target and one.holder is not None and word.target == one.holder.host_id
        assert not one.roles & NEVER_ISOLATED
        assert not within(one.source, one.site.networks.shared_sources)
        assert one.holder.address_periods[0].start <= one.detection.first_seen
        assert one.roles or word.people == 2


def feed_of(indicator, kind, about):
    entry = FeedEntry(feed="f", indicator=indicator, kind=kind, last_seen=LISTED)
    return said("feed", entry, about=about, kind="address" if kind == "address" else "domain", role="destination")


@pytest.mark.parametrize(
    ("said_of_it", "feed", "backed", "refused"),
    [
        ("a listed name only the host claims", feed_of("evil.example", "domain", "evil.example"), False, True),
        ("a listed name our resolver gave", feed_of("evil.example", "domain", "evil.example"), True, False),
        ("the address itself is listed", feed_of(DESTINATION, "address", DESTINATION), False, False),
        ("the address is listed beside a name only the host claims", "both", False, False),
    ],
)
def test_a_claimed_name_frames_no_address(said_of_it, feed, backed, refused):
    traffic = named("evil.example", by="sni", backed=backed)
    both = (feed_of(DESTINATION, "address", DESTINATION), feed_of("evil.example", "domain", "evil.example"))
    feeds = both if feed == "both" else (feed,)
    assert ("evil.example" in blocked_by(*ASKED, *feeds, kind="block_address", traffic=traffic)) is refused
    assert not blocked_by(*ASKED, *feeds, kind="block_pair", traffic=traffic)


@pytest.mark.parametrize(
    ("change", "days", "refused"),
    [
        ({"last_seen": date(2019, 3, 1)}, 30, True),
        ({"last_seen": LISTED - timedelta(days=31)}, 30, True),
        ({"last_seen": LISTED - timedelta(days=20)}, 30, False),
        ({"last_seen": date(2027, 3, 1)}, 30, True),
        ({"last_seen": LISTED - timedelta(days=31)}, 60, False),
        ({"port": 9001}, 30, True),
        ({"port": a_beacon().dst_port}, 30, False),
    ],
    ids=[
        "years old",
        "a day too old",
        "of three weeks ago",
        "of next year",
        "as old as the site allows",
        "another port",
        "this port",
    ],
)
def test_an_old_entry_beside_a_claimed_name_frames_no_address(change, days, refused):
    entry = FeedEntry.model_validate(
        {"feed": "f", "indicator": DESTINATION, "kind": "address", "last_seen": LISTED} | change
    )
    listed = said("feed", entry, about=DESTINATION, kind="address", role="destination")
    claimed = feed_of("evil.example", "domain", "evil.example")
    traffic = named("evil.example", by="sni", backed=False)
    why = blocked_by(
        *ASKED, listed, claimed, kind="block_address", traffic=traffic, barriers=NeverBlockPolicy(feed_days=days)
    )
    assert ("evil.example" in why) is refused


@pytest.mark.parametrize(
    ("unanswered", "received", "passes"),
    [
        (288, 99, False),
        (287, 0, True),
        (0, 0, True),
        (None, 99, True),
        (None, 0, False),
        (None, None, False),
    ],
)
def test_a_host_whose_traffic_nobody_answered_is_not_isolated(unanswered, received, passes):
    detection = a_beacon(total_bytes_rcvd=received)
    one = an_enriched(
        *ASKED,
        said("host", a_record()),
        detection=detection,
        traffic=a_traffic(detection, attempts=288, unanswered=unanswered),
    )
    assert isinstance(evaluate_step("isolate_host", one, NONE), Allowed) is passes


@pytest.mark.parametrize(("received", "passes"), [(99, True), (0, False), (None, False)])
@pytest.mark.parametrize("attempts", [None, 0])
def test_without_counted_attempts_only_bytes_that_came_back_are_an_answer(attempts, received, passes):
    detection = a_beacon(total_bytes_rcvd=received)
    traffic = None if attempts is None else a_traffic(detection, attempts=attempts, unanswered=0)
    one = an_enriched(*ASKED, said("host", a_record()), detection=detection, traffic=traffic)
    assert isinstance(evaluate_step("isolate_host", one, NONE), Allowed) is passes
