"""WHOIS over RDAP: which network holds an address, from the regional registry, asked once per network.

An answer is kept by its range: any later address inside it is answered without a request, so a narrower
sub-allocation inside a known range is reported as that range until it expires. A range wider than /9 (v4) or /19 (v6)
is often a registry's own block and is kept only for the /16 or /32 around the address that was asked about.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from ipaddress import IPv6Network
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, IPvAnyNetwork

from connectors.enrichers.whois.bootstrap import AS_OF, Registries, Registry, from_folder, shipped
from connectors.enrichers.whois.range_cache import RangeCache
from connectors.enrichers.whois.rdap_client import RdapClient
from connectors.enrichers.whois.rdap_parser import Holder
from connectors.http import Clocks, ReplyBounds
from playbook.errors import ConnectorError
from playbook.model import Value
from playbook.model.address import Address, parse, unwrap, why_not_global
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, NetworkOwner
from playbook.model.observable import Observable
from playbook.model.site import Site


class Settings(Value):
    """``[enrichers.NAME]`` with ``kind = "whois"``; times in seconds.

    ``cache`` is a folder (default: the user's cache folder), ``disk = false`` keeps answers in memory only.
    ``bootstrap`` is a folder with IANA's ipv4.json and ipv6.json. ``lab`` ranges count as global. ``rest_s`` is how
    long a registry that failed is left alone. ``parallel`` asks the registries side by side, each one in turn.
    """

    cache: Path | None = None
    disk: bool = True
    keep_s: float = Field(default=7 * 86400, ge=0, le=90 * 86400)
    keep_unknown_s: float = Field(default=6 * 3600, ge=0, le=7 * 86400)
    deadline_s: float = Field(default=5.0, gt=0, le=60)
    total_s: float = Field(default=15.0, gt=0, le=600)
    interval_s: float = Field(default=0.2, ge=0, le=60)
    rest_s: float = Field(default=300.0, ge=0, le=86400)
    max_bytes: int = Field(default=1024 * 1024, ge=1024, le=16 * 1024 * 1024)
    bootstrap: Path | None = None
    ca_file: Path | None = None
    lab: tuple[IPvAnyNetwork, ...] = ()
    nat64: tuple[IPv6Network, ...] = ()
    parallel: bool = True

    def places(self, folder: Path) -> tuple[str, ...]:
        """The hosts of the registries. Raises ConfigError when the bootstrap files cannot be read."""
        known = from_folder(folder / self.bootstrap) if self.bootstrap else shipped()
        return tuple(urlsplit(registry.base).hostname or "" for registry in known)


class Whois:
    """Asks the registries about the addresses that are globally routable; every failure is a value.

    The text in an answer is what the network's holder registered, so it counts as written by the peer.
    """

    topics = ("whois",)
    remote = True

    def __init__(self, name: str, settings: Settings, clocks: Clocks = Clocks()) -> None:  # noqa: B008 a frozen value
        self.name = name
        self._settings = settings
        self._clocks = clocks
        self._registries = Registries(from_folder(settings.bootstrap) if settings.bootstrap else shipped())
        folder = (settings.cache or platformdirs.user_cache_path("botnet-playbook")) if settings.disk else None
        self._ranges = RangeCache(folder, settings.keep_s, settings.keep_unknown_s, clocks.wall)
        self._asking = RdapClient(
            self._registries.all,
            ReplyBounds(settings.deadline_s, settings.max_bytes, 2, settings.interval_s),
            clocks,
            settings.rest_s,
            settings.ca_file,
        )

    @property
    def requests(self) -> int:
        """How many questions were sent since this object exists, redirects included, repetitions not."""
        return sum(self._asking.sent.values())

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """One ``NetworkOwner`` per destination address; one that is not global is answered without asking anybody."""
        addresses = {
            item: self._inner(item.value)
            for item in observables
            if item.kind == "address" and item.role == "destination"
        }
        queues: dict[Registry, list[Address]] = {}
        for address in dict.fromkeys(addresses.values()):
            registry = self._asked(address)
            if address is not None and registry is not None:
                queues.setdefault(registry, []).append(address)
        until = self._clocks.monotonic() + self._settings.total_s
        failures: dict[Address, str] = {}
        if self._settings.parallel and len(queues) > 1:
            with ThreadPoolExecutor(len(queues)) as pool:
                for failed in pool.map(lambda queue: self._work(queue[0], queue[1], until), queues.items()):
                    failures |= failed
        else:
            for registry, queue in queues.items():
                failures |= self._work(registry, queue, until)
        self._ranges.save()
        return tuple(self._said(item, address, failures) for item, address in addresses.items())

    def check(self) -> tuple[CheckResult, ...]:
        """One ``help`` request per registry, and the age of the bootstrap."""
        results = []
        for registry in self._registries.all:
            try:
                self._asking.greet(registry)
                results.append(CheckResult(subject=f"{self.name}: {registry.name}", ok=True, message="answers RDAP"))
            except ConnectorError as fault:
                results.append(CheckResult.failed(f"{self.name}: {registry.name}", fault))
        source = str(self._settings.bootstrap) if self._settings.bootstrap else f"shipped, as of {AS_OF}"
        results.append(CheckResult(subject=f"{self.name}: bootstrap", ok=True, message=source))
        return tuple(results)

    def _inner(self, text: str) -> Address | None:
        address = parse(text)
        return unwrap(address, self._settings.nat64) if address else None

    def _why_not(self, address: Address | None) -> str | None:
        if address is None:
            return "not an address"
        return why_not_global(address, self._settings.lab)

    def _asked(self, address: Address | None) -> Registry | None:
        if address is None or self._why_not(address) or self._ranges.find(address):
            return None
        return self._registries.serving(address)

    def _work(self, registry: Registry, queue: Sequence[Address], until: float) -> dict[Address, str]:
        """Ask one registry about its addresses, one after the other so that one range is never asked for twice."""
        failures = {}
        for address in queue:
            if self._ranges.find(address):
                continue
            left = until - self._clocks.monotonic()
            resting = self._asking.resting(registry)
            if resting or left <= 0:
                failures[address] = resting or f"the {self._settings.total_s:g} s for whois were used up"
                continue
            try:
                self._ranges.add(self._asking.ask(registry, address, left))
            except ConnectorError as fault:
                failures[address] = str(fault)
        return failures

    def _said(self, item: Observable, address: Address | None, failures: dict[Address, str]) -> Enrichment:
        word = Enrichment(enricher=self.name, topic="whois", observable=item, written_by="peer")
        why = self._why_not(address)
        if address is None or why:
            return word.model_copy(update={"warning": f"not asked: {why}"})
        holder = self._ranges.find(address)
        if holder:
            return word.model_copy(
                update={
                    "answers": (_owner(holder),) if holder.known else (),
                    "as_of": holder.fetched,
                    "warning": self._ranges.trouble,
                }
            )
        if address in failures:
            return word.model_copy(update={"unavailable": failures[address]})
        return word.model_copy(update={"warning": f"no registry serves {address}"})


@lru_cache(maxsize=4096)
def _owner(holder: Holder) -> NetworkOwner:
    return NetworkOwner(organisation=holder.organisation, network=holder.text(), country=holder.country)


def connect(name: str, settings: Settings, site: Site, folder: Path) -> Whois:
    """The enricher called ``name``; its files are relative to ``folder``, and it unwraps the site's NAT64 addresses."""
    places = {
        key: folder / path for key in ("cache", "bootstrap", "ca_file") if (path := getattr(settings, key)) is not None
    }
    return Whois(name, settings.model_copy(update=places | {"nat64": settings.nat64 + site.networks.nat64}))
