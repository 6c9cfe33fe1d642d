"""Addresses as integers and back, fast: the standard parser costs more than the look-up it feeds."""

import socket
from ipaddress import IPv4Address, IPv6Address

_V4_MAPPED = 0xFFFF


def as_number(address: str | IPv4Address | IPv6Address) -> tuple[int, int]:
    """(4 or 6, the address as an integer); ::ffff:a.b.c.d counts as version 4, a %zone is ignored. ValueError if it is none."""
    if isinstance(address, IPv4Address):
        return 4, int(address)
    if isinstance(address, IPv6Address):
        return _unmapped(int(address))
    try:
        if ":" in address:
            packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
            return _unmapped(int.from_bytes(packed, "big"))
        return 4, int.from_bytes(socket.inet_pton(socket.AF_INET, address), "big")
    except (OSError, ValueError) as error:
        raise ValueError(f"{address[:64]!r} is not an IP address") from error


def as_text(version: int, number: int) -> str:
    """The usual text of an address: dotted for version 4, compressed for version 6."""
    if version == 4:
        return socket.inet_ntop(socket.AF_INET, number.to_bytes(4, "big"))
    return str(IPv6Address(number))


def _unmapped(number: int) -> tuple[int, int]:
    return (4, number & 0xFFFFFFFF) if number >> 32 == _V4_MAPPED else (6, number)
