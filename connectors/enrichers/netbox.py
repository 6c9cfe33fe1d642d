"""NetBox over REST: which host holds an address, its role and its tenant.

Read in the source of NetBox 4.7 and its manual; no instance was at hand. NetBox answers an address that it cannot
parse with "none", so only parsed ones are asked about; the same address may stand in several VRFs, and then nobody is
proven. Paging goes by offset: the ``next`` link names the host that NetBox believes to be, and never gets the token.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pydantic import Field, SecretStr, field_validator

from connectors.enrichers._files.field_types import HostName, Moment, Text
from connectors.enrichers._files.indexes import address_of, host_name, short_name
from connectors.enrichers._live.holders import Holders, HolderSource, Inventory, unproven
from connectors.enrichers._live.source import (
    Budget,
    Row,
    batches,
    list_in,
    number_in,
    read_rows,
    transport_for,
    variable_of,
)
from connectors.http import Clocks, Credential, Transport
from playbook.errors import BadAnswer, ConnectorError, Incomplete
from playbook.model.address import Address
from playbook.model.check import CheckResult
from playbook.model.enrichment import HostRecord
from playbook.model.site import Site

_PAGE = 200
_ADDRESSES = "/api/ipam/ip-addresses/"
_MACHINES = {"device": "/api/dcim/devices/", "virtual_machine": "/api/virtualization/virtual-machines/"}
# An address in one of these roles is answered by several machines.
_SHARED_ROLES = frozenset({"anycast", "vip", "vrrp", "hsrp", "glbp", "carp"})


class Settings(Inventory):
    """The instance (https://netbox.example) and a token that may read IP addresses, devices and virtual machines.

    ``host_id_field`` is a custom field of devices that holds the id by which your EDR knows the host.
    """

    token: SecretStr = Field(min_length=1)
    host_id_field: str = Field(default="", pattern=r"^[a-z0-9_]{0,50}$")


class _Named(Row):
    id: int | None = None
    name: Text | None = None
    slug: Text | None = None
    value: Text | None = None


class _Assigned(Row):
    device: _Named | None = None
    virtual_machine: _Named | None = None


class _IpAddress(Row):
    id: int
    address: str
    status: _Named | None = None
    role: _Named | None = None
    dns_name: Text = ""
    assigned_object: _Assigned | None = None
    last_updated: Moment | None = None

    @field_validator("address")
    @classmethod
    def _single(cls, text: str) -> str:
        address = address_of(text.partition("/")[0])
        if address is None:
            raise ValueError("expected an address")
        return str(address)

    @property
    def machine(self) -> tuple[str, int] | None:
        """Kind and id of the device or virtual machine that the address is assigned to."""
        for kind in _MACHINES:
            one = getattr(self.assigned_object, kind, None)
            if one is not None and one.id is not None:
                return kind, one.id
        return None

    @property
    def in_force(self) -> bool:
        """Whether NetBox says that one machine holds this address now, and not by a lease."""
        return bool(self.status and self.status.value == "active") and (
            self.role is None or self.role.value not in _SHARED_ROLES
        )


class _Machine(Row):
    id: int
    name: HostName
    role: _Named | None = None
    device_role: _Named | None = None
    tenant: _Named | None = None
    status: _Named | None = None
    tags: tuple[_Named, ...] = ()
    custom_fields: dict[str, Any] = {}

    @property
    def roles(self) -> tuple[str, ...]:
        """The role with the tags beside it; no role, no tags: a tag alone says nothing of what the machine is for."""
        role = self.role or self.device_role
        if role is None or not role.slug:
            return ()
        return (role.slug, *(tag.slug for tag in self.tags if tag.slug))


Machines = Mapping[tuple[str, int], _Machine]


class NetBox(HolderSource):
    """Host records by source address."""

    def __init__(self, name: str, settings: Settings, api: Transport, clocks: Clocks) -> None:
        super().__init__(name, settings, api, clocks)
        self._settings = settings

    def check(self) -> tuple[CheckResult, ...]:
        """Read one row of each kind; an empty answer is a failure, for a token without rights gets one."""
        budget = self._budget()
        results = []
        for subject, path in {"addresses": _ADDRESSES, **_MACHINES}.items():
            try:
                answer = self._get(path, [("limit", 1)], budget)
                rows, count = list_in(answer, "results", self.name), number_in(answer, "count", self.name)
            except ConnectorError as fault:
                results.append(CheckResult.failed(f"{self.name}: {subject}", fault))
                continue
            ok = bool(rows) or (subject == "virtual_machine" and not count)
            message = f"{count} can be read" if ok else "none can be read: may the token view them?"
            results.append(CheckResult(subject=f"{self.name}: {subject}", ok=ok, message=message))
        return tuple(results)

    def _read(self, addresses: Sequence[Address], budget: Budget) -> tuple[Holders, str]:
        raw = [
            row
            for part in batches(addresses, self._settings.batch)
            for row in self._pages(_ADDRESSES, [("address", str(one)) for one in part], budget)
        ]
        rows = read_rows(_IpAddress, raw, "addresses")
        machines: dict[tuple[str, int], _Machine] = {}
        notes = list(rows.notes)
        for kind, path in _MACHINES.items():
            ids = sorted({row.machine[1] for row in rows.entries if row.machine and row.machine[0] == kind})
            for part in batches(ids, self._settings.batch):
                read = read_rows(_Machine, self._pages(path, [("id", one) for one in part], budget), f"{kind}s")
                machines |= {(kind, one.id): one for one in read.entries}
                notes += read.notes
        by_address: dict[str, list[_IpAddress]] = {}
        for row in rows.entries:
            by_address.setdefault(row.address, []).append(row)
        records = {one: self._records(one, by_address.get(str(one), []), machines) for one in addresses}
        return records, "; ".join(notes)

    def _records(self, address: Address, rows: Sequence[_IpAddress], machines: Machines) -> tuple[HostRecord, ...]:
        records = tuple(
            self._record(address, row, machines[row.machine])
            for row in rows
            if row.machine is not None and row.machine in machines
        )
        return records if len(rows) == 1 else unproven(records)

    def _record(self, address: Address, row: _IpAddress, machine: _Machine) -> HostRecord:
        name = host_name(row.dns_name)
        active = row.in_force and machine.status is not None and machine.status.value == "active"
        return HostRecord(
            host_id=str(machine.custom_fields.get(self._settings.host_id_field) or ""),
            hostname=name if name and short_name(name) == short_name(machine.name) else machine.name,
            roles=machine.roles,
            owner=(machine.tenant.name if machine.tenant else None) or "",
            addresses=(str(address),),
            address_periods=self._settings.periods(address, row.last_updated, self._now()) if active else (),
        )

    def _pages(self, path: str, query: Sequence[tuple[str, Any]], budget: Budget) -> list[Any]:
        rows: list[Any] = []
        while True:
            answer = self._get(path, [*query, ("limit", _PAGE), ("offset", len(rows)), ("ordering", "id")], budget)
            page, total = list_in(answer, "results", self.name), number_in(answer, "count", self.name)
            rows += page
            if len(rows) >= total:
                return rows
            if not page:
                raise Incomplete(f"{self.name}: {len(rows)} of {total} rows arrived")

    def _get(self, path: str, query: Sequence[tuple[str, Any]], budget: Budget) -> dict[str, Any]:
        left = budget.spend()
        answer = self._api.get(f"{path}?{urlencode(query)}", deadline_s=left).expect(200).json()
        if not isinstance(answer, dict):
            raise BadAnswer(f"{self.name}: expected an object")
        return answer


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> NetBox:  # noqa: B008
    """The inventory called ``name``; tokens of both generations sign with their own word. ``site`` is unused."""
    scheme = "Bearer" if settings.token.get_secret_value().startswith("nbt_") else "Token"
    credential = Credential(variable_of(settings.token, "token"), settings.token, scheme=scheme)
    return NetBox(name, settings, transport_for(settings, name, folder, clocks, credential), clocks)
