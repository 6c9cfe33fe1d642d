"""Which process owns which sockets, from Sysmon's process starts (event 1) joined to its connections (event 3).

The join is by computer and ProcessGuid, which Windows never gives twice; without the start (it came before the log
began) the path is that of the connection, and hash and command line stay empty. Sysmon says nothing of a file's
signature when it starts: ``signed`` is null, never false. Only connections that the host opened itself count.
"""

import glob
import gzip
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from connectors.enrichers._files.indexes import HostIndex, address_of, host_name
from playbook.model import Value
from playbook.model.address import Address, why_not_global
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, SocketOwner
from playbook.model.observable import Observable
from playbook.model.site import Networks, Site

MAX_SOCKETS = 200_000
MAX_SOCKETS_OF_A_HOST = 5_000
MAX_PROCESSES = 500_000
_LONGEST_LINE = 1 << 20
_LONGEST_TEXT = 4_096
_EXAMPLES = 3
_PLACES = (("event_data",), ("winlog", "event_data"), ("Event", "EventData"))
_ABOUT = ((), ("winlog",), ("Event", "System"))
_SHA256 = re.compile(r"SHA256=([0-9A-Fa-f]{64})", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class Settings(Value):
    """``paths`` of Sysmon logs as JSON lines, plain or gzip (files, folders, globs); ``most_mb``: unpacked, in all."""

    paths: tuple[Path, ...] = Field(min_length=1)
    most_mb: int = Field(default=1_024, ge=1, le=1_000_000)


@dataclass(frozen=True)
class _Process:
    """One process as its start or its first connection shows it."""

    path: str = ""
    sha256: str = ""
    command_line: str = ""


@dataclass(frozen=True)
class _Socket:
    """A process and whom it connected to on one day (UTC)."""

    host: str
    process: str
    destination: Address
    port: int
    day: date


@dataclass
class _Log:
    """What the files held. ``cut`` is why reading ended early: then what is not found is not known to be absent."""

    started: dict[tuple[str, str], _Process] = field(default_factory=dict)
    sockets: dict[_Socket, tuple[datetime, str]] = field(default_factory=dict)  # -> last seen, image
    events: int = 0
    rejected: int = 0
    examples: list[str] = field(default_factory=list)
    newest: datetime | None = None
    cut: str = ""

    @property
    def warning(self) -> str:
        """Rows left out, and why reading ended early; empty when all was read."""
        left_out = f"{self.rejected} rows left out: {'; '.join(self.examples)}" if self.rejected else ""
        return "; ".join(part for part in (left_out, self.cut) if part)


class SysmonOwners:
    """Socket owners by host; the logs are read once, at the first question."""

    remote = False
    topics = ("processes",)

    def __init__(self, name: str, settings: Settings, networks: Networks, folder: Path) -> None:
        self.name = name
        self._settings = settings
        self._networks = networks
        self._folder = folder
        self._log: _Log | None = None
        self._index: HostIndex[SocketOwner] = HostIndex(())

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """The newest sockets of each host, one a process, destination, port and day. Any time counts."""
        log = self._read()
        return tuple(self._answer(log, one) for one in observables if one.kind == "host")

    def check(self) -> tuple[CheckResult, ...]:
        """How many events, processes and sockets the logs hold, and what was left out."""
        log = self._read()
        told = f"{log.events} events, {len(log.started)} process starts, {len(log.sockets)} sockets"
        as_of = f", newest {log.newest:%Y-%m-%d %H:%M}Z" if log.newest else ""
        message = told + as_of + (f"; {log.warning}" if log.warning else "")
        return (CheckResult(subject=self.name, ok=bool(log.events) and not log.cut, message=message),)

    def _answer(self, log: _Log, observable: Observable) -> Enrichment:
        found = sorted(self._index.find(observable.value), key=_when, reverse=True)
        answers, unavailable = tuple(found[:MAX_SOCKETS_OF_A_HOST]), None
        if not answers and (log.cut or not log.events):
            unavailable = log.cut or f"no Sysmon event in {', '.join(map(str, self._settings.paths))}"
        return Enrichment(
            enricher=self.name,
            topic="processes",
            observable=observable,
            answers=answers,
            unavailable=unavailable,
            as_of=log.newest,
            warning=log.warning,
        )

    def _read(self) -> _Log:
        if self._log is None:
            self._log = _read(tuple(self._folder / path for path in self._settings.paths), self._settings.most_mb << 20)
            self._index = HostIndex(_owners(self._log, self._networks))
        return self._log


def connect(name: str, settings: Settings, site: Site, folder: Path) -> SysmonOwners:
    """An enricher over the logs that ``settings`` names, relative to ``folder``."""
    return SysmonOwners(name, settings, site.networks, folder)


def _when(owner: SocketOwner) -> datetime:
    return owner.seen or datetime.min.replace(tzinfo=UTC)


def _read(paths: Sequence[Path], most_bytes: int) -> _Log:
    log, left = _Log(), most_bytes
    for path in paths:
        files = _files(path)
        if not files:
            log.cut = log.cut or f"{path}: no such file or folder, and no file matches it as a pattern"
        for file in files:
            seen, bad = log.events, _Log()
            try:
                for number, line in _lines(file):
                    left -= len(line)
                    if left < 0 or len(log.sockets) >= MAX_SOCKETS or len(log.started) >= MAX_PROCESSES:
                        limits = f"{most_bytes >> 20} MB, {MAX_SOCKETS} sockets or {MAX_PROCESSES} processes"
                        log.cut = log.cut or f"{file.name}:{number}: more than {limits}: the rest is not read"
                        break
                    _take(log, bad, f"{file.name}:{number}", line)
            except (OSError, EOFError, zlib.error) as fault:
                log.cut = log.cut or f"{file}: cannot be read to its end: {getattr(fault, 'strerror', None) or fault}"
            if log.events > seen:  # in another kind of log nothing is a bad row
                log.rejected += bad.rejected
                log.examples = (log.examples + bad.examples)[:_EXAMPLES]
    return log


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    if path.exists():
        return [path]
    return [Path(match) for match in sorted(glob.glob(str(path), recursive=True)) if Path(match).is_file()]


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    with file.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with gzip.open(file, "rb") if packed else file.open("rb") as stream:
        number = 0
        while line := stream.readline(_LONGEST_LINE):
            number += 1
            yield number, line


def _take(log: _Log, bad: _Log, where: str, line: bytes) -> None:
    """One line into the log; a line that should be an event of ours and cannot be used is counted in ``bad``."""
    if not line.strip():
        return
    try:
        event = json.loads(line)
        number, host, fields = _parts(event)
        if number is None:
            return
        log.events += 1
        if number == 1:
            log.started[host, _guid(fields)] = _process(fields)
        elif number == 3 and str(fields.get("Initiated", "")).lower() == "true":
            socket, seen = _socket(host, fields)
            latest = (seen, _text(fields, "Image"))
            log.sockets[socket] = max(log.sockets.get(socket, latest), latest)
            log.newest = max(log.newest or seen, seen)
    except (ValueError, TypeError, RecursionError) as fault:
        bad.rejected += 1
        reason = "not a JSON object" if isinstance(fault, json.JSONDecodeError | UnicodeDecodeError) else str(fault)
        if len(bad.examples) < _EXAMPLES:
            bad.examples.append(f"{where}: {reason[:200]}")


def _parts(event: Any) -> tuple[int | None, str, dict[str, Any]]:
    """Event number, computer and fields of a Sysmon event, wherever its form has them; number None for another's."""
    if not isinstance(event, dict):
        raise ValueError("not a JSON object")
    about = [part for place in _ABOUT if (part := _within(event, place)) is not None]
    channel = str(_first(about, "Channel", "channel", "log_name") or "sysmon")
    number = _first(about, "EventID", "event_id")
    number = number.get("#text") if isinstance(number, dict) else number
    if number is None or "sysmon" not in channel.lower():
        return None, "", {}
    host = host_name(str(_first(about, "Hostname", "Computer", "computer_name") or ""))
    if not host or len(host) > 253:
        raise ValueError("the computer's name is missing")
    fields = next((part for place in _PLACES if (part := _within(event, place)) is not None), event)
    return int(number), host, fields


def _within(event: dict[str, Any], place: tuple[str, ...]) -> dict[str, Any] | None:
    for key in place:
        inner = event.get(key)
        if not isinstance(inner, dict):
            return None
        event = inner
    return event


def _first(parts: Sequence[dict[str, Any]], *names: str) -> Any:
    return next((part[name] for part in parts for name in names if part.get(name) is not None), None)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return _CONTROL.sub(" ", value).strip()[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _guid(fields: dict[str, Any]) -> str:
    guid = _text(fields, "ProcessGuid").strip("{}").lower()
    if not guid:
        raise ValueError("ProcessGuid is missing")
    return guid


def _process(fields: dict[str, Any]) -> _Process:
    found = _SHA256.search(_text(fields, "Hashes"))
    return _Process(
        path=_text(fields, "Image"),
        sha256=found[1].lower() if found else "",
        command_line=_text(fields, "CommandLine"),
    )


def _socket(host: str, fields: dict[str, Any]) -> tuple[_Socket, datetime]:
    destination, port = address_of(str(fields.get("DestinationIp", ""))), int(fields.get("DestinationPort", -1))
    if destination is None or not 0 <= port <= 65535:
        raise ValueError("DestinationIp and DestinationPort: expected an address and a port")
    try:
        seen = datetime.fromisoformat(_text(fields, "UtcTime"))
    except ValueError:
        raise ValueError(f"UtcTime is not usable: {_text(fields, 'UtcTime')[:60]!r}") from None
    seen = seen.astimezone(UTC) if seen.tzinfo else seen.replace(tzinfo=UTC)
    if not 1970 <= seen.year <= 2100:
        raise ValueError("UtcTime: expected a year from 1970 to 2100")
    return _Socket(host, _guid(fields), destination, port, seen.date()), seen


def _owners(log: _Log, networks: Networks) -> Iterator[tuple[str, SocketOwner]]:
    outside: dict[tuple[str, str, date], set[Address]] = {}
    for socket in log.sockets:
        peers = outside.setdefault((socket.host, socket.process, socket.day), set())
        if why_not_global(socket.destination, networks.lab, networks.nat64) is None:
            peers.add(socket.destination)
    for socket, (seen, image) in log.sockets.items():
        process = log.started.get((socket.host, socket.process)) or _Process(image)
        path = process.path or image
        yield (
            socket.host,
            SocketOwner(
                process_name=re.split(r"[\\/]", path)[-1] or "unknown",
                path=path,
                sha256=process.sha256,
                command_line=process.command_line,
                dst_ip=str(socket.destination),
                dst_port=socket.port,
                outside_addresses=len(outside[socket.host, socket.process, socket.day]),
                seen=seen,
                written_by="host",  # whoever owns the machine can stop Sysmon, or write its log
            ),
        )
