"""Threat feeds from files: a CSV with dated entries, or a plain list of indicators with one declared date."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from ipaddress import IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList
from pydantic import BeforeValidator, Field, model_validator

from connectors.enrichers._files.field_types import Name, Text
from connectors.enrichers._files.indexes import DomainIndex, PrefixIndex, address_of, domain_of, network_of
from connectors.enrichers._files.reader import Parsed, Unreadable, gather, lines_of, load, open_line, read_converted
from playbook.model import Value
from playbook.model.address import Network
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, FeedEntry
from playbook.model.observable import Observable
from playbook.model.site import Site

# A wider network in a feed says nothing about one address.
V4_BITS = 24
V6_BITS = 64
_MAX_LINE = 4096
_CLOCK_SKEW = timedelta(days=1)


class Settings(Value):
    """``path`` of the feed; a plain list (any suffix but .csv, .json, .jsonl) needs ``as_of``, the date of its entries.

    ``feed`` names the feed where a row does not; without it the file's name does.
    """

    path: Path
    as_of: date | None = None
    feed: Text = ""

    @property
    def plain(self) -> bool:
        """Whether the file is a plain list of indicators."""
        return self.path.suffix.lower() not in {".csv", ".json", ".jsonl", ".ndjson"}

    @model_validator(mode="after")
    def _dated(self) -> "Settings":
        if self.plain and self.as_of is None:
            raise ValueError("a plain list needs as_of, the date of its entries (year-month-day)")
        return self


def _day(value: object) -> object:
    return datetime.fromisoformat(value.strip()).date() if isinstance(value, str) else value


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


def _read_plain(path: Path, day: date, convert: Callable[[FeedRow], Listed]) -> Parsed[Listed]:
    try:
        raw, _ = load(path)
    except Unreadable as fault:
        return Parsed(path, unavailable=str(fault))
    numbered = ((number, line.strip()) for number, line in enumerate(lines_of(raw), 1))
    rows = ((number, line) for number, line in numbered if line and line[:1] not in (b"#", b";"))
    as_of = datetime.combine(day, time(), UTC)
    return gather(path, as_of, rows, lambda line: convert(_plain_row(line, day)), open_at=open_line(raw))


def _plain_row(line: bytes, day: date) -> FeedRow:
    if len(line) > _MAX_LINE or b"\0" in line:
        raise ValueError(f"expected one indicator of at most {_MAX_LINE} bytes")
    text = line.decode("utf-8").partition(" #")[0].strip()
    return FeedRow(indicator=text, kind=_kind_of(_refanged(text)), last_seen=day)


def _kind_of(text: str) -> Literal["domain", "url", "address"]:
    if "://" in text:
        return "url"
    try:
        network_of(text)
    except ValueError:
        return "url" if "/" in text else "domain"
    return "address"


class Feed:
    """Answers from one feed file, read once."""

    remote = False
    topics = ("feed",)

    def __init__(self, name: str, settings: Settings, site: Site, folder: Path) -> None:
        self.name = name
        self._settings = settings
        self._path = folder / settings.path
        self._today = site.now.date()
        self._nat64: tuple[IPv6Network, ...] = site.networks.nat64

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """Entries for destination addresses and domains; entries of any date, for the rules weigh their age."""
        template = Enrichment(
            enricher=self.name,
            topic="feed",
            observable=Observable(kind="address", value="", role="destination"),
            unavailable=self._parsed.unavailable,
            as_of=self._parsed.as_of,
            warning=self._parsed.warning,
        )
        return tuple(
            template.model_copy(update={"observable": observable, "answers": self._find(observable)})
            for observable in observables
            if observable.role == "destination" and observable.kind in {"address", "domain"}
        )

    def check(self) -> tuple[CheckResult, ...]:
        """Whether the feed can be read, how many entries it has and of when the newest is."""
        newest = max((one.entry.last_seen for one in self._parsed.entries), default=None)
        more = f"; newest entry {newest}" if newest else ""
        return (self._parsed.result(f"{self.name}: {self._path.name}", more=more),)

    def _find(self, observable: Observable) -> tuple[FeedEntry, ...]:
        networks, domains = self._index
        if observable.kind == "domain":
            return domains.find(observable.value)
        address = address_of(observable.value, self._nat64)
        return () if address is None else networks.find(address)

    @cached_property
    def _parsed(self) -> Parsed[Listed]:
        feed = self._settings.feed or self._path.stem

        def convert(row: FeedRow) -> Listed:
            return listed(row, feed, self._today)

        if self._settings.plain and self._settings.as_of:
            return _read_plain(self._path, self._settings.as_of, convert)
        return read_converted(self._path, FeedRow, convert)

    @cached_property
    def _index(self) -> tuple[PrefixIndex[FeedEntry], DomainIndex[FeedEntry]]:
        entries = self._parsed.entries
        networks = PrefixIndex((one.network, one.entry) for one in entries if one.network)
        return networks, DomainIndex((one.domain, one.entry) for one in entries if one.domain)


def connect(name: str, settings: Settings, site: Site, folder: Path) -> Feed:
    """An enricher over one feed file, its path relative to ``folder``."""
    return Feed(name, settings, site, folder)
