"""What a containment may be aimed at: the target of a step is parsed and judged again where it leaves for a device."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from playbook.errors import ConfigError
from playbook.model.address import Address, why_not_global, within
from playbook.model.response import Step, StepKind
from playbook.model.site import Networks

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True)
class Pair:
    """One source, one destination and one port (TCP and UDP); both addresses are of one family."""

    source: Address
    destination: Address
    port: int


def single(text: str) -> Address:
    """The one address that ``text`` is, an IPv4-mapped one as IPv4; ConfigError for anything else or anything more."""
    try:
        address = ip_address(text)
    except ValueError:
        raise ConfigError(f"target {text[:100]!r}: expected a single IP address") from None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise ConfigError(f"target {text[:100]!r}: expected an address without a zone")
        return address.ipv4_mapped or address
    return address


def pair(text: str) -> Pair:
    """The parts of ``src>dst:port``; ConfigError names what is wrong."""
    source, arrow, rest = text.partition(">")
    destination, colon, port = rest.rpartition(":")
    if not arrow or not colon or not _PORT.fullmatch(port) or not 1 <= int(port) <= 65535:
        raise ConfigError(f"target {text[:100]!r}: expected src>dst:port with a port from 1 to 65535")
    found = Pair(single(source), single(destination), int(port))
    if found.source.version != found.destination.version:
        raise ConfigError(f"target {text[:100]!r}: source and destination are of different families")
    return found


def address_of(step: Step, kinds: tuple[StepKind, ...], connector: str) -> Address:
    """The destination of an address block, parsed only: what was set can always be undone."""
    _offered(step, kinds, connector)
    return single(step.target)


def pair_of(step: Step, kinds: tuple[StepKind, ...], connector: str) -> Pair:
    """The pair of a pair block, parsed only."""
    _offered(step, kinds, connector)
    return pair(step.target)


def host_of(step: Step, kinds: tuple[StepKind, ...], connector: str, pattern: str) -> str:
    """The host id of an isolation when it has the product's form (``pattern``, a regular expression)."""
    _offered(step, kinds, connector)
    if not re.fullmatch(pattern, step.target, re.ASCII):
        raise ConfigError(f"{connector}: {step.target[:100]!r} is no host id of this product")
    return step.target


def may_be_blocked(destination: Address, networks: Networks) -> Address:
    """``destination`` itself; ConfigError unless it is global unicast and in no network that the site names.

    ``networks.lab`` only widens what counts as global, as in the gate.
    """
    outside = why_not_global(destination, networks.lab, networks.nat64)
    if outside is not None:
        raise ConfigError(f"{destination} is never blocked: not globally routable: {outside}")
    for name in Networks.model_fields:
        if name != "lab" and within(destination, getattr(networks, name)):
            raise ConfigError(f"{destination} is never blocked: networks.{name} names it")
    return destination


def may_be_source(source: Address) -> Address:
    """``source`` itself; ConfigError unless it is the address of one machine."""
    if source.is_multicast or source.is_unspecified or source.is_loopback or str(source) == "255.255.255.255":
        raise ConfigError(f"{source} is not the address of one machine")
    return source


def plain_key(key: str) -> str:
    """``key`` when it can stand in a comment, a tag or a query; else ConfigError."""
    if not _KEY.fullmatch(key):
        raise ConfigError(f"key {key[:100]!r}: expected up to 64 letters, digits, dots, dashes and underscores")
    return key


def _offered(step: Step, kinds: tuple[StepKind, ...], connector: str) -> None:
    if step.kind not in kinds:
        raise ConfigError(f"{connector}: does not offer {step.kind}")
