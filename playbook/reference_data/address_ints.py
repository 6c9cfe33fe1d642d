"""Addresses as integers and back, fast: the standard parser costs more than the look-up it feeds."""

from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

_V4_MAPPED = 0xFFFF


def as_number(address: str | IPv4Address | IPv6Address) -> tuple[int, int]:
    """(4 or 6, the address as an integer); ::ffff:a.b.c.d counts as version 4, a %zone is ignored.

    ValueError when `address` is text that is no IP address.
    """
    if not isinstance(address, str):
        return (4, int(address)) if address.version == 4 else _unmapped(int(address))
    try:
        if ":" not in address:
            return 4, int.from_bytes(inet_pton(AF_INET, address), "big")
        return _unmapped(int.from_bytes(inet_pton(AF_INET6, address.partition("%")[0]), "big"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{address[:64]!r} is not an IP address") from error


def as_text(version: int, number: int) -> str:
    """The usual text of an address: dotted for version 4, compressed for version 6."""
    if version == 4:
        return inet_ntop(AF_INET, number.to_bytes(4, "big"))
    return str(IPv6Address(number))


def _unmapped(number: int) -> tuple[int, int]:
    return (4, number & 0xFFFFFFFF) if number >> 32 == _V4_MAPPED else (6, number)
