"""What threat feeds over HTTPS share: read in whole, kept on disk with their age, used a while when they fail.

Whoever runs the feed writes it: a poisoned entry must not convict by itself, so ``trust`` is ``strong`` unless an
administrator says more. A feed speaks before the static gates, as a file does.
"""

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from ipaddress import IPv6Network
from pathlib import Path
from typing import NamedTuple

import platformdirs
from pydantic import Field, ValidationError

from connectors.enrichers._files.field_types import Moment, Text
from connectors.enrichers._files.indexes import DomainIndex, PrefixIndex, address_of
from connectors.enrichers._files.indicators import FeedRow, Listed, listed
from connectors.enrichers._files.reader import explain
from connectors.enrichers._live.source import Live, Row, answers_of, no_answer
from connectors.http import Clocks, printable
from playbook.errors import BadAnswer, ConnectorError
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, FeedEntry, Trust
from playbook.model.observable import Observable
from playbook.model.site import Site

MAX_ENTRIES = 500_000


class FeedSettings(Live):
    """Settings of every feed over HTTPS; times in seconds.

    ``trust``: how much its word may weigh. Asked again after ``refresh_s``; when that fails, what was read last is
    used for ``stale_s``, and says so. ``feed`` names it in the evidence, ``most_mb`` bounds one answer. ``cache`` is a
    folder (default: the user's), ``disk = false`` keeps entries in memory only.
    """

    trust: Trust = "strong"
    feed: Text = ""
    refresh_s: float = Field(default=3600.0, ge=60, le=7 * 86400)
    stale_s: float = Field(default=3 * 86400.0, ge=0, le=30 * 86400)
    most_mb: int = Field(default=32, ge=1, le=512)
    cache: Path | None = None
    disk: bool = True


class Download(NamedTuple):
    """One reading: ``rows`` None when the feed says that nothing has changed."""

    rows: tuple[FeedRow, ...] | None
    etag: str = ""
    modified: str = ""
    notes: tuple[str, ...] = ()


class Copy(Row):
    """A reading as it is kept."""

    source: str
    fetched: Moment
    etag: str = ""
    modified: str = ""
    notes: tuple[str, ...] = ()
    rows: tuple[FeedRow, ...] = ()


@dataclass(frozen=True)
class _Index:
    """The entries, findable, and what a reader must know of them."""

    networks: PrefixIndex[FeedEntry]
    domains: DomainIndex[FeedEntry]
    count: int
    newest: date | None
    fetched: datetime
    warning: str


