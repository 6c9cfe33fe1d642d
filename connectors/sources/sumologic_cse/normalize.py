"""Normalized records of signals as connections in canonical form, each counted once however often it comes."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from connectors.http import printable
from connectors.sources._siem.coverage import Key
from connectors.sources.sumologic_cse.schemas import Signal
from playbook.detections.beaconing import ICMP_NAMES, Event
from playbook.model import address

MAX_EXAMPLES = 5
MAX_NAME = 1_000
_ABSENT = frozenset({"", "-", "null", "unknown"})
_MAX_DIGITS = 18
_TOO_MANY = 10**_MAX_DIGITS
# Below this a time is in seconds: as seconds it is the year 5138, as milliseconds March 1973.
_MILLISECONDS_FROM = 100_000_000_000
_LATEST_S = 253_402_300_799  # the end of year 9999, the last that Python can name
_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "47": "gre", "50": "esp", "58": "ipv6-icmp", "132": "sctp"}
_DENIED = re.compile(r"(drop|deny|denied|block|reject|reset)", re.IGNORECASE)
_BEGUN = frozenset({"begin", "start", "built"})
Record = Mapping[str, Any]
Flow = tuple[str, int | None, str, int, str]


class SignalConnections(NamedTuple):
    """Connections in the order of their start, the signals behind each tuple, and what was left aside and why.

    ``mixed`` are the signals that hold more: records that are no connection, could not be read or did not come along.
    """

    events: tuple[Event, ...]
    signals: Mapping[Key, tuple[str, ...]]
    mixed: frozenset[str]
    rows: int
    passed: int
    rejected: int
    examples: tuple[str, ...]


def connections(signals: Iterable[Signal], object_types: tuple[str, ...]) -> SignalConnections:
    """The connections in the records of these signals.

    ``rows`` counts distinct records, ``passed`` those that are no connection, ``rejected`` those that cannot be read.
    """
    signals = tuple(signals)
    distinct = _distinct(signals)
    events: list[tuple[Event, bool]] = []
    behind: dict[Key, dict[str, None]] = {}
    examples: list[str] = []
    mixed = {signal.id for signal in signals if signal.lacking}
    passed = rejected = 0
    for record, names in distinct:
        try:
            event = event_of(record, object_types)
        except ValueError as fault:
            rejected += 1
            mixed.update(names)
            if len(examples) < MAX_EXAMPLES:
                examples.append(f"signal {printable(names[0])[:60]}: {printable(str(fault))[:200]}")
            continue
        if event is None:
            passed += 1
            mixed.update(names)
            continue
        events.append((event, text(record, "flowState").lower() in _BEGUN))
        key = (event.hostname, event.src_ip, event.dst_ip, event.dst_port)
        behind.setdefault(key, {}).update(dict.fromkeys(names))
    tied = {key: tuple(names) for key, names in behind.items()}
    return SignalConnections(
        counted_once(events), tied, frozenset(mixed), len(distinct), passed, rejected, tuple(examples)
    )


def _distinct(signals: Iterable[Signal]) -> list[tuple[Record, list[str]]]:
    """Each record once with the ids of its signals: one record makes several rules fire.

    Records without a uid are told apart by their content; equal ones inside one signal are different connections.
    """
    found: dict[tuple[str, int], tuple[Record, list[str]]] = {}
    for signal in signals:
        alike: Counter[str] = Counter()
        own: set[tuple[str, int]] = set()
        for record in signal.allRecords:
            uid = text(record, "uid")
            content = uid or hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
            key = (content, 0 if uid else alike[content])
            alike[content] += 1
            if key not in own:
                found.setdefault(key, (record, []))[1].append(signal.id)
                own.add(key)
    return list(found.values())


def event_of(record: Record, object_types: tuple[str, ...]) -> Event | None:
    """One record as a connection, or None when it is none: another type, or without addresses or port.

    Raises ValueError naming the field that cannot be read. The source is srcDevice, never the device that logged.
    """
    kind = text(record, "objectType")
    src_ip, dst_ip = text(record, "srcDevice_ip"), text(record, "dstDevice_ip")
    port = whole(record, "dstPort")
    if (kind and kind not in object_types) or not src_ip or not dst_ip or port is None:
        return None
    for name, value in (("srcDevice_ip", src_ip), ("dstDevice_ip", dst_ip)):
        if address.parse(value) is None:
            raise ValueError(f"{name}: expected an address, got {value[:60]!r}")
    if port > 65535:
        raise ValueError(f"dstPort: expected 0 to 65535, got {port}")
    hostname = text(record, "srcDevice_hostname")
    if len(hostname) > MAX_NAME:
        raise ValueError(f"srcDevice_hostname: longer than {MAX_NAME} characters")
    sent, received = _bytes(record)
    proto = text(record, "ipProtocol").lower()
    proto = _PROTOCOLS.get(proto, proto)
    return Event(
        start=seconds(record, "timestamp"),
        src_ip=src_ip,
        dst_ip=dst_ip,
        dst_port=port,
        hostname=hostname,
        src_port=whole(record, "srcPort"),
        proto=proto,
        bytes_sent=sent,
        bytes_rcvd=received,
        bytes_total=None if sent is None or received is None else sent + received,
        orig_bytes=whole(record, "bro_flow_outIpBytes"),
        sent_packets=whole(record, "packetsOut"),
        rcvd_packets=whole(record, "packetsIn"),
        process_name=text(record, "baseImage")[:MAX_NAME],
        service=_service(record),
        denied=_DENIED.match(text(record, "action")) is not None,
        continues=_continues(record, proto),
    )


def counted_once(events: Iterable[tuple[Event, bool]]) -> tuple[Event, ...]:
    """Without ICMP, without the start row of a session that has a later row, without its further rows."""
    ordered = sorted(events, key=lambda pair: (pair[0].start, pair[0].continues))
    later = Counter(_flow(event) for event, begun in ordered if not begun)
    kept, seen = [], set()
    for event, begun in ordered:
        flow = _flow(event)
        ended = begun and event.src_port is not None and later[flow] > 0
        if event.proto not in ICMP_NAMES and not ended and not (event.continues and flow in seen):
            kept.append(event)
        later[flow] -= not begun
        seen.add(flow)
    return tuple(kept)


def text(record: Record, name: str) -> str:
    """The text of a field; absent, null and the words that stand for nothing are ""."""
    value = record.get(name)
    if value is None:
        return ""
    said = str(value).strip()
    return "" if said.lower() in _ABSENT else said


def whole(record: Record, name: str) -> int | None:
    """A count of at most 18 digits, as number or text; None when absent. Raises ValueError naming the field."""
    value = record.get(name)
    if type(value) is int and 0 <= value < _TOO_MANY:
        return value
    said = text(record, name)
    if not said:
        return None
    try:
        number = Decimal(said)
    except InvalidOperation:
        raise ValueError(f"{name}: expected a number, got {said[:40]!r}") from None
    if not number.is_finite() or number < 0 or number.adjusted() >= _MAX_DIGITS:
        raise ValueError(f"{name}: out of range: {said[:40]!r}")
    return int(number)


def seconds(record: Record, name: str) -> float:
    """A time in epoch seconds; records carry milliseconds in one field and seconds in the next, told by their size."""
    value = whole(record, name)
    if value is None:
        raise ValueError(f"{name}: expected epoch milliseconds, got nothing")
    when = value / 1000 if value >= _MILLISECONDS_FROM else float(value)
    if when > _LATEST_S:
        raise ValueError(f"{name}: out of range: {value}")
    return when


def _bytes(record: Record) -> tuple[int | None, int | None]:
    """Both IP counters if either is there, else both counters of the schema; an absent one is unknown, never 0."""
    pair = whole(record, "bro_flow_outIpBytes"), whole(record, "bro_flow_inIpBytes")
    if pair != (None, None):
        return pair[0] or 0, pair[1] or 0
    return whole(record, "bytesOut"), whole(record, "bytesIn")


def _service(record: Record) -> str:
    named = record.get("bro_flow_service")
    names = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    return (",".join(names) or text(record, "application")).lower()[:MAX_NAME]


def _continues(record: Record, proto: str) -> bool:
    history = text(record, "bro_flow_history")
    cut = proto == "tcp" and bool(history) and not {"S", "s"} & set(history)
    return cut or text(record, "flowState").lower() == "continue"


def _flow(event: Event) -> Flow:
    return (event.src_ip, event.src_port, event.dst_ip, event.dst_port, event.proto)
