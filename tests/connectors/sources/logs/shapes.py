"""Inputs of the tests that read the same 24 connections in many writings, and what ``detect`` says of them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from json import dumps
from pathlib import Path
from typing import Any

from connectors.sources.logs import Settings, connect
from playbook.model.detection import Fetched
from playbook.model.site import Site

OURS, PEER, PORT, COUNT = "10.20.30.40", "45.60.1.1", 6667, 24
T0 = 1772438401
SITE = Site(now=datetime(2026, 3, 3, tzinfo=UTC))


def at(number: int) -> float:
    """When connection ``number`` begins: one every ten minutes, over four hours."""
    return T0 + 600 * number + 0.619


def iso(number: int, end: str = "Z") -> str:
    """The same as ISO 8601 with milliseconds and ``end``."""
    return f"{datetime.fromtimestamp(at(number), UTC):%Y-%m-%dT%H:%M:%S}.619{end}"


def rows(one: Callable[[int], Mapping[str, Any] | str]) -> str:
    """24 lines, objects as JSON."""
    return "".join(f"{row if isinstance(row, str) else dumps(row)}\n" for row in map(one, range(COUNT)))


def zeek(number: int) -> dict[str, Any]:
    """A row of Zeek's conn.log as JSON."""
    return {
        "ts": at(number),
        "uid": f"C{number}",
        "id.orig_h": OURS,
        "id.orig_p": 20000 + number,
        "id.resp_h": PEER,
        "id.resp_p": PORT,
        "proto": "tcp",
        "duration": 1.5,
        "orig_bytes": 120,
        "resp_bytes": 300,
        "conn_state": "SF",
        "history": "ShADadFf",
        "orig_pkts": 6,
        "orig_ip_bytes": 360,
        "resp_pkts": 5,
        "resp_ip_bytes": 500,
    }


def fetched(folder: Path, name: str, content: str | bytes, **settings: Any) -> Fetched:
    """What a source over one file with this content says."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return fetched_from((path,), **settings)


def fetched_from(paths: Sequence[Path], **settings: Any) -> Fetched:
    """What a source over these files says."""
    source = connect("logs", Settings(paths=tuple(paths), **settings), SITE)
    try:
        (one,) = source.fetch(None)
    finally:
        source.close()
    return one


def counted(one: Fetched) -> list[tuple[str, str, int, int]]:
    """Source, destination, port and connections of each detection."""
    return [(row.src_ip, row.dst_ip, row.dst_port, row.connections) for row in one.detections]


ALL = [(OURS, PEER, PORT, COUNT)]
