"""When a host held an address, from inventories that only know how things are now.

A record that has not changed since before a detection began was true all through it. One that has changed since, or
that says of itself that it is not in force, still names a host, but proves nothing about it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import Field, IPvAnyNetwork

from connectors.enrichers._files.indexes import address_of
from connectors.enrichers._files.schedule import ALWAYS
from connectors.enrichers._live.source import Budget, Live, Memory, answers_of, no_answer
from connectors.http import Clocks, Transport
from playbook.errors import ConnectorError
from playbook.model.address import Address, within
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, HostRecord
from playbook.model.observable import Observable

Holders = Mapping[Address, tuple[HostRecord, ...]]


class Inventory(Live):
    """Settings of such an inventory.

    ``static_networks`` are those whose addresses stay with their host (an administrator's word): there the present
    record holds for the past as well. ``batch`` is the number of addresses of one request.
    """

    static_networks: tuple[IPvAnyNetwork, ...] = ()
    batch: int = Field(default=50, ge=1, le=200)

    def periods(self, address: Address, changed: datetime | None, now: datetime) -> tuple[TimeWindow, ...]:
        """When the record's host is known to have held the address; empty when that is not known."""
        if within(address, self.static_networks):
            return (TimeWindow(start=ALWAYS.start, end=now),)
        return () if changed is None or changed >= now else (TimeWindow(start=changed, end=now),)


def sources_in(observables: Iterable[Observable]) -> dict[Observable, Address]:
    """The source addresses among the observables; what does not parse is left out, for no inventory may see it."""
    addresses = {one: address_of(one.value) for one in observables if one.kind == "address" and one.role == "source"}
    return {one: address for one, address in addresses.items() if address is not None}


def unproven(records: Iterable[HostRecord]) -> tuple[HostRecord, ...]:
    """The records without their periods: they name hosts and prove none."""
    return tuple(record.model_copy(update={"address_periods": ()}) for record in records)


def moment(seconds: float) -> datetime:
    """Epoch seconds as a UTC time."""
    return datetime.fromtimestamp(seconds, UTC)


class HolderSource(ABC):
    """An enricher that gives host records by source address; a subclass reads them."""

    remote = True
    topics = ("host",)

    def __init__(self, name: str, settings: Inventory, api: Transport, clocks: Clocks) -> None:
        self.name = name
        self._api, self._clocks = api, clocks
        self._bounds = settings
        self._memory: Memory[tuple[Address, ...], tuple[Holders, str]] = Memory(settings.keep_s, clocks)

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """The hosts that hold each source address now, with the time since which that is known."""
        wanted = sources_in(observables)
        if not wanted:
            return ()
        addresses = tuple(sorted(set(wanted.values()), key=str))
        try:
            records, warning = self._memory.get(addresses, lambda: self._read(addresses, self._budget()))
        except ConnectorError as fault:
            return no_answer(self.name, "host", wanted, str(fault))
        answers = ((one, records.get(address, ())) for one, address in wanted.items())
        return answers_of(self.name, "host", answers, warning=warning, as_of=self._now())

    @abstractmethod
    def _read(self, addresses: Sequence[Address], budget: Budget) -> tuple[Holders, str]:
        """The records of each address, and a warning. Raises ConnectorError."""

    def _budget(self) -> Budget:
        return Budget(self._bounds, self.name, self._clocks)

    def _now(self) -> datetime:
        return moment(self._clocks.wall())
