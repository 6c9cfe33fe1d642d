"""Which registry answers for an address: IANA's RDAP bootstrap (RFC 9224), shipped dated or read from a folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from connectors.http import checked_url
from playbook.errors import ConfigError
from playbook.model.address import Address, Network

# IANA's ipv4.json of 2019-06-07 and ipv6.json of 2019-11-06, as data.iana.org publishes them. Space that moved since
# is answered with a redirect by its former registry; the setting ``bootstrap`` takes newer files.
AS_OF = "2019-11-06"
_V4 = {
    "afrinic": "41 102 105 154 196-197",
    "apnic": "1 14 27 36 39 42-43 49 58-61 101 103 106 110-126 133 150 153 163 171 175 180 182-183 202-203 210-211 "
    "218-223",
    "arin": "3-4 6-9 11-13 15-24 26 28-30 32-35 38 40 44-45 47-48 50 52 54-56 63-76 96-100 104 107-108 128-132 134-140 "
    "142-144 146-149 152 155-162 164-170 172-174 184 192 198-199 204-209 214-216",
    "ripe": "2 5 25 31 37 46 51 53 57 62 77-95 109 141 145 151 176 178 185 188 193-195 212-213 217",
    "lacnic": "177 179 181 186-187 189-191 200-201",
}
_V6 = {
    "afrinic": "2001:4200::/23 2c00::/12",
    "apnic": "2001:200::/23 2001:4400::/23 2001:8000::/19 2001:a000::/20 2001:b000::/20 2001:c00::/23 2001:e00::/23 "
    "2400::/12",
    "arin": "2001:1800::/23 2001:400::/23 2001:4800::/23 2600::/12 2610::/23 2620::/23 2630::/12",
    "ripe": "2001:1400::/22 2001:1a00::/23 2001:1c00::/22 2001:2000::/19 2001:4000::/23 2001:4600::/23 2001:4a00::/23 "
    "2001:4c00::/23 2001:5000::/20 2001:600::/23 2001:800::/22 2003::/18 2a00::/12 2a10::/12",
    "lacnic": "2001:1200::/23 2800::/12",
}
_BASES = {
    "afrinic": "https://rdap.afrinic.net/rdap/",
    "apnic": "https://rdap.apnic.net/",
    "arin": "https://rdap.arin.net/registry/",
    "ripe": "https://rdap.db.ripe.net/",
    "lacnic": "https://rdap.lacnic.net/rdap/",
}
# LACNIC once allowed ten queries a minute and banned who asked more (ipwhois issues 99 and 104).
_PACE_S = {"rdap.lacnic.net": 6.0}
_MAX_FILE = 1024 * 1024


@dataclass(frozen=True, eq=False)
class Registry:
    """One RDAP server: ``base`` ends in "/"; ``pace_s`` are the seconds between calls that it is known to want."""

    name: str
    base: str
    networks: tuple[Network, ...]
    pace_s: float = 0.0

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return origin_of(self.base)


def origin_of(url: str) -> str:
    """Scheme, host and port in one spelling; "" for what is no URL."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port in (None, 443) else f":{parts.port}"
    except ValueError:
        return ""
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


class Registries:
    """The registries, found by the longest prefix that holds an address."""

    def __init__(self, registries: Sequence[Registry]) -> None:
        self.all = tuple(registries)
        self._tables: dict[tuple[int, int], dict[int, Registry]] = {}
        for registry in registries:
            for network in registry.networks:
                table = self._tables.setdefault((network.version, network.prefixlen), {})
                table[int(network.network_address) >> (network.max_prefixlen - network.prefixlen)] = registry
        self._lengths = sorted(self._tables, reverse=True)

    def serving(self, address: Address) -> Registry | None:
        """The registry to ask about the address, or None when the bootstrap names none."""
        for version, length in self._lengths:
            if version == address.version:
                found = self._tables[version, length].get(int(address) >> (address.max_prefixlen - length))
                if found:
                    return found
        return None


def shipped() -> tuple[Registry, ...]:
    """The five regional registries as of ``AS_OF``."""
    found = []
    for name, base in _BASES.items():
        v4 = [ip_network(f"{first}.0.0.0/8") for run in _V4[name].split() for first in _octets(run)]
        networks = (*v4, *map(ip_network, _V6[name].split()))
        found.append(Registry(name, base, networks, _PACE_S.get(urlsplit(base).hostname or "", 0.0)))
    return tuple(found)


def from_folder(folder: Path) -> tuple[Registry, ...]:
    """The registries of IANA's ``ipv4.json`` and ``ipv6.json`` in ``folder``; ConfigError names the file and the fault.

    Of several URLs of a service the first https one is taken (http only to a loopback address).
    """
    networks: dict[str, list[Network]] = {}
    for file in (folder / "ipv4.json", folder / "ipv6.json"):
        try:
            text = file.read_bytes()[:_MAX_FILE]
            for prefixes, urls in json.loads(text)["services"]:
                networks.setdefault(_usable(urls, file), []).extend(ip_network(prefix) for prefix in prefixes)
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as fault:
            raise ConfigError(f"{file}: expected an RDAP bootstrap file of RFC 9224: {fault}") from None
    hosts = {base: urlsplit(base).hostname or "" for base in networks}
    return tuple(
        Registry(hosts[base], base, tuple(held), _PACE_S.get(hosts[base], 0.0)) for base, held in networks.items()
    )


def _octets(run: str) -> range:
    first, _, last = run.partition("-")
    return range(int(first), int(last or first) + 1)


def _usable(urls: Sequence[str], file: Path) -> str:
    for url in sorted(urls, reverse=True):
        try:
            return checked_url(url, str(file)).rstrip("/") + "/"
        except ConfigError:
            continue
    raise ValueError(f"no https URL among {list(urls)[:3]}")
