"""Microsoft Defender for Endpoint: the process behind these sockets, its signer and hash, by one hunting query.

From Microsoft's documentation; the query is run by a Kusto interpreter in the tests, and no tenant was at hand.
Defender samples repeated connections, so that a process is named and its connections are not counted.
"""

import re
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from connectors.clients.microsoft import CLIENT, LOGIN, TENANT, Application, api_of, places_of, reason_of
from connectors.enrichers._files.field_types import Moment, Sha256
from connectors.enrichers._files.indexes import address_of, host_name
from connectors.enrichers._live.owners import OwnerRow, OwnerSource, Question, Shown, file_name
from connectors.enrichers._live.source import Budget, Live, Row, Rows, list_in, read_rows
from connectors.http import Clocks, ReplyBounds
from connectors.http.token_auth import RefreshingToken
from playbook.errors import BadAnswer, ConnectorError, Incomplete, RateLimited, Unauthorized
from playbook.model.check import CheckResult
from playbook.model.enrichment import SocketOwner
from playbook.model.site import Site

PATH = "/v1.0/security/runHuntingQuery"
_MOST_ROWS = 10_000
_GRANT = "the application needs the permission ThreatHunting.Read.All"
_SAFE = re.compile(r"[0-9A-Za-z._:-]{1,253}", re.ASCII)


class Settings(Live):
    """An app registration (``tenant``, ``client_id``, ``client_secret``) with ThreatHunting.Read.All, and nothing else.

    ``base_url`` and ``login_url`` differ in national clouds.
    """

    base_url: str = "https://graph.microsoft.com"
    login_url: str = LOGIN
    tenant: str = Field(pattern=TENANT)
    client_id: str = Field(pattern=CLIENT)
    client_secret: SecretStr = Field(min_length=1)
    total_s: float = Field(default=30.0, ge=1, le=600)
    deadline_s: float = Field(default=30.0, ge=1, le=300)

    def places(self, folder: Path) -> tuple[str, ...]:
        """The hosts of both services, whatever the defaults say; ``folder`` is unused."""
        return places_of(self.base_url, self.login_url)


class _Found(Row):
    device_name: Shown = Field(validation_alias="DeviceName")
    remote_ip: Shown = Field(validation_alias="RemoteIP")
    remote_port: int = Field(validation_alias="RemotePort", ge=0, le=65535)
    path: Shown = Field(default="", validation_alias="Path")
    name: Shown = Field(default="", validation_alias="Name")
    sha256: Sha256 | None = Field(default="", validation_alias="Sha256")
    command_line: Shown = Field(default="", validation_alias="CommandLine")
    seen: Moment = Field(validation_alias="Seen")
    signed: int | None = Field(default=None, validation_alias="Signed")
    trusted: int | None = Field(default=None, validation_alias="Trusted")
    signer: Shown = Field(default="", validation_alias="Signer")


def listed(texts: tuple[str, ...]) -> str:
    """Texts as a list of Kusto literals; BadAnswer for one that could end a literal."""
    for text in texts:
        if not _SAFE.fullmatch(text):
            raise BadAnswer(f"{text[:60]!r} cannot stand in a hunting query")
    return ", ".join(f'"{text}"' for text in texts)


