"""Sysmon in Splunk as a process inventory: which program opened exactly the connections in question.

Connections (event 3) and process starts (event 1) are joined by computer and ProcessGuid in one search, without a
subsearch. Sysmon is an agent that a local administrator can stop and feed: what it says is written by the host, it
can convict, and it clears nobody. It tells nothing of a signature.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from pydantic import Field, field_validator

from connectors.clients.splunk import decoding, search_job
from connectors.clients.splunk.account import Account, Opener
from connectors.clients.splunk.client import Deadline, SplunkClient
from connectors.enrichers._files.indexes import address_of, host_name
from connectors.enrichers._live.owners import OwnerRow, OwnerSource, Question, file_name
from connectors.enrichers._live.source import Budget, Live, Rows
from connectors.http import Clocks, printable
from playbook.detections.languages.splunk import escaping
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Incomplete
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import SocketOwner, WrittenBy
from playbook.model.site import Site

SCOPE = 'index=* source="XmlWinEventLog:Microsoft-Windows-Sysmon/Operational"'
_SHA256 = re.compile(r"SHA256=([0-9A-Fa-f]{64})", re.ASCII)
_LONGEST = 4096
_LATEST_S = 4_102_444_800  # the year 2100


class Settings(Account):
    """An account of Splunk that may search the Sysmon events of ``scope``; fields are named as Splunk's add-on does.

    ``earlier_h``: hours before the window in which a process may have started. ``keep_s``: as in every live source.
    """

    scope: str = SCOPE
    deadline_s: float = Field(default=60.0, ge=10, le=600)
    earlier_h: int = Field(default=24, ge=0, le=24 * 31)
    keep_s: float = Field(default=300.0, ge=0, le=86400)
    most_requests: int = Field(default=20, ge=1, le=1000)

    @field_validator("scope")
    @classmethod
    def _scope(cls, text: str) -> str:
        if fault := escaping.scope_fault(text):
            raise ValueError(fault)
        return text


def spellings(address: str) -> tuple[str, ...]:
    """An address as it may be written in an event: an IPv6 one also without ``::``, and with all its zeros."""
    parsed = ip_address(address)
    if not isinstance(parsed, IPv6Address):
        return (address,)
    whole = parsed.exploded
    plain = ":".join(part.lstrip("0") or "0" for part in whole.split(":"))
    return tuple(dict.fromkeys((str(parsed), plain, whole)))


def query(question: Question, scope: str) -> str:
    """One row a process that opened such a connection: path, command line, hashes, sockets and the newest time."""
    hosts = ", ".join(escaping.literal(text) for host in question.hosts for text in (host, f"{host}.*"))
    written = (text for one in question.destinations for text in spellings(one))
    destinations = ", ".join(escaping.literal(text) for text in written)
    start = int(question.start.timestamp())
    return "\n| ".join(
        (
            f'search {escaping.scope(scope)} EventCode IN ("1", "3") Computer IN ({hosts})'
            f' (EventCode IN ("1") OR DestinationIp IN ({destinations}))',
            f'eval opened=if(tonumber(EventCode)=3 AND lower(mvindex(Initiated, 0))="true" AND _time>={start}, 1, 0)',
            'eval socket=if(opened=1, DestinationIp." ".DestinationPort, null()),'
            " last=if(opened=1, floor(_time), null()),"
            " our_host=lower(mvindex(Computer, 0)), our_guid=lower(mvindex(ProcessGuid, 0))",
            "stats values(Image) AS path values(CommandLine) AS command_line values(Hashes) AS hashes"
            " values(socket) AS sockets max(last) AS last_s BY our_host our_guid",
            "where isnotnull(last_s)",
            "table our_host our_guid path command_line hashes sockets last_s",
        )
    )


class SplunkProcesses(OwnerSource):
    """Socket owners by what Sysmon sent to Splunk."""

    written_by: WrittenBy = "host"

    def __init__(self, name: str, settings: Settings, wire: SplunkClient) -> None:
        bounds = Live(
            base_url=settings.base_url,
            total_s=settings.deadline_s,
            keep_s=settings.keep_s,
            most_requests=settings.most_requests,
            deadline_s=min(settings.deadline_s, 300.0),
        )
        super().__init__(name, bounds, wire.clocks)
        self._settings, self._wire = settings, wire

    def check(self) -> tuple[CheckResult, ...]:
        """Run the search for a host that does not exist: credentials, rights and the text are proven by it."""
        now = datetime.fromtimestamp(self._clocks.wall(), UTC)
        asked = Question(("no-such-host",), ("198.51.100.1",), now - timedelta(hours=1), now)
        try:
            self._ask(asked, Budget(self._live, self.name, self._clocks))
        except (ConnectorError, ConfigError) as fault:
            return (CheckResult.failed(f"{self.name}: search", fault),)
        told = "the search runs; that the scope holds Sysmon events is proven by the first host that is asked about"
        return (CheckResult(subject=f"{self.name}: search", ok=True, message=told),)

    def _ask(self, question: Question, budget: Budget) -> Rows[OwnerRow]:
        earlier = timedelta(hours=self._settings.earlier_h)
        window = TimeWindow(start=question.start - earlier, end=question.end)
        wanted = search_job.Query(text=query(question, self._settings.scope), window=window)
        try:
            deadline = Deadline(self._clocks, budget.spend())
            answer = search_job.run(self._wire, wanted, deadline, lambda done, total: None)
        except ConfigError as fault:
            raise BadAnswer(str(fault)) from None
        if answer.truncated:
            raise Incomplete(f"{self.name}: {answer.truncated}")
        entries: list[OwnerRow] = []
        faults: list[str] = []
        for row in answer.rows:
            try:
                entries += _owners(row)
            except ValueError as fault:
                faults.append(printable(str(fault))[:200])
        notes = (f"{len(faults)} processes left out: {'; '.join(faults[:2])}",) if faults else ()
        return Rows(tuple(entries), notes)


def _owners(row: Mapping[str, tuple[str, ...]]) -> list[OwnerRow]:
    """One owner a socket; ValueError names the column that cannot be read."""
    last_s = decoding.whole(row, "last_s")
    if last_s > _LATEST_S:
        raise ValueError("last_s: expected a time before the year 2100")
    path, hashes = _one(row, "path"), _SHA256.search(" ".join(decoding.listed(row, "hashes")))
    owner = SocketOwner(
        process_name=file_name(path),
        path=path,
        sha256=hashes[1].lower() if hashes else "",
        command_line=_one(row, "command_line"),
        seen=datetime.fromtimestamp(last_s, UTC),
    )
    host = host_name(decoding.text(row, "our_host"))
    return [OwnerRow(host, owner.model_copy(update=socket)) for socket in map(_socket, decoding.listed(row, "sockets"))]


def _one(row: Mapping[str, tuple[str, ...]], name: str) -> str:
    """The first text of a cell, safe to show."""
    return printable(next(iter(decoding.listed(row, name)), "")).strip()[:_LONGEST]


def _socket(text: str) -> dict[str, str | int]:
    place, _, port = text.rpartition(" ")
    address = address_of(place)
    if address is None or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError(f"sockets: expected an address and a port, got {text[:60]!r}")
    return {"dst_ip": str(address), "dst_port": int(port)}


def connect(
    name: str,
    settings: Settings,
    site: Site,
    folder: Path,
    clocks: Clocks = Clocks(),  # noqa: B008
    new_id: Callable[[], str] | None = None,
) -> SplunkProcesses:
    """The inventory called ``name``; ``new_id`` names search jobs (tests set it). ``site`` is unused."""
    wire = SplunkClient(name, settings, Opener(name, settings, folder, clocks), clocks, *([new_id] if new_id else []))
    return SplunkProcesses(name, settings, wire)
