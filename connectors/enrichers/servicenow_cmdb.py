"""ServiceNow's CMDB over the Table API: which configuration item holds an address, its owner, and its role if you say.

Nothing here has met a real instance: it stands on the public descriptions and an emulator. An instance ignores a
condition that it does not understand and returns every record, so each row is compared with what was asked. Times are
UTC without saying so. Discovery touches records all the time: only a record unchanged since before a detection began
proves who held the address, or a network that you name in ``static_networks``.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, StringConstraints

from connectors.enrichers._files.field_types import HostName, Moment, Name, Text
from connectors.enrichers._files.indexes import address_of, host_name, short_name
from connectors.enrichers._live.holders import Holders, HolderSource, Inventory, unproven
from connectors.enrichers._live.source import Budget, Row, batches, list_in, read_rows, transport_for, variable_of
from connectors.http import Clocks, Credential, Transport
from playbook.errors import BadAnswer, ConnectorError
from playbook.model.address import Address
from playbook.model.check import CheckResult
from playbook.model.enrichment import HostRecord
from playbook.model.site import Site

_PAGE = 200
_FIELD = r"^[a-z][a-z0-9_.]{0,79}$"
FieldName = Annotated[str, StringConstraints(pattern=_FIELD)]


class Settings(Inventory):
    """The instance, a user with the role cmdb_read and nothing else, and the names of the fields.

    With ``user`` the ``token`` is its password, without it a bearer token. ``role_field`` names the field that says
    what a machine is for; its words become roles as ``roles`` says ({ "Domain Controller" = "domain_controller" }),
    others give none. ``host_id_field`` holds the id by which your EDR knows the host.
    """

    user: str = ""
    token: SecretStr = Field(min_length=1)
    table: str = Field(default="cmdb_ci_computer", pattern=r"^[a-z][a-z0-9_]{0,79}$")
    address_field: str = Field(default="ip_address", pattern=_FIELD)
    owner_field: str = Field(default="owned_by", pattern=_FIELD)
    role_field: str = Field(default="", pattern=r"^([a-z][a-z0-9_.]{0,79})?$")
    roles: dict[Name, Name] = {}
    host_id_field: str = Field(default="", pattern=r"^([a-z][a-z0-9_.]{0,79})?$")
    in_force: dict[FieldName, tuple[Text, ...]] = {"install_status": ("1",)}

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are read."""
        named = (self.address_field, self.owner_field, self.role_field, self.host_id_field, *self.in_force)
        return tuple(dict.fromkeys(("sys_id", "name", "fqdn", "sys_updated_on", *filter(None, named))))


class _Cell(Row):
    value: Text = ""
    display_value: Text | None = ""


class _Item(Row):
    """One record: every field with its stored and its shown value."""

    cells: dict[str, _Cell]
    name: HostName
    changed: Moment


class ServiceNowCmdb(HolderSource):
    """Host records by source address."""

    def __init__(self, name: str, settings: Settings, api: Transport, clocks: Clocks) -> None:
        super().__init__(name, settings, api, clocks)
        self._settings = settings

    def check(self) -> tuple[CheckResult, ...]:
        """Read one record; a field that the user may not read, or that does not exist, is missing in it."""
        subject = f"{self.name}: {self._settings.table}"
        try:
            rows, _ = self._page("", 0, 1, self._budget())
        except ConnectorError as fault:
            return (CheckResult.failed(subject, fault),)
        present = set(rows[0]) if rows and isinstance(rows[0], dict) else set()
        missing = [name for name in self._settings.fields if name not in present]
        if not rows or missing:
            why = f"fields that cannot be read: {', '.join(missing)}" if rows else "no record can be read"
            return (CheckResult(subject=subject, ok=False, message=why[:300]),)
        return (CheckResult(subject=subject, ok=True, message="readable"),)

    def _read(self, addresses: Sequence[Address], budget: Budget) -> tuple[Holders, str]:
        by_address: dict[Address, list[HostRecord]] = {}
        notes: list[str] = []
        for part in batches(addresses, self._settings.batch):
            query = f"{self._settings.address_field}IN{','.join(map(str, part))}^ORDERBYsys_id"
            read = read_rows(_Item, [_item(row) for row in self._pages(query, budget)], "records", {"zone": UTC})
            notes += read.notes
            for item in read.entries:
                address = address_of(_cell(item, self._settings.address_field).value)
                if address is not None and address in part:  # else the condition was ignored
                    by_address.setdefault(address, []).append(self._record(address, item))
        return {
            address: tuple(records) if len(records) == 1 else unproven(records)
            for address, records in by_address.items()
        }, "; ".join(notes)

    def _record(self, address: Address, item: _Item) -> HostRecord:
        settings = self._settings
        known = {word.lower(): role for word, role in settings.roles.items()}
        said = _cell(item, settings.role_field)
        words = {said.value.lower(), (said.display_value or "").lower()} - {""}
        owner = _cell(item, settings.owner_field)
        full = host_name(_cell(item, "fqdn").value)
        active = all(_cell(item, name).value in values for name, values in settings.in_force.items())
        return HostRecord(
            host_id=_cell(item, settings.host_id_field).value,
            hostname=full if full and short_name(full) == short_name(item.name) else item.name,
            roles=tuple(sorted({known[word] for word in words if word in known})),
            owner=owner.display_value or owner.value,
            addresses=(str(address),),
            address_periods=settings.periods(address, item.changed, self._now()) if active else (),
        )

    def _pages(self, query: str, budget: Budget) -> list[Any]:
        """Every record of a query. A short page is no end: records that we may not read are cut out of it."""
        rows: list[Any] = []
        offset = 0
        while True:
            page, total = self._page(query, offset, _PAGE, budget)
            if len(page) > _PAGE:
                raise BadAnswer(f"{self.name}: a page of {len(page)} records; {_PAGE} were asked for")
            rows += page
            offset += _PAGE
            if offset >= total if total is not None else not page:
                return rows

    def _page(self, query: str, offset: int, size: int, budget: Budget) -> tuple[list[Any], int | None]:
        """The records, and how many there are in all where the instance says so."""
        params: Mapping[str, str | int] = {
            "sysparm_query": query,
            "sysparm_fields": ",".join(self._settings.fields),
            "sysparm_limit": size,
            "sysparm_offset": offset,
            "sysparm_display_value": "all",
            "sysparm_exclude_reference_link": "true",
        }
        left = budget.spend()
        reply = self._api.get(f"/api/now/table/{self._settings.table}", params=params, deadline_s=left).expect(200)
        total = reply.headers.get("x-total-count", "")
        return list_in(reply.json(), "result", self.name), int(total) if total.isdecimal() else None


def _cell(item: _Item, field: str) -> _Cell:
    return item.cells.get(field, _Cell())


def _item(row: Any) -> Any:
    """The record as a model takes it; what is no record stays as it is, and is refused."""
    if not isinstance(row, dict):
        return row
    cells = {name: cell if isinstance(cell, dict) else {"value": cell} for name, cell in row.items()}
    return {
        "cells": cells,
        "name": cells.get("name", {}).get("value"),
        "changed": cells.get("sys_updated_on", {}).get("value"),
    }


def connect(
    name: str,
    settings: Settings,
    site: Site,
    folder: Path,
    clocks: Clocks = Clocks(),  # noqa: B008
) -> ServiceNowCmdb:
    """The inventory called ``name``. ``site`` is unused."""
    credential = Credential(variable_of(settings.token, "token"), settings.token, user=settings.user)
    return ServiceNowCmdb(name, settings, transport_for(settings, name, folder, clocks, credential), clocks)
