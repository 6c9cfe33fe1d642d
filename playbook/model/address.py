"""What an address is: unwrapped from its transition form and classified by the IANA special-purpose registries."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# RFC 6890 and the IANA IPv4/IPv6 special-purpose address registries, plus multicast; the stdlib's is_global
# answers differently from one Python version to the next and calls 224.0.0.1 global.
_NOT_GLOBAL: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "this network (RFC 791)"),
    ("10.0.0.0/8", "private (RFC 1918)"),
    ("100.64.0.0/10", "shared address space (RFC 6598)"),
    ("127.0.0.0/8", "loopback (RFC 1122)"),
    ("169.254.0.0/16", "link-local (RFC 3927)"),
    ("172.16.0.0/12", "private (RFC 1918)"),
    ("192.0.0.0/24", "IETF protocol assignments (RFC 6890)"),
    ("192.0.2.0/24", "documentation (RFC 5737)"),
    ("192.31.196.0/24", "AS112 (RFC 7535)"),
    ("192.52.193.0/24", "AMT (RFC 7450)"),
    ("192.88.99.0/24", "deprecated 6to4 relay (RFC 7526)"),
    ("192.168.0.0/16", "private (RFC 1918)"),
    ("192.175.48.0/24", "AS112 (RFC 7534)"),
    ("198.18.0.0/15", "benchmarking (RFC 2544)"),
    ("198.51.100.0/24", "documentation (RFC 5737)"),
    ("203.0.113.0/24", "documentation (RFC 5737)"),
    ("224.0.0.0/4", "multicast (RFC 5771)"),
    ("240.0.0.0/4", "reserved or broadcast (RFC 1112)"),
    ("::/128", "unspecified (RFC 4291)"),
    ("::1/128", "loopback (RFC 4291)"),
    ("100::/64", "discard-only (RFC 6666)"),
    ("2001::/23", "IETF protocol assignments (RFC 2928)"),
    ("2001:db8::/32", "documentation (RFC 3849)"),
    ("2620:4f:8000::/48", "AS112 (RFC 7534)"),
    ("3fff::/20", "documentation (RFC 9637)"),
    ("5f00::/16", "segment routing (RFC 9602)"),
    ("fc00::/7", "unique local (RFC 4193)"),
    ("fe80::/10", "link-local (RFC 4291)"),
    ("fec0::/10", "deprecated site-local (RFC 3879)"),
    ("ff00::/8", "multicast (RFC 4291)"),
)
NOT_GLOBAL: tuple[tuple[Network, str], ...] = tuple((ip_network(cidr), why) for cidr, why in _NOT_GLOBAL)

# Global unicast IPv6 is 2000::/3 today (RFC 4291 2.4); everything else is not routed on the Internet.
_IPV6_GLOBAL = IPv6Network("2000::/3")

WELL_KNOWN_NAT64 = IPv6Network("64:ff9b::/96")
# RFC 6874; anything else would carry line ends and quotes to wherever the text of an address goes.
_ZONE = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_SIX_TO_FOUR = IPv6Network("2002::/16")


@lru_cache(maxsize=65536)
def parse(text: str) -> Address | None:
    """The address in ``text`` without zone (``fe80::1%eth0``), or None when it or its zone is none."""
    plain, sign, zone = text.strip().partition("%")
    if sign and not (":" in plain and _ZONE.fullmatch(zone)):
        return None
    try:
        return ip_address(plain)
    except ValueError:
        return None


def unwrap(address: Address, nat64: Iterable[IPv6Network] = ()) -> Address:
    """The IPv4 address inside a v4-mapped (RFC 4291), NAT64 (RFC 6052, /96 only) or 6to4 (RFC 3056) address.

    ``nat64`` adds an operator's own /96 prefixes to the well-known one. Any other address is returned as it is.
    """
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in WELL_KNOWN_NAT64 or any(address in prefix for prefix in nat64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return address


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether any of ``networks`` (either family) holds the address."""
    return any(address.version == network.version and address in network for network in networks)


@lru_cache(maxsize=65536)
def _why_not_global(address: Address) -> str | None:
    for network, why in NOT_GLOBAL:
        if address.version == network.version and address in network:
            return why
    if isinstance(address, IPv6Address) and address not in _IPV6_GLOBAL:
        return "outside IPv6 global unicast 2000::/3 (RFC 4291)"
    return None


def why_not_global(address: Address, lab: Iterable[Network] = (), nat64: Iterable[IPv6Network] = ()) -> str | None:
    """Why the unwrapped address is not globally routable unicast, or None when it is.

    ``lab`` names ranges that count as global in an exercise (documentation ranges in samples and tests).
    """
    inner = unwrap(address, nat64)
    if within(inner, lab):
        return None
    return _why_not_global(inner)
