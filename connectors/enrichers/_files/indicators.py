"""The rows of threat feeds, made findable: addresses, domains and URLs, however a feed writes them."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Annotated, Literal
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList
from pydantic import BeforeValidator, Field

from connectors.enrichers._files.field_types import Name, Text
from connectors.enrichers._files.indexes import address_of, domain_of, network_of
from playbook.model import Value
from playbook.model.address import Network
from playbook.model.enrichment import FeedEntry
from playbook.model.moment import in_utc

# A wider network in a feed says nothing about one address.
V4_BITS = 24
V6_BITS = 64
_CLOCK_SKEW = timedelta(days=1)


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value.strip())
    return (in_utc(moment) if moment.tzinfo else moment).date()


class FeedRow(Value):
    """One row of feed.csv."""

    indicator: Name
    kind: Annotated[Literal["domain", "url", "address"], BeforeValidator(lambda kind: str(kind).lower())]
    last_seen: Annotated[date, BeforeValidator(_day)]
    port: int | None = Field(default=None, ge=1, le=65535)
    malware: Text = ""
    feed: Text = ""


@dataclass(frozen=True)
class Listed:
    """A feed entry and the network or the domain name (a leading dot: and all below it) under which it is found."""

    entry: FeedEntry
    network: Network | None = None
    domain: str = ""


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def listed(row: FeedRow, feed: str, today: date) -> Listed:
    """The row made findable. Raises ValueError when the indicator is not what its kind says, or dated in the future."""
    if row.last_seen > today + _CLOCK_SKEW:
        raise ValueError(f"last_seen: {row.last_seen} lies in the future")
    text = _refanged(row.indicator)
    fixed = {"feed": row.feed or feed, "last_seen": row.last_seen, "malware": row.malware}
    if row.kind == "url":
        return _listed_url(text, row.port, fixed)
    if row.kind == "address":
        network = network_of(text, V4_BITS, V6_BITS)
        indicator = str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
        return Listed(FeedEntry(indicator=indicator, kind="address", port=row.port, **fixed), network)
    domain = domain_of(text)
    bare = domain.removeprefix(".")
    if domain.startswith(".") and _suffixes().is_public(bare):
        raise ValueError(f"indicator: everything below the public suffix {bare!r}; expected a registered domain")
    return Listed(FeedEntry(indicator=bare, kind="domain", port=row.port, **fixed), domain=domain)


def _listed_url(text: str, port: int | None, fixed: dict[str, object]) -> Listed:
    parts = urlsplit(text if "://" in text else f"http://{text}")
    host, port = parts.hostname or "", port or parts.port
    address = address_of(host)
    if address is not None:
        # Logs show the address of such a URL, never the URL itself: as an address it gets the test for shared ones.
        entry = FeedEntry.model_validate({"indicator": str(address), "kind": "address", "port": port} | fixed)
        return Listed(entry, network_of(host))
    entry = FeedEntry.model_validate({"indicator": text, "kind": "url", "port": port} | fixed)
    return Listed(entry, domain=domain_of(host))


def _refanged(text: str) -> str:
    return re.sub(r"^hxxp", "http", text.replace("[.]", ".").replace("[:]", ":"), flags=re.IGNORECASE)


def kind_of(text: str) -> Literal["domain", "url", "address"]:
    """What an indicator of a feed is that does not say so."""
    text = _refanged(text)
    if "://" in text:
        return "url"
    try:
        network_of(text)
    except ValueError:
        return "url" if "/" in text else "domain"
    return "address"
