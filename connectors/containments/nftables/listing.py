"""What nft's JSON says of our table: sets, elements and rules, read without trusting their form."""

import json
from dataclasses import dataclass
from typing import Any

from connectors.containments._targets import single
from playbook.errors import BadAnswer, ConfigError
from playbook.model.address import Address

Listing = tuple[dict[str, Any], ...]
# An element as addresses and, in a set of pairs, a port.
Element = tuple[Address | int, ...]


@dataclass(frozen=True)
class Held:
    """An element that is there: whose it is, the whole seconds it has left, and the device's own words."""

    comment: str
    left_s: int
    said: str


def parsed(text: str) -> Listing:
    """The objects of an answer; BadAnswer when it is not nft's JSON."""
    try:
        items = json.loads(text)["nftables"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadAnswer(f"nft did not answer in its JSON form: {text[:100]!r}") from None
    if not isinstance(items, list):
        raise BadAnswer("nft did not answer with a list of objects")
    return tuple(item for item in items if isinstance(item, dict))


def set_of(listing: Listing, name: str) -> dict[str, Any] | None:
    """The set called ``name``, or None."""
    found = (item["set"] for item in listing if isinstance(item.get("set"), dict))
    return next((one for one in found if one.get("name") == name), None)


def usable(listing: Listing, name: str) -> bool:
    """Whether the set holds single elements that end by themselves and are counted."""
    found = set_of(listing, name) or {}
    flags = found.get("flags") or ()
    return "timeout" in flags and "interval" not in flags and {"counter": None} in (found.get("stmt") or ())


def held(listing: Listing, set_name: str, value: Element) -> Held | None:
    """The element ``value`` of a set, or None."""
    for item in (set_of(listing, set_name) or {}).get("elem") or ():
        element = item.get("elem", item) if isinstance(item, dict) else {"val": item}
        if _value(element.get("val", element)) == value:
            left = element.get("expires", element.get("timeout"))
            seconds = left if isinstance(left, int) else 0
            return Held(str(element.get("comment", "")), seconds, json.dumps(element))
    return None


def _value(raw: Any) -> Element:
    """An element as addresses and a port; () for what is no single element of ours (a prefix, a range)."""
    parts = raw.get("concat", ()) if isinstance(raw, dict) else (raw,)
    try:
        return tuple(part if isinstance(part, int) else single(part) for part in parts)
    except (ConfigError, AttributeError, TypeError):
        return ()
