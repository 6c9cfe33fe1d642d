"""What a SIEM would answer to our searches for the users of a destination, computed from given connection events."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

Rows = list[dict[str, Any]]
_WANTED = re.compile(r'if\((?:dst_ip in |in\(dst_ip, )\(?((?:"[^"]*"(?:, )?)+)\)')
_PATTERN = re.compile(r'(?:src_ip matches /|match\(src_ip, ")(\^[^ /"]+|:)(?:/|"\))')
_NETWORK = re.compile(r'cidrmatch\("([^"]+)", src_ip\)')


def asked(query: str) -> bool:
    """Whether the text asks for users."""
    return "source6" in query


def users(query: str, events: Iterable[Any]) -> Rows:
    """The rows, by place and IPv6 source; ``events`` as the tests of either SIEM have them, all of the window."""
    wanted = set(json.loads(f"[{_WANTED.search(query).group(1)}]"))
    ours, known = _home(query), '| "" as proto\n' not in query
    seen: dict[tuple[str, str], list[tuple[bool, bool, bool, float]]] = defaultdict(list)
    for event in events:
        if not ours(event.src_ip):
            continue
        told = _told(event, event.proto if known else "")
        seen["*", event.src_ip].append(told)
        if event.dst_ip in wanted:
            seen[event.dst_ip, event.src_ip].append(told)
    groups: dict[tuple[str, str], list[list[tuple[bool, bool, bool, float]]]] = defaultdict(list)
    for (place, source), rows in seen.items():
        groups[place, source if ":" in source else ""].append(rows)
    return [
        {
            "place": place,
            "source6": source,
            "hosts": len(hosts),
            **{
                name: sum(any(row[at] for row in rows) for rows in hosts)
                for at, name in enumerate(("reached", "held", "untold"))
            },
            "first_ms": round(min(row[3] for rows in hosts for row in rows) * 1000),
        }
        for (place, source), hosts in groups.items()
    ]


def _home(query: str) -> Callable[[str], bool]:
    patterns = [re.compile(text) for text in _PATTERN.findall(query.replace("\\\\", "\\"))]
    networks = [ip_network(text) for text in _NETWORK.findall(query)]

    @cache
    def ours(text: str) -> bool:
        return any(one.search(text) for one in patterns) or any(
            ":" not in text and ip_address(text) in network for network in networks
        )

    return ours


def _told(event: Any, proto: str) -> tuple[bool, bool, bool, float]:
    """Reached, held and untold, and the time."""
    sizes = (event.bytes_sent, event.bytes_rcvd)
    both, one_way = all(sizes), 0 in sizes
    reached = not getattr(event, "denied", False) and event.bytes_rcvd != 0
    held = reached and both and proto.lower() in ("tcp", "6")
    return reached, held, reached and not one_way and (not both or not proto), event.start
