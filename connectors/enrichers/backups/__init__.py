"""Declared backup jobs (YAML) and a backup server's exported sessions (CSV)."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import model_validator

from connectors.enrichers._files.field_types import Zone
from connectors.enrichers._files.indexes import HostIndex
from connectors.enrichers._files.reader import Parsed
from connectors.enrichers._files.schedule import TooManyOccurrences
from connectors.enrichers.backups import jobs, sessions
from playbook.model import Value
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import BackupJob, Enrichment
from playbook.model.observable import Observable
from playbook.model.site import Site

_KEPT_EXPANSIONS = 20_000


class Settings(Value):
    """Paths, one at least; ``timezone`` is for times in ``sessions`` that name no zone."""

    jobs: Path | None = None
    sessions: Path | None = None
    timezone: Zone | None = None

    @model_validator(mode="after")
    def _something(self) -> "Settings":
        if not (self.jobs or self.sessions):
            raise ValueError("expected at least one of jobs, sessions")
        return self


class Backups:
    """Answers for hosts; each file is read once, at the first question."""

    remote = False

    def __init__(self, name: str, settings: Settings, folder: Path) -> None:
        self.name = name
        self._zone = settings.timezone
        self._jobs_path = folder / settings.jobs if settings.jobs else None
        self._sessions_path = folder / settings.sessions if settings.sessions else None
        given = (("backup_jobs", self._jobs_path), ("backup_sessions", self._sessions_path))
        self.topics = tuple(topic for topic, path in given if path)
        self._expanded: dict[tuple[int, TimeWindow], BackupJob | str] = {}

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """Declared jobs with their windows, and recorded sessions, of each host in the asked window."""
        hosts = [observable for observable in observables if observable.kind == "host"]
        found: list[Enrichment] = []
        if self._jobs_path:
            template = self._template("backup_jobs", self._jobs.jobs, self._jobs.jobs.unavailable)
            found += [self._job_answer(template, host, window) for host in hosts]
        if self._sessions_path:
            # Sessions without their repositories' places would look like sessions to nowhere.
            unavailable = self._sessions.parsed.unavailable or self._jobs.repository_rows.unavailable
            template = self._template("backup_sessions", self._sessions.parsed, unavailable)
            for host in hosts:
                answers = () if unavailable else self._sessions.find(host.value, window)
                found.append(template.model_copy(update={"observable": host, "answers": answers}))
        return tuple(found)

    def check(self) -> tuple[CheckResult, ...]:
        """One result each for repositories, jobs and sessions, as configured."""
        parts: list[tuple[str, Parsed[Any]]] = []
        if self._jobs_path:
            parts += [("repositories", self._jobs.repository_rows), ("jobs", self._jobs.jobs)]
        if self._sessions_path:
            parts.append(("sessions", self._sessions.parsed))
        return tuple(parsed.result(f"{self.name}: {part}: {parsed.path.name}") for part, parsed in parts)

    def _template(self, topic: str, parsed: Parsed[Any], unavailable: str | None) -> Enrichment:
        warnings = dict.fromkeys((parsed.warning, self._jobs.repository_rows.warning))
        return Enrichment(
            enricher=self.name,
            topic=topic,
            observable=Observable(kind="host", value="", role="source"),
            unavailable=unavailable,
            as_of=parsed.as_of,
            warning="; ".join(part for part in warnings if part),
        )

    def _job_answer(self, template: Enrichment, host: Observable, window: TimeWindow) -> Enrichment:
        answers, idle = [], []
        for number, job in self._by_host.find(host.value):
            try:
                answer = self._expand(number, job, window)
            except TooManyOccurrences as fault:
                return template.model_copy(update={"observable": host, "unavailable": f"{job.entry.job}: {fault}"})
            if isinstance(answer, str):
                idle.append(answer)
            else:
                answers.append(answer)
        warning = "; ".join(part for part in (template.warning, *idle) if part)
        return template.model_copy(update={"observable": host, "answers": tuple(answers), "warning": warning})

    def _expand(self, number: int, job: jobs.DeclaredJob, window: TimeWindow) -> BackupJob | str:
        key = (number, window)
        if key not in self._expanded:
            if len(self._expanded) >= _KEPT_EXPANSIONS:
                self._expanded.clear()
            self._expanded[key] = job.answer(window) or f"job {job.entry.job} has no window in the asked time"
        return self._expanded[key]

    @cached_property
    def _jobs(self) -> jobs.JobsFile:
        if self._jobs_path is None:
            return jobs.JobsFile({}, Parsed(Path()), Parsed(Path()))
        return jobs.read(self._jobs_path)

    @cached_property
    def _by_host(self) -> HostIndex[tuple[int, jobs.DeclaredJob]]:
        return HostIndex((job.entry.host, (number, job)) for number, job in enumerate(self._jobs.jobs.entries))

    @cached_property
    def _sessions(self) -> sessions.SessionBook:
        return sessions.read(self._sessions_path or Path(), self._jobs.repositories, self._zone)


def connect(name: str, settings: Settings, site: Site, folder: Path) -> Backups:
    """An enricher over the files that ``settings`` names, relative to ``folder``."""
    return Backups(name, settings, folder)
