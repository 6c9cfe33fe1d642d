"""Cloud, CDN, resolver, sinkhole and scanner lists: the embedded ones and the site's own list files."""

import lzma
from collections.abc import Sequence
from datetime import UTC, datetime, time
from functools import cached_property
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Literal

from connectors.enrichers._files.field_types import Name
from connectors.enrichers._files.indexes import PrefixIndex, address_of, network_of
from connectors.enrichers._files.reader import Parsed, Unreadable, gather, lines_of, load, open_line
from playbook.model import Value
from playbook.model.address import Address, Network
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, ListEntry
from playbook.model.observable import Observable
from playbook.model.site import Site
from playbook.reference_data import lists as embedded

_MAX_LINE = 1024


class Extra(Value):
    """A list file of the site: one address or CIDR a line, ``#`` starts a comment."""

    path: Path
    category: Literal["cloud", "cdn", "resolver", "shared", "sinkhole", "scanner", "block_page"]


class Settings(Value):
    """``extra``: the site's own lists by name, beside the embedded ones."""

    extra: dict[Name, Extra] = {}


class Lists:
    """Answers for destination addresses; a list that cannot be read makes every answer unavailable."""

    remote = False
    topics = ("lists",)

    def __init__(self, name: str, settings: Settings, site: Site, folder: Path) -> None:
        self.name = name
        self._extra = {name: (folder / extra.path, extra) for name, extra in settings.extra.items()}
        self._nat64 = site.networks.nat64
        self._today = site.now.date()

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """The lists that cover each destination address, judged on the unwrapped address."""
        template = Enrichment(
            enricher=self.name,
            topic="lists",
            observable=Observable(kind="address", value="", role="destination"),
            unavailable=self._fault,
            as_of=datetime.combine(embedded.AS_OF, time(), UTC),
            warning=self._warning,
        )
        return tuple(
            template.model_copy(update={"observable": observable} | self._answer(observable))
            for observable in observables
            if observable.kind == "address" and observable.role == "destination"
        )

    def check(self) -> tuple[CheckResult, ...]:
        """The embedded lists' age, and each list file of the site."""
        fault, age = self._embedded_fault, f"as of {embedded.AS_OF}"
        message = fault or age + (f"; {self._stale}" if self._stale else "")
        return (
            CheckResult(subject=f"{self.name}: embedded lists", ok=fault is None, message=message, warning=self._stale),
            *(parsed.result(f"{self.name}: {name}") for name, parsed in self._parsed.items()),
        )

    def _answer(self, observable: Observable) -> dict[str, Any]:
        address = address_of(observable.value, self._nat64)
        if address is None or self._fault:
            return {}
        return {"answers": (*self._own.find(address), *self._embedded(address))}

    def _embedded(self, address: Address) -> tuple[ListEntry, ...]:
        return tuple(ListEntry(name=row.name, category=row.category) for row in embedded.covering(address))

    @property
    def _stale(self) -> str:
        return f"the embedded lists are of {embedded.AS_OF}, over 180 days old" if embedded.stale(self._today) else ""

    @cached_property
    def _warning(self) -> str:
        parts = (self._stale, *(parsed.warning for parsed in self._parsed.values()))
        return "; ".join(part for part in parts if part)

    @cached_property
    def _fault(self) -> str | None:
        faults = (self._embedded_fault, *(parsed.unavailable for parsed in self._parsed.values()))
        return next((fault for fault in faults if fault), None)

    @cached_property
    def _embedded_fault(self) -> str | None:
        try:
            embedded.covering("192.0.2.1")
        except (OSError, ValueError, KeyError, TypeError, EOFError, lzma.LZMAError) as fault:
            return f"the embedded address lists cannot be read: {fault}"
        return None

    @cached_property
    def _parsed(self) -> dict[str, Parsed[Network]]:
        return {name: _read(path) for name, (path, _) in self._extra.items()}

    @cached_property
    def _own(self) -> PrefixIndex[ListEntry]:
        entries = {
            name: ListEntry(name=name, category=extra.category, ours=True) for name, (_, extra) in self._extra.items()
        }
        parsed = self._parsed.items()
        return PrefixIndex((network, entries[name]) for name, one in parsed for network in one.entries)


def _read(path: Path) -> Parsed[Network]:
    try:
        raw, as_of = load(path)
    except Unreadable as fault:
        return Parsed(path, unavailable=str(fault))
    numbered = ((number, line.partition(b"#")[0].strip()) for number, line in enumerate(lines_of(raw), 1))
    parsed = gather(
        path, as_of, ((number, line) for number, line in numbered if line), _network, open_at=open_line(raw)
    )
    if not parsed.entries and not parsed.unavailable:
        return Parsed(path, as_of=as_of, unavailable=f"{path}: empty; expected one address or CIDR a line")
    return parsed


def _network(line: bytes) -> Network:
    if len(line) > _MAX_LINE:
        raise ValueError(f"expected an address or CIDR of at most {_MAX_LINE} bytes")
    network = network_of(line.decode("utf-8"))
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    return network if mapped is None else IPv4Network((mapped, max(0, network.prefixlen - 96)), strict=False)


def connect(name: str, settings: Settings, site: Site, folder: Path) -> Lists:
    """An enricher over the embedded lists and the site's own, their paths relative to ``folder``."""
    return Lists(name, settings, site, folder)
