"""Which directions of traffic the rules of our table drop by a set, read from nft's JSON.

Source: libnftables-json(5), statements and expressions; the form is that of nft 1.0.6.
"""

from typing import Any, Literal, NamedTuple

from connectors.containments.nftables.listing import Listing

Direction = Literal["to", "from"]
# The payload fields whose values are looked up in the set, by what they drop: traffic to the blocked side or from it.
_FIELDS: dict[tuple[str, ...], Direction] = {
    ("daddr",): "to",
    ("saddr",): "from",
    ("saddr", "daddr", "dport"): "to",
    ("daddr", "saddr", "sport"): "from",
}
_TRANSPORTS = frozenset({"tcp", "udp"})


class Dropped(NamedTuple):
    """What one rule drops by a set: a direction, and the transports where the set holds ports ("any" elsewhere)."""

    direction: Direction
    transport: str


def gaps(listing: Listing, set_name: str) -> tuple[str, ...]:
    """The traffic that no rule of a chain with a hook drops by the set, in words; empty when both directions are."""
    hooked = {item["chain"].get("name") for item in listing if "hook" in item.get("chain", {})}
    rules = [item["rule"] for item in listing if "rule" in item and item["rule"].get("chain") in hooked]
    dropped = {drop for rule in rules for drop in _dropped(rule.get("expr") or [], set_name)}
    transports = sorted(_TRANSPORTS) if set_name.startswith("pairs") else ["any"]
    directions: tuple[Direction, ...] = ("to", "from")
    return tuple(
        f"{'' if transport == 'any' else transport + ' '}{direction} what is in @{set_name}"
        for direction in directions
        for transport in transports
        if Dropped(direction, transport) not in dropped
    )


def _dropped(expressions: list[dict[str, Any]], set_name: str) -> frozenset[Dropped]:
    """A rule with any condition beside the set and the transport drops only some of the traffic: it does not count."""
    matches = [expression["match"] for expression in expressions if isinstance(expression.get("match"), dict)]
    by_set = [match for match in matches if match.get("right") == f"@{set_name}"]
    by_transport = [match for match in matches if match.get("left") == {"meta": {"key": "l4proto"}}]
    ends = any("drop" in expression or "reject" in expression for expression in expressions)
    whole = len(matches) == len(by_set) + len(by_transport) and all(match.get("op") == "==" for match in matches)
    if not ends or not whole or len(by_set) != 1:
        return frozenset()
    payloads = _payloads(by_set[0].get("left"))
    direction = _FIELDS.get(tuple(str(payload.get("field")) for payload in payloads))
    family = "ip6" if set_name.endswith("6") else "ip"
    if direction is None or any(p.get("protocol") != family for p in payloads if "addr" in str(p.get("field"))):
        return frozenset()
    return frozenset(Dropped(direction, transport) for transport in _transports(payloads, by_transport))


def _payloads(left: Any) -> list[dict[str, Any]]:
    parts = left.get("concat", [left]) if isinstance(left, dict) else []
    return [part["payload"] for part in parts if isinstance(part, dict) and isinstance(part.get("payload"), dict)]


def _transports(payloads: list[dict[str, Any]], by_transport: list[dict[str, Any]]) -> frozenset[str]:
    """The transports of a rule: those of its ports' protocol and of its condition on the transport, both."""
    ports = [str(payload.get("protocol")) for payload in payloads if "port" in str(payload.get("field"))]
    wanted = [_names(match.get("right")) for match in by_transport]
    if not ports:
        return frozenset() if wanted else frozenset({"any"})
    own = _TRANSPORTS if ports[0] == "th" else frozenset(ports) & _TRANSPORTS
    return own.intersection(*wanted)


def _names(right: Any) -> frozenset[str]:
    members = right.get("set") if isinstance(right, dict) else [right]
    return frozenset(member for member in members if isinstance(member, str)) if members else frozenset()
