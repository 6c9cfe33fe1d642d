"""backup_sessions.csv: what a backup server recorded of each session of each host."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from connectors.enrichers._files.field_types import HostName, Moment, Name
from connectors.enrichers._files.indexes import HostIndex
from connectors.enrichers._files.reader import Parsed, read_records
from connectors.enrichers._files.schedule import MAX_DURATION
from connectors.enrichers.backups.jobs import MAX_BYTES
from playbook.model import Value
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import BackupSession


class SessionRow(Value):
    """One session of one host; ``repository`` is a name of backup_jobs.yaml."""

    host: HostName
    job: Name
    repository: Name
    started: Moment
    ended: Moment
    bytes: int = Field(ge=0, le=MAX_BYTES)

    @model_validator(mode="after")
    def _ordered(self) -> "SessionRow":
        if not self.started < self.ended <= self.started + MAX_DURATION:
            raise ValueError(f"ended must be after started, at most {MAX_DURATION.days} days")
        return self


@dataclass(frozen=True)
class SessionBook:
    """Sessions by host, each host's sorted by start."""

    parsed: Parsed[SessionRow]
    by_host: HostIndex[tuple[BackupSession, ...]]

    def find(self, host: str, asked: TimeWindow) -> tuple[BackupSession, ...]:
        """The host's sessions that overlap the asked window, by start."""
        found: list[BackupSession] = []
        for sessions in self.by_host.find(host):
            first = bisect_left(sessions, asked.start - MAX_DURATION, key=lambda one: one.started)
            last = bisect_left(sessions, asked.end, key=lambda one: one.started)
            found += [one for one in sessions[first:last] if one.ended > asked.start]
        return tuple(sorted(found, key=lambda one: one.started))


def read(path: Path, repositories: Mapping[str, tuple[str, ...]], zone: ZoneInfo | None) -> SessionBook:
    """The sessions in ``path``; one to an unknown repository has no destinations, and a note says so."""
    parsed = read_records(path, SessionRow, zone)
    grouped: dict[str, list[BackupSession]] = {}
    for row in parsed.entries:
        grouped.setdefault(row.host, []).append(_answer(row, repositories))
    by_host = HostIndex(
        (host, tuple(sorted(sessions, key=lambda one: one.started))) for host, sessions in grouped.items()
    )
    unknown = sorted({row.repository for row in parsed.entries if row.repository.lower() not in repositories})
    note = f"{path.name}: repositories without a known place: {', '.join(unknown[:5])[:200]!r}"
    return SessionBook(replace(parsed, notes=(*parsed.notes, *((note,) if unknown else ()))), by_host)


def _answer(row: SessionRow, repositories: Mapping[str, tuple[str, ...]]) -> BackupSession:
    return BackupSession(
        host=row.host,
        job=row.job,
        repository=row.repository,
        started=row.started,
        ended=row.ended,
        destinations=repositories.get(row.repository.lower(), ()),
        transferred_bytes=row.bytes,
    )
