"""Runs Kusto text in DuckDB by way of duckdb-kql, with a stand-in for the one function that it lacks."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_network
from typing import Any

import duckdb_kql

from playbook.detections.beaconing import Event

Fields = dict[str, Any]
# The types of the columns are those of tests/manifests/kql_check.js.
TABLES = {
    "DeviceNetworkEvents": "Timestamp TIMESTAMP, ActionType VARCHAR, DeviceName VARCHAR, LocalIP VARCHAR,"
    " RemoteIP VARCHAR, RemotePort INTEGER, Protocol VARCHAR, InitiatingProcessFileName VARCHAR,"
    " AdditionalFields VARCHAR",
    "CommonSecurityLog": "TimeGenerated TIMESTAMP, DeviceEventClassID VARCHAR, SourceIP VARCHAR,"
    " DestinationIP VARCHAR, DestinationPort INTEGER, SourceHostName VARCHAR, Protocol VARCHAR,"
    " SourceProcessName VARCHAR, ApplicationProtocol VARCHAR, EventCount INTEGER, SentBytes BIGINT,"
    " ReceivedBytes BIGINT, DeviceAction VARCHAR",
    "DnsEvents": "TimeGenerated TIMESTAMP, SubType VARCHAR, Computer VARCHAR, ClientIP VARCHAR, Name VARCHAR,"
    " ResultCode INTEGER",
}
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_RANGES = re.compile(r"ipv4_is_in_any_range\((\w+), ([^()]*)\)")


def run(query: str, table: str, rows: Iterable[Fields], since: datetime = _LONG_AGO) -> list[Fields]:
    """The rows that the text gives over these rows of its table; ``ago(24h)`` is ``since``, not the real clock's."""
    assert "ago(24h)" in query
    fixed = query.replace("ago(24h)", f"datetime({since:%Y-%m-%dT%H:%M:%SZ})")
    columns = [column.split() for column in TABLES[table].split(", ")]
    given = list(rows)
    with duckdb_kql.connect() as connection:
        connection.execute(f"CREATE TABLE {table} ({TABLES[table]})")
        connection.execute(
            f"INSERT INTO {table} SELECT {', '.join(f'unnest(?::{kind}[])' for _, kind in columns)}",
            [[row.get(name) for row in given] for name, _ in columns],
        )
        done = connection.execute(translated(fixed))
        names = [column[0] for column in done.description]
        return [dict(zip(names, one, strict=True)) for one in done.fetchall()]


@cache
def translated(query: str) -> str:
    """The text as SQL of DuckDB."""
    return str(duckdb_kql.to_sql(_RANGES.sub(_between, query)))


def _between(call: re.Match[str]) -> str:
    """The same as comparisons of numbers; null for what is no IPv4 address, as the function itself gives."""
    networks = [ip_network(text.strip().strip('"')) for text in call[2].split(",")]
    number = f"parse_ipv4({call[1]})"
    return "(" + " or ".join(f"({number} >= {int(n[0])} and {number} <= {int(n[-1])})" for n in networks) + ")"


def moment(epoch: float) -> datetime:
    """Epoch seconds as the naive UTC time that the tables hold."""
    return datetime.fromtimestamp(epoch, UTC).replace(tzinfo=None)


def defender(e: Event) -> list[Fields]:
    """A row of DeviceNetworkEvents, and one of a kind that is no connection."""
    row = {
        "Timestamp": moment(e.start),
        "ActionType": ("ConnectionSuccess", "ConnectionAttempt", "ConnectionFailed")[(e.src_port or 0) % 3],
        "DeviceName": e.hostname,
        "LocalIP": e.src_ip,
        "RemoteIP": e.dst_ip,
        "RemotePort": e.dst_port,
        "Protocol": e.proto.title(),
        "InitiatingProcessFileName": e.process_name,
    }
    return [row, row | {"ActionType": "ListeningConnectionCreated"}]


def sentinel(e: Event) -> list[Fields]:
    """The rows of CommonSecurityLog as Palo Alto and ASA fill it: a start, which is not counted, and an end."""
    asa = (e.src_port or 0) % 2 and not e.denied
    row = {
        "TimeGenerated": moment(e.start),
        "DeviceEventClassID": "302014" if asa else "end",
        "SourceIP": e.src_ip,
        "DestinationIP": e.dst_ip,
        "DestinationPort": e.dst_port,
        "SourceHostName": e.hostname,
        "Protocol": e.proto.upper(),
        "SourceProcessName": e.process_name,
        "ApplicationProtocol": e.service,
        "EventCount": None if asa else 1,
        "SentBytes": e.bytes_sent,
        "ReceivedBytes": e.bytes_rcvd,
        "DeviceAction": "Deny" if e.denied else "allow",
    }
    return [row, row | {"DeviceEventClassID": "302013" if asa else "Start"}]


WRITERS = {"defender": ("DeviceNetworkEvents", defender), "sentinel": ("CommonSecurityLog", sentinel)}


def known(preset: str, found: Sequence[Event]) -> list[Event]:
    """The events as far as the table can tell them."""
    if preset == "defender":
        return [e._replace(bytes_sent=None, bytes_rcvd=None, bytes_total=None, service="", denied=False) for e in found]
    both = [e.bytes_sent is not None and e.bytes_rcvd is not None for e in found]
    total = [(e.bytes_sent or 0) + (e.bytes_rcvd or 0) if b else None for e, b in zip(found, both, strict=True)]
    return [e._replace(bytes_total=t) for e, t in zip(found, total, strict=True)]
