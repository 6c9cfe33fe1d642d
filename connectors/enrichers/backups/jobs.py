"""backup_jobs.yaml: repositories, and the backup jobs that an administrator declared."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from connectors.enrichers._files.field_types import Cells, HostName, Name, Sha256, Text, Zone
from connectors.enrichers._files.indexes import address_of, domain_of, network_of
from connectors.enrichers._files.reader import Parsed, Unreadable, gather
from connectors.enrichers._files.schedule import CronWindow
from connectors.enrichers._files.yaml_reader import read_yaml
from playbook.model import Value
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import BackupJob

MAX_BYTES = 2**53
# A vendor's own allocation; wider ones are the cloud it rents from.
VENDOR_V4_BITS = 12
VENDOR_V6_BITS = 28


class RepositoryEntry(Value):
    """Where a repository is: dedicated addresses, exact bucket or gateway names."""

    addresses: Cells = ()
    names: Cells = ()

    @field_validator("addresses")
    @classmethod
    def _single(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        found = [address_of(address) for address in addresses]
        if None in found:
            raise ValueError("expected single IP addresses")
        return tuple(str(address) for address in found)

    @field_validator("names")
    @classmethod
    def _exact(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if any(name.startswith(".") for name in names):
            raise ValueError("expected exact names, without a leading dot")
        return tuple(domain_of(name) for name in names)

    @property
    def places(self) -> tuple[str, ...]:
        """Names and addresses together."""
        return (*self.names, *self.addresses)


class JobEntry(Value):
    """One declared job; ``window`` is ``always`` or a cron window."""

    job: Name
    host: HostName
    product: Text = ""
    signer: Text = ""
    sha256: Sha256 = ""
    repositories: Cells = ()
    vendor_networks: Cells = ()
    window: Literal["always"] | CronWindow
    daily_bytes: int = Field(ge=0, le=MAX_BYTES)
    owner: Text = ""
    review_by: date | None = None

    @field_validator("vendor_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(network_of(network, VENDOR_V4_BITS, VENDOR_V6_BITS)) for network in networks)


@dataclass(frozen=True)
class DeclaredJob:
    """A job whose repositories are resolved to names and addresses."""

    entry: JobEntry
    places: tuple[str, ...]

    def answer(self, asked: TimeWindow) -> BackupJob | None:
        """The job with its windows that overlap the asked one, or None when it has none there. Raises TooMany."""
        windows = () if isinstance(self.entry.window, str) else self.entry.window.intervals(asked)
        always = self.entry.window == "always"
        if not always and not windows:
            return None
        plain = self.entry.model_dump(exclude={"window", "repositories"})
        return BackupJob(**plain, repositories=self.places, windows=windows, always=always)


@dataclass(frozen=True)
class JobsFile:
    """backup_jobs.yaml read: repositories by name, jobs, and what was left out of each."""

    repositories: Mapping[str, tuple[str, ...]]
    jobs: Parsed[DeclaredJob]
    repository_rows: Parsed[tuple[str, tuple[str, ...]]]


class _Frame(Value):
    timezone: Zone | None = None
    repositories: dict[str, Any] = {}
    jobs: list[Any] = []


def read(path: Path) -> JobsFile:
    """The file at ``path``; never raises: what cannot be used says so."""
    try:
        document, as_of = read_yaml(path)
        frame = _frame(path, document)
    except Unreadable as fault:
        return JobsFile({}, Parsed(path, unavailable=str(fault)), Parsed(path, unavailable=str(fault)))
    rows = gather(path, as_of, enumerate(frame.repositories.items(), 1), _repository, " repositories ")
    known = dict(rows.entries)
    jobs = gather(path, as_of, enumerate(frame.jobs, 1), lambda row: _job(row, known, frame.timezone), " jobs ")
    return JobsFile(known, jobs, rows)


def _frame(path: Path, document: Any) -> _Frame:
    try:
        return _Frame.model_validate(document)
    except ValueError:
        expected = "repositories (name: {addresses, names}), jobs (a list) and timezone (such as Europe/Prague)"
        raise Unreadable(f"{path}: expected the keys {expected}") from None


def _repository(row: tuple[str, Any]) -> tuple[str, tuple[str, ...]]:
    name, entry = row
    places = RepositoryEntry.model_validate(entry).places
    if not places:
        raise ValueError(f"{name[:64]!r}: expected addresses or names")
    return name.strip().lower(), places


def _job(row: Any, known: Mapping[str, tuple[str, ...]], zone: ZoneInfo | None) -> DeclaredJob:
    if zone and isinstance(row, dict) and isinstance(row.get("window"), dict):
        row = row | {"window": {"timezone": zone} | row["window"]}
    entry = JobEntry.model_validate(row)
    missing = [name for name in entry.repositories if name.lower() not in known]
    if missing:
        raise ValueError(f"repositories: {missing[0][:64]!r} is not among the usable repositories of this file")
    places = (place for name in entry.repositories for place in known[name.lower()])
    return DeclaredJob(entry, tuple(dict.fromkeys(places)))
