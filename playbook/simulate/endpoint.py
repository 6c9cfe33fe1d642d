"""What an endpoint sensor would have recorded, and its text: Sysmon events 1, 3 and 22 as JSON lines (NXLog's form)."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from playbook.model import Value


class Process(Value):
    """One process: its computer, its identity there, and what its start tells."""

    host: str
    guid: str
    image: str
    command_line: str
    sha256: str
    started: float


class Opened(Value):
    """One connection that a process opened (event 3); ``ts`` is epoch seconds."""

    ts: float
    process: Process
    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int


class LookUp(Value):
    """One name that a process asked for (event 22); no addresses: there is no such name (status 9003)."""

    ts: float
    process: Process
    query: str
    addresses: tuple[str, ...] = ()


class Endpoint(Value):
    """What one or many computers recorded, in no promised order."""

    processes: tuple[Process, ...] = ()
    opened: tuple[Opened, ...] = ()
    look_ups: tuple[LookUp, ...] = ()


def gathered(parts: Iterable[Endpoint]) -> Endpoint:
    """All parts as one."""
    kept = tuple(parts)
    return Endpoint(
        processes=tuple(p for part in kept for p in part.processes),
        opened=tuple(o for part in kept for o in part.opened),
        look_ups=tuple(x for part in kept for x in part.look_ups),
    )


def sysmon(endpoint: Endpoint) -> str:
    """The events as JSON lines in order of time."""
    events = [*map(_start, endpoint.processes), *map(_connection, endpoint.opened), *map(_question, endpoint.look_ups)]
    return "".join(f"{json.dumps(event)}\n" for event in sorted(events, key=lambda event: str(event["UtcTime"])))


def _event(number: int, ts: float, process: Process, **fields: Any) -> dict[str, Any]:
    return {
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "EventID": number,
        "Hostname": process.host,
        "UtcTime": f"{datetime.fromtimestamp(ts, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3],
        "ProcessGuid": process.guid,
        "Image": process.image,
        **fields,
    }


def _start(process: Process) -> dict[str, Any]:
    return _event(
        1, process.started, process, CommandLine=process.command_line, Hashes=f"SHA256={process.sha256.upper()}"
    )


def _connection(opened: Opened) -> dict[str, Any]:
    return _event(
        3,
        opened.ts,
        opened.process,
        Protocol="tcp",
        Initiated="true",
        SourceIp=opened.src_ip,
        SourcePort=str(opened.src_port),
        DestinationIp=opened.dst_ip,
        DestinationPort=str(opened.dst_port),
    )


def _question(look_up: LookUp) -> dict[str, Any]:
    found = "".join(f"::ffff:{address};" for address in look_up.addresses)
    return _event(
        22,
        look_up.ts,
        look_up.process,
        QueryName=look_up.query,
        QueryStatus="0" if look_up.addresses else "9003",
        QueryResults=found or "-",
    )
