"""Vendors' own networks and names: which regular traffic is a product calling home, and how sure an address makes that.

Kept by hand in vendors.csv; a network there is all that the vendor announces or publishes, never an address from a log.
Only a row with `single_tenant` may explain traffic by itself, and a sinkhole hit (lists.py) beats any row:
antivirus vendors run sinkholes in their own networks. Backup rows are storage for many customers: they say whose
network it is, for a job that an administrator declared.
"""

from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Literal, cast, get_args

from playbook.reference_data.address_ints import as_number
from playbook.reference_data.csv_reader import Ports, port_ranges, read_table, required, words, yes_or_no
from playbook.reference_data.intervals import Coverage, Span, by_version

Purpose = Literal["push", "connectivity", "antivirus", "update", "telemetry", "backup", "storage", "messaging", "code"]
Needs = Literal["network", "network_and_name", "name"]


@dataclass(frozen=True, slots=True)
class VendorRow:
    """One service of a vendor.

    `needs` says what identifies it: the network alone (nobody else can answer there), the network and an answer of our
    own resolver for one of `domains`, or only the name (then the addresses are somebody else's and `single_tenant` is
    false). `domains` match themselves and everything below them. `ports` are inclusive pairs. `announced_by` are the AS
    numbers that `networks` were taken from.
    """

    vendor: str
    service: str
    purpose: Purpose
    needs: Needs
    single_tenant: bool
    networks: tuple[IPv4Network | IPv6Network, ...]
    announced_by: tuple[int, ...]
    domains: tuple[str, ...]
    ports: Ports
    source: str
    note: str

    def has_port(self, port: int) -> bool:
        """True when the service is known to use `port`."""
        return any(first <= port <= last for first, last in self.ports)

    def has_name(self, name: str) -> bool:
        """True when `name` is one of the domains or below one; case and a final dot do not matter."""
        plain = name.lower().rstrip(".")
        return any(plain == domain or plain.endswith(f".{domain}") for domain in self.domains)


def services_at(address: str | IPv4Address | IPv6Address) -> tuple[VendorRow, ...]:
    """The rows whose networks hold `address`, in the order of the file. ValueError when it is no address."""
    version, number = as_number(address)
    return _networks()[version].at(number)


def services_named(name: str) -> tuple[VendorRow, ...]:
    """The rows that know `name`. Who wrote the name decides what it is worth: an SNI is the host's own claim."""
    return tuple(row for row in every_service() if row.has_name(name))


@cache
def every_service() -> tuple[VendorRow, ...]:
    """All rows, in the order of the file."""
    return read_table("vendors.csv", _row)


def _row(cells: dict[str, str]) -> VendorRow:
    row = VendorRow(
        vendor=required(cells["vendor"], "vendor"),
        service=required(cells["service"], "service"),
        purpose=cast(Purpose, _one_of(cells["purpose"], get_args(Purpose))),
        needs=cast(Needs, _one_of(cells["needs"], get_args(Needs))),
        single_tenant=yes_or_no(cells["single_tenant"]),
        networks=tuple(ip_network(network) for network in words(cells["networks"])),
        announced_by=tuple(int(number) for number in words(cells["announced_by"])),
        domains=words(cells["domains"]),
        ports=port_ranges(cells["ports"]),
        source=required(cells["source"], "source"),
        note=cells["note"].strip(),
    )
    if row.needs == "name" and row.single_tenant:
        raise ValueError("a service known by name alone cannot be single-tenant")
    if (row.needs != "name" and not row.networks) or (row.needs != "network" and not row.domains):
        raise ValueError(f"needs {row.needs}, but has no such column filled")
    return row


def _one_of(cell: str, allowed: tuple[str, ...]) -> str:
    if cell not in allowed:
        raise ValueError(f"expected one of {', '.join(allowed)}, found {cell!r}")
    return cell


@cache
def _networks() -> dict[int, Coverage[VendorRow]]:
    return by_version(
        Span(network.version, int(network[0]), int(network[-1]), row)
        for row in every_service()
        for network in row.networks
    )
