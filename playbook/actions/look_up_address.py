"""Say who holds an address, and which lists, feeds, operators and vendors name it."""

from playbook.actions import Flat, Outside, Result, slot
from playbook.actions._detection_fields import AddressText
from playbook.actions._lookup import LookupAnswers, ask, joined
from playbook.model.address import parse, unwrap, why_not_global
from playbook.model.enrichment import FeedEntry, ListEntry, NetworkOwner, Operator, OwnedDestination, VendorService
from playbook.model.observable import Observable

KIND, READ_ONLY = "investigate", True
_SHARED = ("cdn", "cloud", "shared", "resolver")


class Input(Flat):
    """One address."""

    address: AddressText = slot(
        "Address to look up", contains=("ip", "ipv6"), primary=True, example="198.51.100.7", max_length=64
    )


class Output(Flat):
    """One row; a column is empty when nobody knows, and ``unavailable`` says who could not be asked."""

    address: str = slot("Address that was looked up", contains=("ip", "ipv6"), example="198.51.100.7")
    is_global: bool = slot("Whether it is globally routable unicast")
    why_not_global: str = slot("Why it is not globally routable, with the RFC", "", example="private (RFC 1918)")
    asn: int | None = slot("Number of the autonomous system that announces it", None, contains=("asn",), example=64496)
    organisation: str = slot("Organisation of the autonomous system", "")
    network: str = slot("Announced prefix", "", contains=("ip",), example="198.51.100.0/24")
    country: str = slot("Country of the autonomous system, two letters", "", example="NL")
    registered_organisation: str = slot("Holder by WHOIS; text the holder wrote", "")
    registered_network: str = slot("Network by WHOIS", "", contains=("ip",))
    registered_country: str = slot("Country by WHOIS, two letters", "")
    lists: str = slot("Address lists that name it, as name (category), joined by commas", "")
    is_shared: bool = slot("Whether a CDN, cloud, shared hosting or public resolver list names it", False)
    operator: str = slot("Operator whose addresses are never blocked one by one", "")
    vendor_service: str = slot("Vendor services it belongs to, joined by commas", "")
    owned: str = slot("Own or declared destinations it belongs to, joined by commas", "")
    feeds: str = slot("Threat feeds that name it, joined by commas", "")
    malware: str = slot("Malware the feeds connect with it, joined by commas", "")
    feed_last_seen: str = slot("Newest date of a feed entry, yyyy-MM-dd", "", example="2026-11-20")
    asked: str = slot("Enrichers that answered, joined by commas", "")
    unavailable: str = slot("Enrichers that could not answer and why, one a line", "")


def run(given: Input, outside: Outside) -> Result:
    """One row about the address; incomplete when an enricher failed."""
    networks = outside.site.networks
    address = parse(given.address)
    inner = given.address if address is None else str(unwrap(address, networks.nat64))
    outer = None if address is None else why_not_global(address, networks.lab, networks.nat64)
    asked = ask(outside, (Observable(kind="address", value=inner, role="destination"),))
    row = _row(given.address, outer, asked)
    known = joined([row.organisation or row.registered_organisation, row.lists, row.feeds]) or outer or "nothing known"
    return Result((row,), f"{given.address}: {known}", not asked.unavailable, asked.left_out)


def _row(address: str, outer: str | None, asked: LookupAnswers) -> Output:
    announced = next(iter(asked.answers(NetworkOwner, "asn")), NetworkOwner())
    registered = next(iter(asked.answers(NetworkOwner, "whois")), NetworkOwner())
    lists, feeds = asked.answers(ListEntry), asked.answers(FeedEntry)
    return Output(
        address=address,
        is_global=outer is None,
        why_not_global=outer or "",
        asn=announced.asn,
        organisation=announced.organisation,
        network=announced.network,
        country=announced.country,
        registered_organisation=registered.organisation,
        registered_network=registered.network,
        registered_country=registered.country,
        lists=joined(f"{e.name} ({e.category})" for e in lists),
        is_shared=any(e.category in _SHARED for e in lists),
        operator=joined(o.name for o in asked.answers(Operator)),
        vendor_service=joined(f"{v.vendor}: {v.purpose}" for v in asked.answers(VendorService)),
        owned=joined(o.name for o in asked.answers(OwnedDestination)),
        feeds=joined(f.feed for f in feeds),
        malware=joined(f.malware for f in feeds),
        feed_last_seen=max((f.last_seen.isoformat() for f in feeds), default=""),
        asked=joined(word.enricher for word in asked.words if word.unavailable is None),
        unavailable="\n".join(asked.unavailable),
    )
