"""The block list as text: one address a line for firewalls, and a response policy zone for resolvers."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from playbook.errors import ConnectorError
from playbook.model.address import Address

_EXPIRE_S = 86400  # how long a resolver keeps the last zone when we cannot be asked


@dataclass(frozen=True)
class BlocklistFeed:
    """What a reader gets: the text, its strong entity tag (quotes included), and how many addresses it holds."""

    text: str
    etag: str
    count: int


def ordered(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """Each address once, IPv4 first, so that the same set is the same text."""
    return tuple(sorted(set(addresses), key=lambda a: (a.version, int(a))))


def capped(addresses: tuple[Address, ...], most: int) -> tuple[Address, ...]:
    """``addresses`` themselves; ConnectorError when there are more than a reader takes: never a part of them."""
    if len(addresses) > most:
        raise ConnectorError(f"the block list holds {len(addresses)} addresses, more than the cap of {most}")
    return addresses


def edl(addresses: Iterable[Address], most: int) -> str:
    """A plain external dynamic list: one address a line, nothing else; empty text when nothing is blocked."""
    return "".join(f"{address}\n" for address in capped(ordered(addresses), most))


def rpz(addresses: Iterable[Address], serial: int, refresh_s: int, most: int) -> str:
    """A response policy zone whose names are relative to the zone the resolver gives it; answers become NXDOMAIN.

    ``serial`` is cut to 32 bits; ``refresh_s`` is how often a resolver asks again.
    """
    names = [trigger(address) for address in capped(ordered(addresses), most)]
    head = (
        f"$TTL {refresh_s}\n"
        f"@ SOA localhost. nobody.localhost. {serial % 2**32} {refresh_s} {refresh_s} {_EXPIRE_S} {refresh_s}\n"
        "@ NS localhost.\n"
    )
    return head + "".join(f"{name} CNAME .\n" for name in names)


def trigger(address: Address) -> str:
    """The owner name that stands for answers with this address: its parts reversed, "zz" for "::"."""
    if address.version == 4:
        return ".".join(["32", *reversed(str(address).split(".")), "rpz-ip"])
    before, gap, after = str(address).partition("::")
    words = [*before.split(":"), *(["zz"] if gap else []), *after.split(":")]
    return ".".join(["128", *reversed([word for word in words if word]), "rpz-ip"])


def tagged(text: str, count: int) -> BlocklistFeed:
    """``text`` with its entity tag."""
    return BlocklistFeed(text, f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"', count)
