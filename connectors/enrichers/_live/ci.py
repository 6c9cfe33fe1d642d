"""What CI servers share as evidence: the declared load tests that a machine's runner carried out, as test windows.

The server writes when a job ran and on which runner; an administrator says which machine a runner is, which jobs are
load tests, and at what they aim. A job's own text decides nothing: whoever may push could write it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple

from pydantic import Field

from connectors.enrichers._files.field_types import HostName, Name
from connectors.enrichers._files.indexes import HostIndex
from connectors.enrichers._live.source import Budget, Live, Memory, Place, Rows, answers_of, no_answer
from connectors.http import Clocks
from playbook.errors import ConnectorError
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.enrichment import Enrichment, ScheduledWindow
from playbook.model.observable import Observable

_MOST_JOBS = 5_000


class CiSettings(Live):
    """Settings of every CI server.

    ``runners`` gives the server's own id of the runner on each of our hosts. ``tests`` are the jobs that are load
    tests: a pattern of the job's name (``load-test*``) and the places that it may aim at, which may be empty where
    the calendar declares them. A job that began more than ``longest_h`` hours before the window is not looked for.
    """

    runners: dict[HostName, Name] = Field(min_length=1)
    tests: dict[Name, tuple[Place, ...]] = Field(min_length=1)
    longest_h: int = Field(default=24, ge=1, le=744)


class Job(NamedTuple):
    """One job as its server says it ran; ``ended`` None: it still runs."""

    reference: str
    name: str
    started: datetime
    ended: datetime | None


class CiSource(ABC):
    """An enricher that gives test windows of the hosts that have a runner; a subclass reads the jobs of one."""

    remote = True
    topics = ("windows",)

    def __init__(self, name: str, settings: CiSettings, clocks: Clocks) -> None:
        self.name = name
        self._ci, self._clocks = settings, clocks
        self._runners = HostIndex((host, (host, runner)) for host, runner in settings.runners.items())
        self._memory: Memory[tuple[str, TimeWindow], Rows[Job]] = Memory(settings.keep_s, clocks)

    def look_up(self, observables: Sequence[Observable], window: TimeWindow) -> tuple[Enrichment, ...]:
        """The windows of each host's runner; a host without one is answered without asking anybody."""
        budget = Budget(self._ci, self.name, self._clocks)
        words: list[Enrichment] = []
        for one in (one for one in observables if one.kind == "host"):
            try:
                read = [(host, self._jobs(runner, window, budget)) for host, runner in self._runners.find(one.value)]
            except ConnectorError as fault:
                words += no_answer(self.name, "windows", [one], str(fault))
                continue
            answers = tuple(
                window_of for host, jobs in read for window_of in self._windows(jobs.entries, (host, one.value), window)
            )
            notes = dict.fromkeys(note for _, jobs in read for note in jobs.notes)
            words += answers_of(self.name, "windows", [(one, answers)], warning="; ".join(notes), as_of=self._now())
        return tuple(words)

    @abstractmethod
    def check(self) -> tuple[CheckResult, ...]:
        """Whether the jobs of each runner can be read."""

    @abstractmethod
    def _read(self, runner: str, since: datetime, window: TimeWindow, budget: Budget) -> Rows[Job]:
        """The jobs of a runner that began at or after ``since``. Raises ConnectorError."""

    def _jobs(self, runner: str, window: TimeWindow, budget: Budget) -> Rows[Job]:
        since = window.start - timedelta(hours=self._ci.longest_h)
        return self._memory.get((runner, window), lambda: self._read(runner, since, window, budget))

    def _windows(self, jobs: Iterable[Job], hosts: tuple[str, ...], window: TimeWindow) -> list[ScheduledWindow]:
        now = self._now()
        spans = sorted(
            ((job.started, job.ended or now, job) for job in jobs), key=lambda span: (span[0], span[1], span[2].name)
        )
        return [
            ScheduledWindow(
                kind="test",
                name=f"{job.name} ({self.name} job {job.reference})",
                hosts=tuple(dict.fromkeys(hosts)),
                window=TimeWindow(start=start, end=end),
                targets=targets,
                written_by="us",
            )
            for start, end, job in spans
            if start < end
            and start < window.end
            and end > window.start
            and (targets := self._targets(job.name)) is not None
        ][:_MOST_JOBS]

    def _targets(self, job: str) -> tuple[str, ...] | None:
        """Where a job of this name may aim; None when it is no declared load test."""
        matching = [places for pattern, places in self._ci.tests.items() if fnmatchcase(job, pattern)]
        return tuple(dict.fromkeys(place for places in matching for place in places)) if matching else None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clocks.wall(), UTC)
