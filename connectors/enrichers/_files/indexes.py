"""Finds entries by host name, address, network or domain through dictionaries, so that look-ups do not scan."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Network, ip_network
from typing import Generic, TypeVar

from playbook.model.address import Address, Network, parse, unwrap

T = TypeVar("T")


def host_name(text: str) -> str:
    """Lower case, without spaces around it and without the final dot."""
    return text.strip().lower().rstrip(".")


def short_name(name: str) -> str:
    """The first label of a host name; an address has no short form and stays whole."""
    return name if _parsed(name) else name.partition(".")[0]


@lru_cache(maxsize=65_536)
def _parsed(text: str) -> Address | None:
    # Most names end in a letter; the standard parser takes long to refuse them.
    return parse(text) if ":" in text or text.rstrip()[-1:].isdigit() else None


class HostIndex(Generic[T]):
    """Entries by host name: a full name meets itself or a bare short one; two full names meet only if equal."""

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._exact: dict[str, list[T]] = {}
        self._by_short: dict[str, list[T]] = {}
        for text, entry in entries:
            name = host_name(text)
            self._exact.setdefault(name, []).append(entry)
            if short_name(name) != name:
                self._by_short.setdefault(short_name(name), []).append(entry)

    def find(self, text: str) -> tuple[T, ...]:
        """The entries that name this host, in file order of each form, without repeats."""
        name = host_name(text)
        found = list(self._exact.get(name, ()))
        short = short_name(name)
        found += self._exact.get(short, ()) if short != name else self._by_short.get(name, ())
        return tuple({id(entry): entry for entry in found}.values())


class PrefixIndex(Generic[T]):
    """Entries by network: one dictionary per prefix length, the longest prefix answers first."""

    def __init__(self, entries: Iterable[tuple[Network, T]]) -> None:
        self._tables: dict[tuple[int, int], dict[int, list[T]]] = {}
        for network, entry in entries:
            shift = network.max_prefixlen - network.prefixlen
            table = self._tables.setdefault((network.version, shift), {})
            table.setdefault(int(network.network_address) >> shift, []).append(entry)
        self._order = sorted(self._tables, key=lambda key: key[1])

    def find(self, address: Address) -> tuple[T, ...]:
        """The entries whose network holds the address, narrowest first."""
        number = int(address)
        found: list[T] = []
        for version, shift in self._order:
            if version == address.version:
                found += self._tables[version, shift].get(number >> shift, ())
        return tuple(found)


class DomainIndex(Generic[T]):
    """Entries by domain name: an exact name, or with a leading dot the name's sub-domains and the name itself."""

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._exact: dict[str, list[T]] = {}
        self._below: dict[str, list[T]] = {}
        for name, entry in entries:
            table = self._below if name.startswith(".") else self._exact
            table.setdefault(name.removeprefix("."), []).append(entry)

    def find(self, text: str) -> tuple[T, ...]:
        """The entries that cover this domain; matches end at label boundaries only."""
        name = host_name(text)
        found = list(self._exact.get(name, ()))
        while name and self._below:
            found += self._below.get(name, ())
            name = name.partition(".")[2]
        return tuple(found)


def address_of(text: str, nat64: Iterable[IPv6Network] = ()) -> Address | None:
    """The unwrapped address in ``text``, or None when it is no address."""
    address = _parsed(text)
    return None if address is None else unwrap(address, nat64)


def network_of(text: str, v4_bits: int = 0, v6_bits: int = 0) -> Network:
    """An address or CIDR as a network of at least so many prefix bits. Raises ValueError naming what was expected."""
    single = address_of(text)
    if single is not None:
        return ip_network(single)
    network = ip_network(text.strip())
    least = v4_bits if network.version == 4 else v6_bits
    if network.prefixlen < least:
        raise ValueError(f"{network} is too wide; expected /{least} or narrower")
    return network


def domain_of(text: str) -> str:
    """A domain name as DNS logs carry it (lower case, IDNA, no final dot), a leading dot kept. Raises ValueError."""
    name = host_name(text)
    dot, bare = ("." if name.startswith(".") else ""), name.removeprefix(".")
    if not bare.isascii():
        try:
            bare = bare.encode("idna").decode("ascii")
        except UnicodeError:
            raise ValueError("expected a domain name") from None
    labels = bare.split(".")
    letters = all(label and len(label) <= 63 and all(c.isalnum() or c in "-_" for c in label) for label in labels)
    if len(bare) > 253 or len(labels) < 2 or not letters or parse(bare):
        raise ValueError("expected a domain name")
    return dot + bare
