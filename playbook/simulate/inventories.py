"""Writes inventories and schedules as the text of the files that docs and connectors agree on."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from playbook.model import Value
from playbook.simulate.records import Connection, Machine

HOSTS = ("host_id", "hostname", "addresses", "roles", "owner", "since", "until")
PROCESSES = (
    "seen",
    "hostname",
    "process_name",
    "path",
    "signer",
    "signed",
    "sha256",
    "command_line",
    "dst_ip",
    "dst_port",
    "outside_addresses",
)
SOFTWARE = ("name", "purpose", "sha256", "signer", "path", "owner")
SESSIONS = ("host", "job", "repository", "started", "ended", "bytes")
FEED = ("indicator", "kind", "last_seen", "port", "malware", "feed")


class InstalledProgram(Value):
    """A program as an endpoint sensor names it."""

    name: str
    path: str
    signer: str = ""
    signed: bool | None = None
    sha256: str = ""


class DeclaredException(Value):
    """A suppression as a person enters it (see playbook.model.site.ExceptionEntry)."""

    exception_id: str
    owner: str
    reason: str
    source: str
    destination: str
    port: int | None = 443
    entered: date
    ends: date


def digest(label: str) -> str:
    """A stand-in for the SHA-256 of a program: that of its label."""
    return hashlib.sha256(label.encode()).hexdigest()


def moment(epoch: float) -> str:
    """Epoch seconds as ISO 8601 in UTC, whole seconds."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file with a header row and LF line ends."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def hosts_csv(machines: Iterable[Machine]) -> str:
    """One row a machine, held always; the host id is made from the address, so a new name keeps it."""
    return table(
        HOSTS,
        (
            (asset(machine), machine.name, machine.address, ";".join(machine.roles), machine.owner, "", "")
            for machine in machines
        ),
    )


def asset(machine: Machine) -> str:
    """The inventory's id of a machine."""
    return "A-" + digest(machine.address)[:6].upper()


def sockets(
    machine: Machine, program: InstalledProgram, rows: Iterable[Connection], seen: float
) -> list[tuple[object, ...]]:
    """Rows of processes.csv: one for each of the ten busiest destinations that the program's sockets reach."""
    counts: dict[tuple[str, int], int] = {}
    for row in rows:
        counts[row.dst_ip, row.dst_port] = counts.get((row.dst_ip, row.dst_port), 0) + 1
    peers = len({address for address, _ in counts})
    busiest = sorted(counts, key=lambda pair: (-counts[pair], pair))[:10]
    signed = "" if program.signed is None else str(program.signed).lower()
    return [
        (
            moment(seen),
            machine.name,
            program.name,
            program.path,
            program.signer,
            signed,
            program.sha256,
            program.path,
            address,
            port,
            peers,
        )
        for address, port in busiest
    ]


def exceptions_json(entries: Iterable[DeclaredException]) -> str:
    """The exceptions file, one entry each, keys in the order of the value."""
    listed = [entry.model_dump(mode="json") | {"indicator": ""} for entry in entries]
    return json.dumps({"exceptions": listed}, indent=2) + "\n"


def sent_bytes(rows: Iterable[Connection], destination: str) -> int:
    """Payload bytes sent to one destination."""
    return sum(row.orig_bytes or 0 for row in rows if row.dst_ip == destination)
