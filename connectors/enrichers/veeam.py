"""Veeam Backup & Replication over REST: which hosts the backup server really backed up, when, where to, how much.

From the vendor's published description of the API; no server was at hand, so every behaviour here is unproven against
one. The server writes these records and the host cannot, so they may explain a host's traffic. Only finished sessions
with a byte count are evidence. A look-up reads all sessions of the window once, whatever the number of hosts.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr

from connectors.enrichers._files.field_types import HostName, Moment, Name, Zone
from connectors.enrichers._files.indexes import HostIndex
from connectors.enrichers._live.source import (
    Budget,
    Live,
    Memory,
    Place,
    Row,
    Rows,
    answers_of,
    list_in,
    no_answer,
    number_in,
    read_rows,
    transport_for,
    variable_of,
)
from connectors.http import Clocks, Credential, Reply, Transport
from connectors.http.token_auth import RefreshingToken
from playbook.errors import BadAnswer, ConnectorError, Incomplete
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import BackupSession, Enrichment
from playbook.model.observable import Observable
from playbook.model.site import Site

_PAGE = 200  # the server's own default: one that ignores ``limit`` gives as many
_MOST_SKEW_S = 300


class Settings(Live):
    """The server (https://backup.example:9419) and an account with the role Backup Viewer.

    ``repositories`` gives the dedicated addresses or exact names of a repository, by its name; those of Amazon S3
    buckets are known. ``timezone`` is for times without an offset, should the server send such. ``longest_h``: a
    session that began longer before the window is not looked for.
    """

    user: str = Field(min_length=1)
    password: SecretStr = Field(min_length=1)
    api_version: str = Field(default="1.2-rev1", pattern=r"^[0-9]+\.[0-9]+-rev[0-9]+$")
    repositories: dict[Name, tuple[Place, ...]] = {}
    timezone: Zone | None = None
    longest_h: int = Field(default=48, ge=1, le=744)


class _Result(Row):
    result: str = ""


class _Progress(Row):
    transferred_size: int | None = Field(default=None, ge=0, le=2**53)


class TaskSession(Row):
    """One object of one session, as the server says it; words that no version documents are kept as they are."""

    id: Name
    type: str
    session_id: str = ""
    session_type: str = ""
    name: HostName
    creation_time: Moment
    end_time: Moment | None = None
    repository_id: str = ""
    result: _Result | None = None
    progress: _Progress | None = None


class _Bucket(Row):
    bucket_name: str = ""
    region_id: str = ""


class _Repository(Row):
    id: Name
    name: Name
    type: str = ""
    bucket: _Bucket | None = None


class Veeam:
    """Backup sessions by host; what was read of a window is used again for ``keep_s`` seconds."""

    remote = True
    topics = ("backup_sessions",)

    def __init__(self, name: str, settings: Settings, api: RefreshingToken, clocks: Clocks) -> None:
        self.name = name
        self._settings, self._api, self._clocks = settings, api, clocks
        self._memory: Memory[TimeWindow, tuple[HostIndex[BackupSession], str]] = Memory(settings.keep_s, clocks)

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """The finished backup sessions of each host that overlap the window."""
        hosts = [one for one in observables if one.kind == "host"]
        if not hosts:
            return ()
        try:
            book, warning = self._memory.get(window, lambda: self._read(window))
        except ConnectorError as fault:
            return no_answer(self.name, "backup_sessions", hosts, str(fault))
        answers = ((host, tuple(sorted(book.find(host.value), key=lambda s: s.started))) for host in hosts)
        return answers_of(self.name, "backup_sessions", answers, warning=warning, as_of=self._now())

    def check(self) -> tuple[CheckResult, ...]:
        """Log in; compare the clocks; read one session and the repositories, and say which have no known place."""
        budget = Budget(self._settings, self.name, self._clocks)
        try:
            clock = self._clock(budget)
            reply = self._get("/api/v1/taskSessions", {"limit": 1, "typeFilter": "Backup"}, budget)
            total = number_in(reply.get("pagination"), "total", self.name)
            repositories = self._repositories(budget)
        except ConnectorError as fault:
            return (CheckResult.failed(f"{self.name}: sessions", fault),)
        placeless = sorted(name for name, places in repositories.values() if not places)
        warning = f"no known place, so no session there explains anything: {', '.join(placeless[:5])[:200]}"
        return (
            clock,
            CheckResult(subject=f"{self.name}: sessions", ok=True, message=f"{total} backup sessions can be read"),
            CheckResult(
                subject=f"{self.name}: repositories",
                ok=True,
                warning=warning if placeless else "",
                message=f"{len(repositories)} repositories" + (f"; {warning}" if placeless else ""),
            ),
        )

    def _clock(self, budget: Budget) -> CheckResult:
        answer = self._get("/api/v1/serverTime", {}, budget)
        theirs = read_rows(_ServerTime, [answer], "clocks", {"zone": self._settings.timezone or UTC}).entries
        if not theirs:
            raise BadAnswer(f"{self.name}: a server time of no known form")
        skew = abs((theirs[0].server_time - self._now()).total_seconds())
        return CheckResult(
            subject=f"{self.name}: clock",
            ok=skew <= _MOST_SKEW_S,
            message=f"the server's clock differs from ours by {skew:.0f} s",
        )

    def _read(self, window: TimeWindow) -> tuple[HostIndex[BackupSession], str]:
        budget = Budget(self._settings, self.name, self._clocks)
        repositories = self._repositories(budget)
        since = window.start - timedelta(hours=self._settings.longest_h)
        raw = self._pages(
            "/api/v1/taskSessions",
            {
                "typeFilter": "Backup",
                "createdAfterFilter": since.isoformat(),
                "createdBeforeFilter": window.end.isoformat(),
                "orderColumn": "CreationTime",
                "orderAsc": "true",
            },
            budget,
        )
        rows = read_rows(TaskSession, raw, "sessions", {"zone": self._zone(raw, budget)})
        sessions = sessions_of(rows, repositories, window)
        return HostIndex((one.host, one) for one in sessions.entries), sessions.warning

    def _zone(self, rows: Sequence[Any], budget: Budget) -> ZoneInfo | None:
        """The zone of times without an offset: ours, else the server's where it names one. Asked only if needed."""
        times = [row.get("creationTime") for row in rows[:1] if isinstance(row, dict)]
        if self._settings.timezone or not any(isinstance(t, str) and _naive(t) for t in times):
            return self._settings.timezone
        named = self._get("/api/v1/serverTime", {}, budget).get("ianaTimeZoneId")
        zones = read_rows(_Zoned, [{"zone": named}], "zones").entries
        return zones[0].zone if zones else None

    def _repositories(self, budget: Budget) -> dict[str, tuple[str, tuple[str, ...]]]:
        rows = self._pages("/api/v1/backupInfrastructure/repositories", {}, budget)
        known = {name.lower(): places for name, places in self._settings.repositories.items()}
        return {
            one.id.lower(): (one.name, (*known.get(one.name.lower(), ()), *_bucket_places(one)))
            for one in read_rows(_Repository, rows, "repositories").entries
        }

    def _pages(self, path: str, params: Mapping[str, str], budget: Budget) -> list[Any]:
        """Every row, until as many came as were announced; rows that shift while we read come once."""
        rows: dict[str, Any] = {}
        skip = 0
        while True:
            answer = self._get(path, {**params, "skip": skip, "limit": _PAGE}, budget)
            page = list_in(answer, "data", self.name)
            total = number_in(answer.get("pagination"), "total", self.name)
            rows |= {_key(row, skip + number): row for number, row in enumerate(page)}
            skip += len(page)
            if skip >= total:
                return list(rows.values())
            if not page:
                raise Incomplete(f"{self.name}: {skip} of {total} rows arrived")

    def _get(self, path: str, params: Mapping[str, str | int], budget: Budget) -> dict[str, Any]:
        left = budget.spend()
        answer = self._api.request("GET", path, params=params, retry=True, deadline_s=left).expect(200).json()
        if not isinstance(answer, dict):
            raise BadAnswer(f"{self.name}: expected an object")
        return answer

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clocks.wall(), UTC)


