"""Jenkins over its JSON API: when the node on one of our hosts carried out a declared load test.

From the public reference; no controller was at hand. Jenkins knows no address of a node, and the builds of a pipeline
do not say on which node they ran: those are counted, and explain nothing.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from connectors.enrichers._files.field_types import Name, Text
from connectors.enrichers._live.ci import CiSettings, CiSource, Job
from connectors.enrichers._live.source import Budget, Memory, Row, Rows, list_in, read_rows, transport_for, variable_of
from connectors.http import Clocks, Credential, Transport, segment
from playbook.errors import ConnectorError
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.site import Site

_PAGE = 100
_FIELDS = "number,timestamp,duration,building,builtOn"
_MOST_MS = 4_102_444_800_000  # the year 2100


class Settings(CiSettings):
    """The controller, and a user with Overall/Read and Job/Read and an API token of his.

    ``runners``: each host's node by its name there. ``jobs`` are the full names (folder/job) whose builds are read;
    of these the ones that ``tests`` matches count.
    """

    user: str = Field(min_length=1)
    token: SecretStr = Field(min_length=1)
    jobs: tuple[Name, ...] = Field(min_length=1, max_length=100)


class _Build(Row):
    number: int
    timestamp: int = Field(ge=0, le=_MOST_MS)
    duration: int = Field(default=0, ge=0, le=366 * 86_400_000)
    building: bool = False
    built_on: Text | None = None


class Jenkins(CiSource):
    """Test windows by host."""

    def __init__(self, name: str, settings: Settings, api: Transport, clocks: Clocks) -> None:
        super().__init__(name, settings, clocks)
        self._settings, self._api = settings, api
        self._all: Memory[TimeWindow, tuple[dict[str, tuple[_Build, ...]], tuple[str, ...]]] = Memory(
            settings.keep_s, clocks
        )

    def check(self) -> tuple[CheckResult, ...]:
        """Read the newest build of each job, and whether it says on which node it ran."""
        budget = Budget(self._settings, self.name, self._clocks)
        results = []
        for job in self._settings.jobs:
            subject = f"{self.name}: {job}"
            try:
                builds = read_rows(_Build, self._page(job, 0, 1, budget), "builds")
            except ConnectorError as fault:
                results.append(CheckResult.failed(subject, fault))
                continue
            silent = any(build.built_on is None for build in builds.entries)
            message = "its builds do not say on which node they ran (a pipeline?)" if silent else "builds can be read"
            results.append(
                CheckResult(subject=subject, ok=not silent and not builds.notes, message=builds.warning or message)
            )
        return tuple(results)

    def _read(self, runner: str, since: datetime, window: TimeWindow, budget: Budget) -> Rows[Job]:
        builds, notes = self._all.get(window, lambda: self._everything(since, budget))
        return Rows(
            tuple(
                Job(
                    str(build.number),
                    job,
                    _moment(build.timestamp),
                    None if build.building else _moment(build.timestamp + build.duration),
                )
                for job, rows in builds.items()
                for build in rows
                if build.built_on == runner
            ),
            notes,
        )

    def _everything(self, since: datetime, budget: Budget) -> tuple[dict[str, tuple[_Build, ...]], tuple[str, ...]]:
        notes: dict[str, None] = {}
        builds: dict[str, tuple[_Build, ...]] = {}
        for job in self._settings.jobs:
            read = self._builds(job, since, budget)
            notes |= dict.fromkeys(read.notes)
            builds[job] = read.entries
            if placeless := sum(build.built_on is None for build in read.entries):
                notes[f"{placeless} builds of {job} do not say on which node they ran"] = None
        return builds, tuple(notes)

    def _builds(self, job: str, since: datetime, budget: Budget) -> Rows[_Build]:
        """The builds of a job, newest first, until one began before ``since``; rows may shift while we read."""
        rows: dict[int, _Build] = {}
        notes: dict[str, None] = {}
        start = 0
        while True:
            page = self._page(job, start, start + _PAGE, budget)
            read = read_rows(_Build, page, "builds")
            notes |= dict.fromkeys(read.notes)
            rows |= {build.number: build for build in read.entries}
            start += _PAGE
            if len(page) < _PAGE or any(_moment(build.timestamp) < since for build in read.entries):
                return Rows(tuple(b for b in rows.values() if _moment(b.timestamp) >= since), tuple(notes))

    def _page(self, job: str, start: int, end: int, budget: Budget) -> list[Any]:
        path = "".join(f"/job/{segment(part)}" for part in job.split("/"))
        left = budget.spend()
        reply = self._api.get(f"{path}/api/json?tree=allBuilds[{_FIELDS}]{{{start},{end}}}", deadline_s=left)
        return list_in(reply.expect(200).json(), "allBuilds", self.name)


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> Jenkins:  # noqa: B008
    """The controller called ``name``. ``site`` is unused."""
    credential = Credential(variable_of(settings.token, "token"), settings.token, user=settings.user)
    return Jenkins(name, settings, transport_for(settings, name, folder, clocks, credential), clocks)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
