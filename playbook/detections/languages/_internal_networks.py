"""Our networks as regular expressions over the text of an address, for query languages that know no networks."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from playbook.model.address import Network

_HEXTET = 16
_NIBBLES = "0123456789abcdef"


def v4_networks(home: Iterable[Network]) -> tuple[IPv4Network, ...]:
    """The IPv4 networks, none inside another."""
    return tuple(collapse_addresses(network for network in home if isinstance(network, IPv4Network)))


def v4_patterns(home: Iterable[Network]) -> tuple[str, ...]:
    """Expressions without alternatives, one of which finds the dotted text of an address in one of the networks."""
    return tuple(pattern for network in v4_networks(home) for pattern in _v4(network))


def v6_patterns(home: Iterable[Network]) -> tuple[str, ...]:
    """Expressions that find every IPv6 text in one of the networks, and a few others: the text has many spellings."""
    return tuple(dict.fromkeys(_v6(network) for network in home if isinstance(network, IPv6Network)))


def _v4(network: IPv4Network) -> Iterator[str]:
    whole, bits = divmod(network.prefixlen, 8)
    octets = str(network.network_address).split(".")
    start = "^" + "".join(f"{octet}\\." for octet in octets[:whole])
    if whole == 4:
        yield start.removesuffix("\\.") + "$"
    elif bits == 0:
        yield f"{start}[0-9.]+$"
    else:
        first = int(octets[whole])
        rest = "$" if whole == 3 else "\\.[0-9.]+$"
        yield from (f"{start}{piece}{rest}" for piece in _between(first, first + 2 ** (8 - bits) - 1))


def _between(first: int, last: int) -> Iterator[str]:
    """Expressions for the numbers from ``first`` to ``last``, one for each ten of them."""
    for ten in range(first // 10, last // 10 + 1):
        low, high = max(first, ten * 10) % 10, min(last, ten * 10 + 9) % 10
        yield f"{ten or ''}[{low}-{high}]"


def _v6(network: IPv6Network) -> str:
    """The first 16 bits, where their text has one spelling but for its case; else any IPv6 text."""
    text = network.network_address.exploded[:4]
    if text[0] == "0" or network.prefixlen < 4:
        return ":"
    whole, bits = divmod(min(network.prefixlen, _HEXTET), 4)
    pattern = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in text[:whole])
    if bits:
        first = int(text[whole], 16)
        digits = _NIBBLES[first : first + 2 ** (4 - bits)]
        pattern += f"[{digits}{digits.upper() if digits.upper() != digits else ''}]"
    return f"^{pattern}" + (":" if whole == 4 else "")
