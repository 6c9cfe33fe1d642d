"""Host records by name and by address, merged from one row per holding period."""

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.enrichers._files.indexes import HostIndex, PrefixIndex, address_of, network_of
from connectors.enrichers.inventory.rows import HostRow
from playbook.model.address import Address
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import HostRecord
from playbook.model.observable import Observable


@dataclass(frozen=True)
class _Held:
    """One host in one holding period of one address."""

    record: HostRecord
    period: TimeWindow


@dataclass(frozen=True)
class HostBook:
    """Finds the records of a host name or an address."""

    by_name: HostIndex[HostRecord]
    by_address: PrefixIndex[_Held]

    def find(self, observable: Observable) -> tuple[HostRecord, ...]:
        """Records of a host name, or of every host that ever held an address, with its periods of that address."""
        address = address_of(observable.value)
        if address is None:
            return self.by_name.find(observable.value)
        return self._holders(address)

    def _holders(self, address: Address) -> tuple[HostRecord, ...]:
        periods: dict[int, tuple[HostRecord, list[TimeWindow]]] = {}
        for held in self.by_address.find(address):
            periods.setdefault(id(held.record), (held.record, []))[1].append(held.period)
        return tuple(
            record.model_copy(update={"address_periods": tuple(sorted(found, key=lambda period: period.start))})
            for record, found in periods.values()
        )


def host_book(rows: Iterable[HostRow]) -> HostBook:
    """Rows of one host id (or, without one, of one host name) become one record."""
    grouped: dict[str, list[HostRow]] = {}
    for row in rows:
        grouped.setdefault(row.host_id.lower() or row.hostname, []).append(row)
    names: list[tuple[str, HostRecord]] = []
    held: list[tuple[str, _Held]] = []
    for group in grouped.values():
        record = _merged(group)
        names += [(name, record) for name in dict.fromkeys(row.hostname for row in group)]
        held += [(address, _Held(record, row.period)) for row in group for address in row.addresses]
    return HostBook(HostIndex(names), PrefixIndex((network_of(address), entry) for address, entry in held))


def _merged(rows: list[HostRow]) -> HostRecord:
    last = max(rows, key=lambda row: row.until)
    return HostRecord(
        host_id=last.host_id,
        hostname=last.hostname,
        roles=tuple(dict.fromkeys(role for row in rows for role in row.roles)),
        owner=next((row.owner for row in (last, *rows) if row.owner), ""),
        addresses=tuple(dict.fromkeys(address for row in rows for address in row.addresses)),
    )
