"""What a Sumo Logic tenant would answer to our own queries, computed from given connection events."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network

from playbook.detections.languages.sumo import HOUR_MS, tuple_key
from tests.emulators import siem_busy, siem_users

_DROPPED = [ip_network(n) for n in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")]
_ICMP = {"icmp", "icmp6", "ipv6-icmp", "1", "58"}
_SINCE = re.compile(r'where !\(tuple_key = ("[^"]*") and start_ms < (\d+)\)')
Records = list[dict[str, str | float | int]]


@dataclass(frozen=True)
class Event:
    """One connection as a log has it; ``start`` in epoch seconds, bytes None when the log has no counter."""

    start: float
    src_ip: str
    dst_ip: str
    dst_port: int
    hostname: str = ""
    bytes_sent: int | None = None
    bytes_rcvd: int | None = None
    bytes_total: int | None = None
    process_name: str = ""
    proto: str = "tcp"
    service: str = ""
    conns: int = 1

    @property
    def total(self) -> int | None:
        """The bytes of both directions, None when they are unknown."""
        if self.bytes_total is not None:
            return self.bytes_total
        if self.bytes_sent is None or self.bytes_rcvd is None:
            return None
        return self.bytes_sent + self.bytes_rcvd

    @property
    def key(self) -> tuple[str, str, str, int]:
        """The group key of the detection."""
        return (self.hostname, self.src_ip, self.dst_ip, self.dst_port)


def answer(query: str, events: Iterable[Event], start_ms: int, end_ms: int) -> Records:
    """The records (or messages, for the probe) of one of our queries over the events of the window."""
    inside = [e for e in events if start_ms <= e.start * 1000 < end_ms]
    if query.endswith("| limit 1"):
        return [_message(e) for e in inside[:1]]
    if siem_busy.asked(query):
        return siem_busy.quarters(query, inside)
    if siem_users.asked(query):
        return siem_users.users(query, inside)
    if "row_count, min(_messageTime)" in query:
        return _hours(inside)
    counted = [e for e in inside if e.conns and _external(e.dst_ip) and e.proto.lower() not in _ICMP]
    if wanted := re.search(r"tuple_key in \((.*)\)", query):
        keys = set(json.loads(f"[{wanted.group(1)}]"))
        since = {json.loads(key): int(ms) for key, ms in _SINCE.findall(query)}
        asked = [(e, tuple_key(e.src_ip, e.dst_ip, e.dst_port)) for e in counted]
        step = re.search(r"floor\(start_ms / (\d+)\)(?: \* \d+)? as start_s", query)
        wanted_rows = [e for e, key in asked if key in keys and e.start * 1000 >= since.get(key, 0)]
        return _starts(wanted_rows, int(step.group(1)) // 1000 if step else 1)
    return _tuples(counted)


@cache
def _external(text: str) -> bool:
    address = ip_address(text)
    return not any(address.version == net.version and address in net for net in _DROPPED)


def _message(event: Event) -> dict[str, str | float | int]:
    row = {name: value for name, value in vars(event).items() if name not in ("start",) and value is not None}
    return row | {"_messagetime": str(int(event.start * 1000)), "_raw": "one row", "start_ms": int(event.start * 1000)}


def _grouped(events: Iterable[Event], key) -> dict:
    groups: dict = {}
    for event in events:
        groups.setdefault(key(event), []).append(event)
    return groups


def _hours(events: Sequence[Event]) -> Records:
    return [
        {
            "hour": hour,
            "row_count": len(rows),
            "oldest_ms": int(min(e.start for e in rows) * 1000),
            "newest_ms": int(max(e.start for e in rows) * 1000),
        }
        for hour, rows in _grouped(events, lambda e: int(e.start * 1000 // HOUR_MS)).items()
    ]


def _starts(events: Sequence[Event], step_s: int) -> Records:
    return [
        {
            "start_s": key[0],
            "hostname": key[1],
            "src_ip": key[2],
            "dst_ip": key[3],
            "dst_port": str(key[4]),
            "start_conns": sum(e.conns for e in rows),
            "row_count": len(rows),
            "sent_known": sum(e.bytes_sent is not None for e in rows),
            "start_sent": float(sum(e.bytes_sent or 0 for e in rows)),
        }
        for key, rows in _grouped(events, lambda e: (int(e.start) // step_s * step_s, *e.key)).items()
    ]


def _tuples(events: Sequence[Event]) -> Records:
    return [record for key, rows in _grouped(events, lambda e: e.key).items() if (record := _tuple(key, rows))]


def _tuple(key: tuple[str, str, str, int], rows: list[Event]) -> dict[str, str | float | int] | None:
    hours = {int(e.start * 1000 // HOUR_MS) for e in rows}
    connections = sum(e.conns for e in rows)
    if connections < 20 or len(hours) < 3:
        return None
    return {
        "hostname": key[0],
        "src_ip": key[1],
        "dst_ip": key[2],
        "dst_port": str(key[3]),
        "connections": float(connections),
        "hourly_buckets": float(len(hours)),
        "row_count": float(len(rows)),
        "sent_known": float(sum(e.bytes_sent is not None for e in rows)),
        "rcvd_known": float(sum(e.bytes_rcvd is not None for e in rows)),
        "total_known": float(sum(e.total is not None for e in rows)),
        "total_bytes_sent": float(sum(e.bytes_sent or 0 for e in rows)),
        "total_bytes_rcvd": float(sum(e.bytes_rcvd or 0 for e in rows)),
        "total_bytes": float(sum(e.total or 0 for e in rows)),
        "first_ms": int(min(e.start for e in rows) * 1000),
        "last_ms": int(max(e.start for e in rows) * 1000),
        "processes": "\n".join(dict.fromkeys(e.process_name for e in rows)),
        "protos": "\n".join(dict.fromkeys(e.proto for e in rows)),
        "services": "\n".join(dict.fromkeys(e.service for e in rows)),
    }
