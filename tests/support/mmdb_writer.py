"""Writes tiny MaxMind databases for tests, from the published format: IPv4 or IPv6 tree, 24-bit records."""

from ipaddress import IPv4Network, IPv6Network
from typing import Any

_UINT16, _UINT32 = 5, 6


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        raw = value.encode()
        return _control(2, len(raw)) + raw
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(_value(key) + _value(one) for key, one in value.items())
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(_value(one) for one in value)
    kind, number = value if isinstance(value, tuple) else (9 if value >= 2**32 else _UINT32, value)
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return _control(kind, len(raw)) + raw


def _control(kind: int, size: int) -> bytes:
    head, tail = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return (bytes([kind << 5 | head]) if kind <= 7 else bytes([head, kind - 7])) + tail


def mmdb(rows: dict[str, Any], version: int = 4, epoch: int = 1_772_000_000) -> bytes:
    """A database that holds each network's record; ``epoch`` is its build time in seconds."""
    bits = 32 if version == 4 else 128
    nodes: list[list[Any]] = [[None, None]]
    for text, record in rows.items():
        network = IPv4Network(text) if version == 4 else IPv6Network(text)
        number, at = int(network.network_address), 0
        for depth in range(network.prefixlen):
            side = number >> (bits - 1 - depth) & 1
            if depth == network.prefixlen - 1:
                nodes[at][side] = ("record", record)
            else:
                if nodes[at][side] is None:
                    nodes.append([None, None])
                    nodes[at][side] = len(nodes) - 1
                at = nodes[at][side]
    count, data, tree = len(nodes), b"", b""
    for node in nodes:
        for record in node:
            if isinstance(record, tuple):
                place = count + 16 + len(data)
                data += _value(record[1])
            else:
                place = count if record is None else record
            tree += place.to_bytes(3, "big")
    metadata = {
        "node_count": count,
        "record_size": (_UINT16, 24),
        "ip_version": (_UINT16, version),
        "database_type": "test-asn",
        "languages": ["en"],
        "binary_format_major_version": (_UINT16, 2),
        "binary_format_minor_version": (_UINT16, 0),
        "build_epoch": (9, epoch),
        "description": {"en": "test"},
    }
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _value(metadata)
