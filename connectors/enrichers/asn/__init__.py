"""Who announces an address: the user's own AS database first, then the embedded AS table; and whose operator it is."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cached_property, lru_cache
from ipaddress import ip_address, summarize_address_range
from pathlib import Path
from typing import Any

from connectors.enrichers._files.indexes import address_of
from connectors.enrichers._files.reader import Unreadable
from connectors.enrichers.asn.mmdb import AsnDatabase
from playbook.model import Value
from playbook.model.address import Address
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, NetworkOwner, Operator
from playbook.model.observable import Observable
from playbook.model.site import Site
from playbook.reference_data import asn as embedded
from playbook.reference_data.asn import AsnRow
from playbook.reference_data.operators import operator_of

_STALE_AFTER = timedelta(days=180)


class Settings(Value):
    """``mmdb``: the path of an AS database of MaxMind, DB-IP or IPinfo; without it the embedded table answers alone."""

    mmdb: Path | None = None


class AsNumbers:
    """Answers for destination addresses."""

    remote = False
    topics = ("asn", "operator")

    def __init__(self, name: str, settings: Settings, site: Site, folder: Path) -> None:
        self.name = name
        self._path = folder / settings.mmdb if settings.mmdb else None
        self._now = site.now
        self._nat64 = site.networks.nat64

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """Network owner and operator of each destination address; an address nobody announced has no answer."""
        templates = {topic: _template(self.name, topic) for topic in self.topics}
        found: list[Enrichment] = []
        for observable in observables:
            if observable.kind == "address" and observable.role == "destination":
                owner, operator = self._answers(address_of(observable.value, self._nat64))
                found.append(templates["asn"].model_copy(update={"observable": observable} | owner))
                found.append(templates["operator"].model_copy(update={"observable": observable} | operator))
        return tuple(found)

    def check(self) -> tuple[CheckResult, ...]:
        """The embedded table's age, and the user's database when one is configured."""
        fault = self._embedded_fault
        warning = self._stale("the embedded AS table", _as_of())
        results = [
            CheckResult(
                subject=f"{self.name}: embedded AS table",
                ok=fault is None,
                message=fault or f"as of {embedded.AS_OF}" + (f"; {warning}" if warning else ""),
                # Beside a database of the user's the embedded table only fills its gaps.
                warning="" if self._path else warning,
            )
        ]
        if self._path:
            database = self._database
            message = database if isinstance(database, str) else f"as of {database.as_of:%Y-%m-%d}"
            ok = isinstance(database, AsnDatabase)
            results.append(CheckResult(subject=f"{self.name}: {self._path.name}", ok=ok, message=message))
        return tuple(results)

    def _answers(self, address: Address | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """What changes in the two templates: for the owner, and for the operator (asked of both tables)."""
        if address is None:
            return {}, {}
        if self._embedded_fault:
            return {"unavailable": self._embedded_fault}, {"unavailable": self._embedded_fault}
        try:
            row = embedded.look_up(address)
        except ValueError as fault:
            reason = {"unavailable": _unreadable(fault)}
            return reason, reason
        owner = self._of_embedded(row) if self._path is None else self._of_database(address, row)
        numbers = [one.asn for one in owner.get("answers", ())] + ([row.asn] if row else [])
        operators = [found for number in dict.fromkeys(numbers) if number and (found := operator_of(number))]
        answers = tuple(Operator(name=found.operator, asn=found.asn) for found in operators)
        return owner, {"answers": answers, "as_of": _as_of()}

    def _of_embedded(self, row: AsnRow | None) -> dict[str, Any]:
        warning = self._stale("the embedded AS table", _as_of())
        return {"answers": (_owner(row),) if row else (), "as_of": _as_of(), "warning": warning}

    def _of_database(self, address: Address, row: AsnRow | None) -> dict[str, Any]:
        database = self._database
        if isinstance(database, str):
            return {"unavailable": database}
        try:
            owner = database.look_up(address)
        except Unreadable as fault:
            return {"unavailable": str(fault)}
        if owner is None:
            return self._of_embedded(row)
        warning = self._stale(database.path.name, database.as_of)
        return {"answers": (owner,), "as_of": database.as_of, "warning": warning}

    def _stale(self, what: str, as_of: datetime) -> str:
        return f"{what} is of {as_of:%Y-%m-%d}, over 180 days old" if self._now - as_of > _STALE_AFTER else ""

    @cached_property
    def _database(self) -> AsnDatabase | str:
        try:
            return AsnDatabase(self._path or Path())
        except Unreadable as fault:
            return str(fault)

    @cached_property
    def _embedded_fault(self) -> str | None:
        try:
            embedded.look_up("192.0.2.1")
        except (OSError, ValueError, KeyError, TypeError) as fault:
            return _unreadable(fault)
        return None


def _template(enricher: str, topic: str) -> Enrichment:
    nothing = Observable(kind="address", value="", role="destination")
    return Enrichment(enricher=enricher, topic=topic, observable=nothing)


def _unreadable(fault: Exception) -> str:
    return f"the embedded AS table cannot be read: {fault}"


def _as_of() -> datetime:
    return datetime.combine(embedded.AS_OF, time(), UTC)


@lru_cache(maxsize=65_536)
def _owner(row: AsnRow) -> NetworkOwner:
    networks = list(summarize_address_range(ip_address(row.first), ip_address(row.last)))
    network = str(networks[0]) if len(networks) == 1 else f"{row.first}-{row.last}"
    return NetworkOwner(asn=row.asn, organisation=row.organisation, network=network)


def connect(name: str, settings: Settings, site: Site, folder: Path) -> AsNumbers:
    """An enricher over the embedded table and, when configured, the user's own database relative to ``folder``."""
    return AsNumbers(name, settings, site, folder)
