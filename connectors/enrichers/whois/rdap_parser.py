"""An RDAP body as a checked network range and its holder; ipwhois is the parser and never touches the wire."""

from collections.abc import Mapping
from ipaddress import IPv4Address, ip_address, summarize_address_range
from typing import Any, NoReturn

from ipwhois.exceptions import BaseIpwhoisException, HTTPLookupError
from ipwhois.net import Net
from ipwhois.rdap import RDAP
from pydantic import AwareDatetime, model_validator

from connectors.http import printable
from playbook.errors import BadAnswer, RateLimited
from playbook.model import Value
from playbook.model.address import Address, Network

# A registry that answers with a wider network says only that it does not hold the address (AFRINIC's 0.0.0.0/0).
_WIDEST = {4: 8, 6: 16}
_TEXT = 200
# One in twelve bodies with a single wrong field makes ipwhois 1.3 raise one of the built-in errors.
_PARSER_FAULTS = (
    BaseIpwhoisException,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class Holder(Value):
    """Who holds the addresses from ``first`` to ``last``, said by ``registry`` at ``fetched`` about ``asked``.

    ``known`` False: the registry knows nothing of this one address.
    """

    asked: Address
    first: Address
    last: Address
    organisation: str = ""
    country: str = ""
    registry: str
    fetched: AwareDatetime
    known: bool = True

    @model_validator(mode="after")
    def _sane(self) -> "Holder":
        fault = _range_fault(self.first, self.last)
        if fault or not self.covers(self.asked):
            raise ValueError(fault or "the range does not hold the address that was asked about")
        return self

    def covers(self, address: Address) -> bool:
        """Whether the range holds the address."""
        return address.version == self.first.version and int(self.first) <= int(address) <= int(self.last)

    def networks(self) -> tuple[Network, ...]:
        """The range as CIDR blocks."""
        return tuple(summarize_address_range(self.first, self.last))

    def text(self) -> str:
        """The range as one CIDR block, or as first-last."""
        blocks = self.networks()
        return str(blocks[0]) if len(blocks) == 1 else f"{self.first}-{self.last}"


class _Offline(Net):  # type: ignore[misc]  # ipwhois ships no types
    """What RDAP() needs of a Net. The real constructor reads /etc/resolv.conf and refuses by the Python version."""

    def __init__(self, address: Address) -> None:
        self.address_str = str(address)

    def get_http_json(self, *_: Any, **__: Any) -> NoReturn:
        raise HTTPLookupError("the parser must not use the network")


def holder_of(body: Any, address: Address, registry: str, fetched: AwareDatetime) -> Holder:
    """The network that a registry's answer about ``address`` describes.

    Raises BadAnswer when the body is no network object, does not cover the address, is absurdly wide, or breaks the
    parser; RateLimited when a notice in the body says so.
    """
    if not isinstance(body, Mapping) or "startAddress" not in body:
        _refuse(body, registry)
    if str(body.get("objectClassName", "ip network")) != "ip network":
        raise BadAnswer(f"{registry}: expected a network object, got {_clean(body.get('objectClassName'))!r}")
    first, last = _address(body.get("startAddress")), _address(body.get("endAddress"))
    fault = "no start or end address" if first is None or last is None else _range_fault(first, last)
    if fault or first is None or last is None:
        raise BadAnswer(f"{registry}: the answer about {address} has {fault}")
    if first.version != address.version or not first <= address <= last:  # type: ignore[operator]
        raise BadAnswer(f"{registry}: asked about {address}, answered about {first}-{last}")
    # ipwhois takes no network without a handle; the range is what tells it apart.
    whole = dict(body) | {"handle": _clean(body.get("handle")) or f"{first} - {last}"}
    try:
        parsed = RDAP(_Offline(address)).lookup(
            asn_data={"asn_registry": "arin"}, response=whole, depth=0, root_ent_check=False
        )
        organisation = _registrant(parsed["objects"].values()) or _clean(parsed["network"].get("name"))
    except _PARSER_FAULTS as broken:
        raise BadAnswer(f"{registry}: the answer about {address} is malformed ({type(broken).__name__})") from None
    country = _clean(parsed["network"].get("country")).upper()
    return Holder(
        asked=address,
        first=first,
        last=last,
        registry=registry,
        fetched=fetched,
        organisation=organisation,
        country=country if len(country) == 2 and country.isascii() and country.isalpha() else "",
    )


def _refuse(body: Any, registry: str) -> NoReturn:
    notices = body.get("notices") if isinstance(body, Mapping) else None
    titles = [note.get("title") for note in notices if isinstance(note, Mapping)] if isinstance(notices, list) else []
    if "Rate Limit Notice" in titles:
        raise RateLimited(f"{registry}: limits our rate (a notice in the answer)")
    raise BadAnswer(f"{registry}: expected an RDAP network object")


def _address(text: Any) -> Address | None:
    """An address as registries write them: old RIPE bodies carry "/32" behind it, old ARIN ones zeros in front."""
    if not isinstance(text, str) or len(text) > 64:
        return None
    plain = text.strip().partition("/")[0]
    if plain.count(".") == 3 and ":" not in plain:
        plain = ".".join(part.lstrip("0") or "0" for part in plain.split("."))
    try:
        return ip_address(plain)
    except ValueError:
        return None


def _range_fault(first: Address, last: Address) -> str:
    if first.version != last.version or int(first) > int(last):
        return f"an impossible range {first}-{last}"
    bits = 32 if isinstance(first, IPv4Address) else 128
    if int(last) - int(first) >= 1 << (bits - _WIDEST[first.version]):
        return f"a range too wide to mean anything: {first}-{last}"
    return ""


def _registrant(entities: Any) -> str:
    """The name of the registrant, of an organisation before a person."""
    names = []
    for entity in entities:
        contact, roles = entity.get("contact"), entity.get("roles")
        if contact and isinstance(roles, list) and "registrant" in roles and _clean(contact.get("name")):
            names.append((contact.get("kind") == "individual", _clean(contact["name"])))
    return min(names, key=lambda pair: pair[0])[1] if names else ""


def _clean(text: Any) -> str:
    return " ".join(printable(text[: 4 * _TEXT]).split())[:_TEXT] if isinstance(text, str) else ""
