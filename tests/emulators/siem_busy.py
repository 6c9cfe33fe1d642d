"""What a SIEM would answer to our searches for busy quarters of an hour, computed from given connection events."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any

from playbook.detections.languages._external_addresses import BROWSERS_REFUSE
from playbook.model.address import parse, why_not_global
from tests.interpreters.telemetry import LAB

Rows = list[dict[str, Any]]
_SOURCES = re.compile(r'where (?:src_ip in |in\(src_ip, )\(?((?:"[^"]*"(?:, )?)+)\)')
_KEYS = re.compile(r'(?:tuple_key in |in\(tuple_key, )\(?((?:"[^"]*"(?:, )?)+)\)')


def asked(query: str) -> bool:
    """Whether the text asks for busy quarters."""
    return "refused_pairs" in query


def _listed(pattern: re.Pattern[str], query: str) -> set[str]:
    return set(json.loads(f"[{pattern.search(query).group(1)}]"))


def quarters(query: str, events: Iterable[Any]) -> Rows:
    """The rows, by source, quarter and place; ``events`` as the tests of either SIEM have them, all of the window."""
    sources, keys = _listed(_SOURCES, query), _listed(_KEYS, query)
    groups: dict[tuple[str, str, int, int], list[Any]] = defaultdict(list)
    for event in events:
        if event.src_ip in sources:
            groups[event.src_ip, event.dst_ip, event.dst_port, int(event.start // 900)].append(event)
    made: dict[tuple[str, int, str], list[int]] = defaultdict(lambda: [0] * 8)
    for (src, dst, port, quarter), own in groups.items():
        counts = _counts(dst, port, own)
        kept = f"{src} {dst} {port}" in keys or (counts[0] >= 100 and port not in (53, 123, 853))
        for place in ("*", f"{dst}/{port}") if kept else ("*",):
            made[src, quarter, place] = [a + b for a, b in zip(made[src, quarter, place], counts, strict=True)]
    names = ("connections", "pairs", "refused_pairs", "untold_pairs", "shut_pairs", "stated", "sure", "failed")
    return [
        {"src_ip": src, "quarter": quarter, "place": place, **dict(zip(names, counts, strict=True))}
        for (src, quarter, place), counts in made.items()
        if place != "*" or counts[1] >= 20
    ]


@cache
def _outside(text: str) -> bool:
    address = parse(text)
    return address is not None and why_not_global(address, LAB) is None


def _counts(dst: str, port: int, own: list[Any]) -> list[int]:
    total = sum(e.conns for e in own)
    denied = sum(e.conns for e in own if getattr(e, "denied", False))
    refused = sum(e.conns for e in own if getattr(e, "denied", False) or e.bytes_rcvd == 0)
    silent = all(e.bytes_rcvd is None and not getattr(e, "denied", False) for e in own)
    pair = _outside(dst)
    shut = pair and refused == total and port in BROWSERS_REFUSE
    return [total, pair, pair and refused == total, pair and silent, shut, denied, denied, denied]