def _written(destinations: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses as Defender writes them: an IPv4 one also as the IPv6 address that carries it."""
    return tuple(text for one in destinations for text in ((one,) if ":" in one else (one, f"::ffff:{one}")))


def query(question: Question) -> str:
    """The owners of the sockets of these hosts to these destinations, with what is known of the file's signature."""
    start, end = (f"datetime({moment:%Y-%m-%dT%H:%M:%SZ})" for moment in (question.start, question.end))
    return f"""DeviceNetworkEvents
| where Timestamp between ({start} .. {end})
| where ActionType in ("ConnectionSuccess", "ConnectionAttempt", "ConnectionFailed")
| where RemoteIP in ({listed(_written(question.destinations))})
| where tolower(tostring(split(DeviceName, ".")[0])) in ({listed(question.hosts)})
| summarize Seen = max(Timestamp) by DeviceName, RemoteIP, RemotePort, Path = InitiatingProcessFolderPath,\
 Name = InitiatingProcessFileName, Sha1 = InitiatingProcessSHA1, Sha256 = InitiatingProcessSHA256,\
 CommandLine = InitiatingProcessCommandLine
| join kind=leftouter (DeviceFileCertificateInfo\
 | summarize Signed = min(toint(IsSigned)), Trusted = min(toint(IsTrusted)), Signer = min(Signer)\
 by Sha1 = SHA1) on Sha1
| project DeviceName, RemoteIP, RemotePort, Path, Name, Sha256, CommandLine, Seen, Signed, Trusted, Signer
| take {_MOST_ROWS + 1}"""


class Defender(OwnerSource):
    """Socket owners as Defender's sensor recorded them, which the cloud keeps: the host does not write them."""

    def __init__(self, name: str, settings: Settings, api: RefreshingToken, clocks: Clocks) -> None:
        super().__init__(name, settings, clocks)
        self._settings, self._api = settings, api

    def check(self) -> tuple[CheckResult, ...]:
        """Log in and read one row; an empty table is a failure, for an application without rights may get one."""
        subject = f"{self.name}: hunting"
        budget = Budget(self._settings, self.name, self._clocks)
        try:
            rows = self._run("DeviceNetworkEvents | take 1 | project Timestamp, DeviceName", budget)
        except ConnectorError as fault:
            return (CheckResult.failed(subject, fault),)
        message = "network events can be read" if rows else f"no network event in 30 days: {_GRANT}"
        return (CheckResult(subject=subject, ok=bool(rows), message=message),)

    def _ask(self, question: Question, budget: Budget) -> Rows[OwnerRow]:
        raw = self._run(query(question), budget)
        if len(raw) > _MOST_ROWS:
            raise Incomplete(f"{self.name}: more than {_MOST_ROWS} sockets for one question")
        rows = read_rows(_Found, raw, "sockets")
        return Rows(tuple(_owner(row) for row in rows.entries), rows.notes)

    def _run(self, text: str, budget: Budget) -> list[Any]:
        reply = self._api.request(
            "POST", PATH, json={"Query": text}, retry=True, passes={403, 429}, deadline_s=budget.spend()
        )
        if reply.status == 403:
            raise Unauthorized(f"{self.name}: {reason_of(reply) or 'refused'} (403): {_GRANT}")
        if reply.status == 429:
            raise RateLimited(f"{self.name}: a quota is used up (429): {reason_of(reply) or 'it does not say which'}")
        if reply.status == 400:
            raise BadAnswer(f"{self.name}: the query was refused: {reason_of(reply)}")
        return list_in(reply.expect(200).json(), "results", self.name)


def _owner(row: _Found) -> OwnerRow:
    signed = None if row.signed is None else bool(row.signed and row.trusted)
    owner = SocketOwner(
        process_name=row.name or file_name(row.path),
        path=row.path,
        signer=row.signer if signed else "",
        signed=signed,
        sha256=row.sha256 or "",
        command_line=row.command_line,
        dst_ip=str(address_of(row.remote_ip) or row.remote_ip),
        dst_port=row.remote_port,
        seen=row.seen,
    )
    return OwnerRow(host_name(row.device_name), owner)


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> Defender:  # noqa: B008
    """The tenant called ``name``; nothing is sent before it is needed. ``site`` is unused."""
    application = Application(settings.tenant, settings.client_id, settings.client_secret, settings.login_url)
    bounds = ReplyBounds(settings.deadline_s, 32 * 1024 * 1024, 3, settings.interval_s)
    ca_file = settings.ca_file and folder / settings.ca_file
    return Defender(name, settings, api_of(name, settings.base_url, application, bounds, clocks, ca_file), clocks)
