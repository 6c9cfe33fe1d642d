"""What a Splunk server would answer to our own searches, computed from given connection events and notables."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

from playbook.detections.beaconing import Event
from playbook.detections.languages.splunk import tuple_key
from tests.emulators import siem_busy, siem_users

_DROPPED = [ip_network(n) for n in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")]
_ICMP = {"icmp", "icmp6", "icmpv6", "ipv6-icmp", "1", "58"}
_WANTED = re.compile(r'coalesce\(\w+, ""\)=("(?:[^"\\]|\\.)*")')
_SINCE = re.compile(r'where NOT \(tuple_key=("[^"]*") AND slot_first<(\d+)\)')
Rows = list[dict[str, Any]]


def answer(query: str, events: Iterable[Event], start: float, end: float) -> Rows:
    """The rows of one of our searches over the events of the window [start, end)."""
    inside = [e for e in events if start <= e.start < end]
    if siem_busy.asked(query):
        return siem_busy.quarters(query, inside)
    if siem_users.asked(query):
        return [row | {"source6": row["source6"] or "v4"} for row in siem_users.users(query, inside)]
    if "table hour row_count" in query:
        return _hours(inside)
    counted = [e for e in inside if e.conns and _external(e.dst_ip) and e.proto.lower() not in _ICMP]
    if query.endswith("| head 1"):
        return [_probed(e) for e in counted[:1]]
    if wanted := re.search(r"in\(tuple_key, (.*)\)", query):
        keys = set(json.loads(f"[{wanted.group(1)}]"))
        since = {json.loads(key): int(second) for key, second in _SINCE.findall(query)}
        asked = [(e, tuple_key(e.src_ip, e.dst_ip, e.dst_port)) for e in counted if not e.denied]
        step = re.search(r"floor\(slot_first/(\d+)\)\*", query)
        wanted_rows = [e for e, key in asked if key in keys and e.start >= since.get(key, 0)]
        return _starts(wanted_rows, int(step.group(1)) if step else 1)
    return [row for rows in _grouped(counted, _key).values() if (row := _tuple(rows))]


def total(event: Event) -> int | None:
    """The bytes of both directions, None when they are unknown."""
    if event.bytes_total is not None or event.bytes_sent is None or event.bytes_rcvd is None:
        return event.bytes_total
    return event.bytes_sent + event.bytes_rcvd


@cache
def _external(text: str) -> bool:
    address = ip_address(text)
    return not any(address.version == net.version and address in net for net in _DROPPED)


def _key(event: Event) -> tuple[str, str, str, int]:
    return (event.hostname or "unknown", event.src_ip, event.dst_ip, event.dst_port)


def _named(key: tuple[str, str, str, int]) -> dict[str, Any]:
    return dict(zip(("hostname", "src_ip", "dst_ip", "dst_port"), key, strict=True))


def _probed(e: Event) -> dict[str, Any]:
    return _named(_key(e)) | {
        "proto": e.proto,
        "process_name": e.process_name or None,
        "slot_total_known": int(total(e) is not None),
    }


def _grouped(events: Iterable[Event], key: Callable[[Event], Any]) -> dict[Any, list[Event]]:
    groups: dict[Any, list[Event]] = {}
    for event in events:
        groups.setdefault(key(event), []).append(event)
    return groups


def _hours(events: Sequence[Event]) -> Rows:
    return [
        {
            "hour": hour,
            "row_count": len(rows),
            "oldest_ms": int(min(e.start for e in rows) * 1000),
            "newest_ms": int(max(e.start for e in rows) * 1000),
        }
        for hour, rows in _grouped(events, lambda e: int(e.start // 3600)).items()
    ]


def _starts(events: Sequence[Event], step_s: int) -> Rows:
    return [
        {
            "start_s": key[0],
            **_named(key[1:]),
            "start_conns": sum(e.conns for e in rows),
            "row_count": len(rows),
            "sent_known": sum(e.bytes_sent is not None for e in rows),
            "start_sent": sum(e.bytes_sent or 0 for e in rows),
        }
        for key, rows in _grouped(events, lambda e: (int(e.start) // step_s * step_s, *_key(e))).items()
    ]


def _tuple(rows: list[Event]) -> dict[str, Any] | None:
    passed, denied = [e for e in rows if not e.denied], [e for e in rows if e.denied]
    hours, denied_hours = ({int(e.start // 3600) for e in some} for some in (passed, denied))
    connections, attempts = (sum(e.conns for e in some) for some in (passed, denied))
    if not (connections >= 20 and len(hours) >= 3) and not (attempts >= 20 and len(denied_hours) >= 3):
        return None
    seen = [e.start for e in passed or denied]
    return {
        **_named(_key(rows[0])),
        "connections": connections,
        "hourly_buckets": len(hours),
        "row_count": len(passed),
        "sent_known": sum(e.bytes_sent is not None for e in passed),
        "rcvd_known": sum(e.bytes_rcvd is not None for e in passed),
        "total_known": sum(total(e) is not None for e in passed),
        "total_bytes_sent": sum(e.bytes_sent or 0 for e in passed),
        "total_bytes_rcvd": sum(e.bytes_rcvd or 0 for e in passed),
        "total_bytes": sum(total(e) or 0 for e in passed),
        "first_ms": round(min(seen) * 1000),
        "last_ms": round(max(seen) * 1000),
        "denied": attempts,
        "denied_hours": len(denied_hours),
        "processes": sorted({e.process_name for e in rows if e.process_name}),
        "protos": sorted({e.proto for e in rows if e.proto}),
        "services": sorted({e.service for e in rows if e.service}),
    }


def sent(row: dict[str, Any]) -> dict[str, Any]:
    """A row as splunkd sends it: text, several values as a list, one as text, none as null or not at all."""
    made: dict[str, Any] = {}
    for number, (name, value) in enumerate(row.items()):
        values = [str(v) for v in value] if isinstance(value, list) else ([] if value is None else [str(value)])
        if len(values) > 1:
            made[name] = values
        elif values:
            made[name] = values[0]
        elif number % 2:
            made[name] = None
    return made


def notables(query: str, stored: Sequence[dict[str, Any]], start: float, end: float) -> Rows:
    """The notables that one of our searches asks for, newest first, with the columns of its table."""
    wanted = {json.loads(text) for text in _WANTED.findall(query)}
    by_id = "coalesce(event_id" in query
    columns = query.rpartition("| table ")[2].split()
    found = [
        row
        for row in stored
        if start <= row["finding_s"] < end
        and wanted & ({row["event_id"]} if by_id else {row.get(n) for n in ("rule_name", "search_name", "source")})
    ]
    ordered = sorted(found, key=lambda row: -row["finding_s"])
    return [
        {name: row[name][-1] if name == "comment" else row[name] for name in columns if row.get(name)}
        for row in ordered
    ]