class _ServerTime(Row):
    server_time: Moment


class _Zoned(Row):
    zone: Zone


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> Veeam:  # noqa: B008
    """The server called ``name``; nothing is sent before it is needed. ``site`` is unused."""

    def transport(credential: Credential | None) -> Transport:
        return transport_for(settings, name, folder, clocks, credential)

    def log_in(plain: Transport) -> Reply:
        form = {"grant_type": "password", "username": settings.user, "password": settings.password.get_secret_value()}
        return plain.post("/api/oauth2/token", data=form, headers=version, passes={401, 403})

    version = {"x-api-version": settings.api_version}
    transport(None)  # a base_url that may not be used is reported at once
    setting = variable_of(settings.password, "password")
    return Veeam(name, settings, RefreshingToken(transport, log_in, setting, "access_token", version), clocks)


def sessions_of(
    rows: Rows[TaskSession], repositories: Mapping[str, tuple[str, tuple[str, ...]]], window: TimeWindow
) -> Rows[BackupSession]:
    """The finished backups with a byte count that overlap the window, and how many of the others were left out."""
    running = unmeasured = backwards = 0
    sessions: list[BackupSession] = []
    for row in rows.entries:
        if row.type.lower() != "backup" or row.creation_time >= window.end:
            continue  # a restore moves bytes as well, but no backup
        if row.end_time is None:
            running += 1
            continue
        if row.end_time <= window.start:
            continue
        size = row.progress.transferred_size if row.progress else None
        if row.end_time <= row.creation_time:
            backwards += 1
        elif size is None:
            unmeasured += 1
        else:
            name, places = repositories.get(row.repository_id.lower(), (row.repository_id or "unknown", ()))
            sessions.append(
                BackupSession(
                    host=row.name,
                    job=" ".join(filter(None, (row.session_type, row.session_id))) or row.id,
                    repository=name,
                    destinations=places,
                    started=row.creation_time,
                    ended=row.end_time,
                    transferred_bytes=size,
                )
            )
    left = ((running, "still running"), (unmeasured, "without a byte count"), (backwards, "that end before they begin"))
    notes = tuple(f"{count} sessions {why} were left out" for count, why in left if count)
    return Rows(tuple(sessions), (*rows.notes, *notes))


def _bucket_places(repository: _Repository) -> tuple[str, ...]:
    """The two names under which Amazon S3 answers for this bucket alone; a region's endpoint is everybody's."""
    bucket = repository.bucket
    if bucket is None or repository.type.lower() != "amazons3" or not bucket.bucket_name:
        return ()
    regions = ("", f"{bucket.region_id}.") if bucket.region_id else ("",)
    return tuple(f"{bucket.bucket_name}.s3.{region}amazonaws.com".lower() for region in regions)


def _key(row: Any, number: int) -> str:
    return str(row.get("id", number)) if isinstance(row, dict) else f"row {number}"


def _naive(text: str) -> bool:
    try:
        return datetime.fromisoformat(text.strip()).tzinfo is None
    except ValueError:
        return False
