"""Vendors' own services: the reviewed table, the site's partners, and the site's own known services (JSON)."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from connectors.enrichers._files.field_types import Name
from connectors.enrichers._files.indexes import DomainIndex, PrefixIndex, address_of, domain_of, network_of
from connectors.enrichers._files.reader import Parsed, Unreadable, gather, load, parse_json
from playbook.model import Value
from playbook.model.address import Network
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, VendorService
from playbook.model.observable import Observable
from playbook.model.site import Site
from playbook.reference_data.vendors import VendorRow, every_service

MAX_PORTS = 1024
V4_BITS = 12
V6_BITS = 28
Needs = Literal["network", "name", "network_and_name"]


class Settings(Value):
    """``path`` of a JSON file ``{"services": [...]}`` with services that the site knows, beside the reviewed table."""

    path: Path | None = None


class KnownService(Value):
    """One service of the JSON file. ``domains`` are exact names; a leading dot covers the names below as well."""

    vendor: Name
    purpose: Name
    single_tenant: bool = Field(strict=True)
    networks: tuple[Name, ...] = ()
    domains: tuple[Name, ...] = ()
    ports: tuple[int, ...] = Field(default=(), max_length=MAX_PORTS)

    @field_validator("networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(network_of(network, V4_BITS, V6_BITS)) for network in networks)

    @field_validator("domains")
    @classmethod
    def _domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(domain_of(domain) for domain in domains)

    @field_validator("ports")
    @classmethod
    def _ports(cls, ports: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 1 <= port <= 65535 for port in ports):
            raise ValueError("expected ports from 1 to 65535")
        return ports

    @model_validator(mode="after")
    def _found_by(self) -> "KnownService":
        if not self.networks and not self.domains:
            raise ValueError("expected networks, domains or both")
        if self.single_tenant and not self.networks:
            raise ValueError("a service known by name alone cannot be single_tenant: others may share its addresses")
        return self

    @property
    def needs(self) -> Needs:
        """Everything that is given must match."""
        if self.networks and self.domains:
            return "network_and_name"
        return "network" if self.networks else "name"


class Vendors:
    """Answers for destination addresses and domains."""

    remote = False
    topics = ("vendor",)

    def __init__(self, name: str, settings: Settings, site: Site, folder: Path) -> None:
        self.name = name
        self._path = folder / settings.path if settings.path else None
        self._networks_of_site = site.networks

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """Services whose network holds the address, or whose domains cover the name."""
        template = Enrichment(
            enricher=self.name,
            topic="vendor",
            observable=Observable(kind="address", value="", role="destination"),
            unavailable=self._file.unavailable,
            as_of=self._file.as_of,
            warning=self._file.warning,
        )
        return tuple(
            template.model_copy(update={"observable": observable, "answers": self._find(observable)})
            for observable in observables
            if observable.role == "destination" and observable.kind in {"address", "domain"}
        )

    def check(self) -> tuple[CheckResult, ...]:
        """The reviewed table, and the site's file when one is configured."""
        reviewed = CheckResult(
            subject=f"{self.name}: reviewed table", ok=True, message=f"{len(every_service())} services"
        )
        if not self._path:
            return (reviewed,)
        return reviewed, self._file.result(f"{self.name}: {self._path.name}")

    def _find(self, observable: Observable) -> tuple[VendorService, ...]:
        if self._file.unavailable:
            return ()
        networks, domains = self._index
        if observable.kind == "domain":
            return domains.find(observable.value)
        address = address_of(observable.value, self._networks_of_site.nat64)
        return () if address is None else networks.find(address)

    @cached_property
    def _file(self) -> Parsed[KnownService]:
        return Parsed(Path()) if self._path is None else _read(self._path)

    @cached_property
    def _index(self) -> tuple[PrefixIndex[VendorService], DomainIndex[VendorService]]:
        networks: list[tuple[Network, VendorService]] = [*_partners(self._networks_of_site.partners)]
        domains: list[tuple[str, VendorService]] = []
        for row in every_service():
            networks += [(network, _of_row(row, str(network))) for network in row.networks]
            domains += [(f".{domain}", _of_row(row, domain)) for domain in row.domains]
        for service in self._file.entries:
            networks += [(network_of(network), _of_site(service, network)) for network in service.networks]
            domains += [(domain, _of_site(service, domain)) for domain in service.domains]
        return PrefixIndex(networks), DomainIndex(domains)


def _partners(networks: Iterable[Network]) -> Iterable[tuple[Network, VendorService]]:
    for network in networks:
        yield (
            network,
            VendorService(
                vendor="declared partner", purpose="partner", single_tenant=True, matched=str(network), needs="network"
            ),
        )


def _of_row(row: VendorRow, matched: str) -> VendorService:
    ports = tuple(port for first, last in row.ports for port in range(first, last + 1))
    return VendorService(
        vendor=row.vendor,
        purpose=row.purpose,
        single_tenant=row.single_tenant,
        matched=matched,
        ports=ports,
        needs=row.needs,
    )


def _of_site(service: KnownService, matched: str) -> VendorService:
    return VendorService(
        vendor=service.vendor,
        purpose=service.purpose,
        single_tenant=service.single_tenant,
        matched=matched,
        ports=service.ports,
        needs=service.needs,
    )


def _read(path: Path) -> Parsed[KnownService]:
    try:
        raw, as_of = load(path)
        document = parse_json(raw)
    except Unreadable as fault:
        return Parsed(path, unavailable=str(fault))
    except ValueError as fault:
        return Parsed(path, unavailable=f"{path}: not JSON: {fault}")
    services = document.get("services") if isinstance(document, dict) and set(document) == {"services"} else None
    if not isinstance(services, list):
        return Parsed(path, as_of=as_of, unavailable=f'{path}: expected {{"services": [...]}}')
    return gather(path, as_of, enumerate(services, 1), KnownService.model_validate, " services ")


def connect(name: str, settings: Settings, site: Site, folder: Path) -> Vendors:
    """An enricher over the reviewed table, the site's partners and its own file relative to ``folder``."""
    return Vendors(name, settings, site, folder)