class RemoteFeed(ABC):
    """An enricher over one feed; a subclass downloads its rows."""

    remote = False
    topics = ("feed",)

    def __init__(self, name: str, settings: FeedSettings, site: Site, folder: Path, clocks: Clocks) -> None:
        self.name = name
        self._feed, self._clocks = settings, clocks
        self._today = site.now.date()
        self._nat64: tuple[IPv6Network, ...] = site.networks.nat64
        self._lock = threading.Lock()
        self._copy: Copy | None = None
        self._index: _Index | None = None
        self._stale = ""
        cache = folder / settings.cache if settings.cache else platformdirs.user_cache_path("botnet-playbook")
        named = hashlib.sha256(self._source.encode()).hexdigest()[:32]
        self._path = cache / "feeds" / f"{named}.json" if settings.disk else None

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """Entries for destination addresses and domains, of any date, for the rules weigh their age."""
        wanted = [o for o in observables if o.role == "destination" and o.kind in ("address", "domain")]
        if not wanted:
            return ()
        try:
            index = self._current()
        except ConnectorError as fault:
            return no_answer(self.name, "feed", wanted, str(fault))
        answers = ((one, self._find(index, one)) for one in wanted)
        return answers_of(self.name, "feed", answers, warning=index.warning, as_of=index.fetched)

    def check(self) -> tuple[CheckResult, ...]:
        """How many entries there are, of when the newest is, and when they were read."""
        try:
            index = self._current()
        except ConnectorError as fault:
            return (CheckResult.failed(f"{self.name}: feed", fault),)
        newest = f", newest {index.newest}" if index.newest else ""
        message = f"{index.count} entries{newest}, read {index.fetched:%Y-%m-%d %H:%M}Z, trust {self._feed.trust}"
        return (
            CheckResult(
                subject=f"{self.name}: feed",
                ok=True,
                warning=index.warning,
                message=message + (f"; {index.warning}" if index.warning else ""),
            ),
        )

    @property
    @abstractmethod
    def _source(self) -> str:
        """What is read, so that a copy of something else is never taken for it."""

    @abstractmethod
    def _download(self, copy: Copy | None) -> Download:
        """Read the whole feed, or learn that it has not changed since ``copy``. Raises ConnectorError."""

    def _current(self) -> _Index:
        """The entries, read again when it is time. Raises ConnectorError when there are none to use."""
        with self._lock:
            copy, stale = self._copy or self._kept(), ""
            age = None if copy is None else (self._now() - copy.fetched).total_seconds()
            if copy is None or age is None or not 0 <= age < self._feed.refresh_s:
                try:
                    copy = self._refreshed(copy)
                except ConnectorError as fault:
                    if copy is None or age is None or not 0 <= age < self._feed.stale_s:
                        raise
                    stale = f"not read since {copy.fetched:%Y-%m-%d %H:%M}Z: {fault}"
            if self._index is None or self._copy is not copy or stale != self._stale:
                self._copy, self._stale, self._index = copy, stale, self._indexed(copy, stale)
            return self._index

    def _refreshed(self, copy: Copy | None) -> Copy:
        got = self._download(copy)
        if got.rows is None and copy is None:
            raise BadAnswer(f"{self.name}: says that nothing has changed since a reading that never was")
        if got.rows is not None and len(got.rows) > MAX_ENTRIES:
            raise BadAnswer(f"{self.name}: more than {MAX_ENTRIES} entries")
        if got.rows and not any(self._usable(row) for row in got.rows):
            raise BadAnswer(f"{self.name}: none of its {len(got.rows)} entries can be used")
        rows = copy.rows if got.rows is None and copy is not None else got.rows or ()
        notes = copy.notes if got.rows is None and copy is not None else got.notes
        fresh = Copy(
            source=self._source, fetched=self._now(), etag=got.etag, modified=got.modified, notes=notes, rows=rows
        )
        self._keep(fresh)
        return fresh

    def _usable(self, row: FeedRow) -> bool:
        with suppress(ValueError):
            return bool(listed(row, self.name, self._today))
        return False

    def _kept(self) -> Copy | None:
        if self._path is None:
            return None
        with suppress(OSError, ValueError, RecursionError):
            copy = Copy.model_validate(json.loads(self._path.read_bytes()))
            return copy if copy.source == self._source else None
        return None

    def _keep(self, copy: Copy) -> None:
        """Keep the reading for other processes; without a writable place it is kept in memory alone."""
        if self._path is None:
            return
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_suffix(f".{threading.get_ident()}.new")
            fresh.write_text(copy.model_dump_json(), encoding="utf-8")
            fresh.replace(self._path)

    def _indexed(self, copy: Copy, stale: str) -> _Index:
        entries: list[Listed] = []
        faults: list[str] = []
        for row in copy.rows:
            try:
                entries.append(listed(row, self._feed.feed or self.name, self._today))
            except ValueError as fault:
                faults.append(explain(fault))
        trusted = [(one, one.entry.model_copy(update={"trust": self._feed.trust})) for one in entries]
        left = (f"{len(faults)} entries left out: {'; '.join(dict.fromkeys(faults[:2]))[:200]}",) if faults else ()
        return _Index(
            PrefixIndex((one.network, entry) for one, entry in trusted if one.network),
            DomainIndex((one.domain, entry) for one, entry in trusted if one.domain),
            len(entries),
            max((one.entry.last_seen for one in entries), default=None),
            copy.fetched,
            printable("; ".join(filter(None, (stale, *copy.notes, *left)))),
        )

    def _find(self, index: _Index, observable: Observable) -> tuple[FeedEntry, ...]:
        if observable.kind == "domain":
            return index.domains.find(observable.value)
        address = address_of(observable.value, self._nat64)
        return () if address is None else index.networks.find(address)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clocks.wall(), UTC)


def row_of(indicator: str, kind: str, last_seen: object, **more: object) -> FeedRow | str:
    """One entry, or why it is none."""
    try:
        return FeedRow.model_validate({"indicator": indicator, "kind": kind, "last_seen": last_seen} | more)
    except ValidationError as fault:
        return explain(fault)


def sorted_out(rows: Iterable[FeedRow | str], what: str) -> tuple[tuple[FeedRow, ...], tuple[str, ...]]:
    """The entries without repeats, and how many others were left out, with the first reasons."""
    entries: dict[FeedRow, None] = {}
    faults: list[str] = []
    for row in rows:
        if isinstance(row, str):
            faults.append(row)
        else:
            entries[row] = None
    reasons = "; ".join(dict.fromkeys(faults[:2]))[:200]
    return tuple(entries), (f"{len(faults)} {what} left out: {reasons}",) if faults else ()
