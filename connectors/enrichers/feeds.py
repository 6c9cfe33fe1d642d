"""Threat feeds from files: a CSV with dated entries, or a plain list of indicators with one declared date."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import cached_property
from ipaddress import IPv6Network
from pathlib import Path

from pydantic import model_validator

from connectors.enrichers._files.field_types import Text
from connectors.enrichers._files.indexes import DomainIndex, PrefixIndex, address_of
from connectors.enrichers._files.indicators import FeedRow, Listed, kind_of, listed
from connectors.enrichers._files.reader import Parsed, Unreadable, gather, lines_of, load, open_line, read_converted
from playbook.model import Value
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, FeedEntry, Trust
from playbook.model.observable import Observable
from playbook.model.site import Site

_MAX_LINE = 4096


class Settings(Value):
    """``path`` of the feed; a plain list (any suffix but .csv, .json, .jsonl) needs ``as_of``, the date of its entries.

    ``feed`` names the feed where a row does not; without it the file's name does. ``trust`` is how much its word may
    weigh: an administrator put the file there, so that it convicts unless it is told not to.
    """

    path: Path
    as_of: date | None = None
    feed: Text = ""
    trust: Trust = "conclusive"

    @property
    def plain(self) -> bool:
        """Whether the file is a plain list of indicators."""
        return self.path.suffix.lower() not in {".csv", ".json", ".jsonl", ".ndjson"}

    @model_validator(mode="after")
    def _dated(self) -> "Settings":
        if self.plain and self.as_of is None:
            raise ValueError("a plain list needs as_of, the date of its entries (year-month-day)")
        return self


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
    return FeedRow(indicator=text, kind=kind_of(text), last_seen=day)


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
            one = listed(row, feed, self._today)
            return replace(one, entry=one.entry.model_copy(update={"trust": self._settings.trust}))

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
