"""GitLab over REST: when the runner on one of our hosts carried out a declared load test.

From the public manual and client code; no GitLab was at hand. GitLab knows no address of a runner, and several machines
may share one runner: then the machine's system id must be named, and the server must be seen to honour it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator

from connectors.enrichers._files.field_types import HostName, Moment, Name, Text
from connectors.enrichers._live.ci import CiSettings, CiSource, Job
from connectors.enrichers._live.source import Budget, Row, Rows, read_rows, transport_for, variable_of
from connectors.http import Clocks, Credential, Transport, segment
from playbook.errors import BadAnswer, ConnectorError, Incomplete
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.site import Site

_PAGE = 100
_RUNNER = re.compile(r"([0-9]{1,12})(?:/([A-Za-z0-9_-]{1,64}))?")
_NOBODY = "s_000000000000"  # a system id that no machine has


class Settings(CiSettings):
    """The server and a token with the scope read_api of an account that may see the runners.

    ``runners``: each host's runner as its number, or number/system id where machines share a runner. ``projects`` are
    the full paths of the projects whose jobs count, ``refs`` the branches or tags (empty: every one).
    """

    token: SecretStr = Field(min_length=1)
    projects: tuple[Name, ...] = Field(min_length=1)
    refs: tuple[Name, ...] = ()

    @field_validator("runners")
    @classmethod
    def _numbers(cls, runners: dict[HostName, Name]) -> dict[HostName, Name]:
        if wrong := next((one for one in runners.values() if not _RUNNER.fullmatch(one)), None):
            raise ValueError(f"{wrong[:40]!r}: expected a runner's number, or number/system id")
        return runners


class _Project(Row):
    path_with_namespace: Text = ""


class _JobRow(Row):
    id: int
    name: Name
    ref: Text = ""
    started_at: Moment | None = None
    finished_at: Moment | None = None
    created_at: Moment
    project: _Project = _Project()


class GitLab(CiSource):
    """Test windows by host."""

    def __init__(self, name: str, settings: Settings, api: Transport, clocks: Clocks) -> None:
        super().__init__(name, settings, clocks)
        self._settings, self._api = settings, api

    def check(self) -> tuple[CheckResult, ...]:
        """Read the machines and one page of jobs of each runner."""
        budget = Budget(self._settings, self.name, self._clocks)
        results = []
        for host, runner in self._settings.runners.items():
            subject = f"{self.name}: runner of {host}"
            try:
                self._prove_one_machine(runner, budget)
                page, _ = self._page(runner, 1, budget)
                results.append(CheckResult(subject=subject, ok=True, message=f"jobs can be read ({len(page)} at once)"))
            except ConnectorError as fault:
                results.append(CheckResult.failed(subject, fault))
        return tuple(results)

    def _read(self, runner: str, since: datetime, window: TimeWindow, budget: Budget) -> Rows[Job]:
        """Newest first, until a page begins before ``since``; a page that shifts while we read repeats rows."""
        self._prove_one_machine(runner, budget)
        jobs: dict[int, Job] = {}
        notes: dict[str, None] = {}
        number: int | None = 1
        while number is not None:
            page, following = self._page(runner, number, budget)
            read = read_rows(_JobRow, page, "jobs")
            notes |= dict.fromkeys(read.notes)
            jobs |= {
                row.id: Job(str(row.id), row.name, row.started_at, row.finished_at)
                for row in read.entries
                if row.started_at is not None and self._counts(row)
            }
            reached = read.entries and min(row.created_at for row in read.entries) < since
            number = None if reached or not page else following
        return Rows(tuple(job for job in jobs.values() if job.started >= since), tuple(notes))

    def _counts(self, row: _JobRow) -> bool:
        settings = self._settings
        return row.project.path_with_namespace in settings.projects and (not settings.refs or row.ref in settings.refs)

    def _prove_one_machine(self, runner: str, budget: Budget) -> None:
        """Raise unless the jobs that will be read are those of one machine."""
        number, _, system = runner.partition("/")
        machines = self._list(f"/api/v4/runners/{segment(number)}/managers", {"per_page": _PAGE}, budget)
        if len(machines[0]) < 2:
            return
        if not system:
            raise Incomplete(f"{self.name}: runner {number} is several machines: write {number}/SYSTEM_ID in runners")
        if self._page(f"{number}/{_NOBODY}", 1, budget)[0]:
            raise Incomplete(f"{self.name}: this server does not tell the machines of runner {number} apart")

    def _page(self, runner: str, number: int, budget: Budget) -> tuple[list[Any], int | None]:
        runner_id, _, system = runner.partition("/")
        params: dict[str, str | int] = {"order_by": "id", "sort": "desc", "per_page": _PAGE, "page": number}
        if system:
            params["system_id"] = system
        rows, following = self._list(f"/api/v4/runners/{segment(runner_id)}/jobs", params, budget)
        if following is None:  # large sets are not counted: then an empty page is the end
            return rows, number + 1
        return rows, int(following) if following.isdecimal() else None

    def _list(self, path: str, params: Mapping[str, str | int], budget: Budget) -> tuple[list[Any], str | None]:
        reply = self._api.get(path, params=params, deadline_s=budget.spend()).expect(200)
        rows = reply.json()
        if not isinstance(rows, list):
            raise BadAnswer(f"{self.name}: expected a list")
        return rows, reply.headers.get("x-next-page")


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> GitLab:  # noqa: B008
    """The server called ``name``. ``site`` is unused."""
    secret = settings.token
    credential = Credential(variable_of(secret, "token"), secret, header="PRIVATE-TOKEN", scheme="")
    return GitLab(name, settings, transport_for(settings, name, folder, clocks, credential), clocks)
