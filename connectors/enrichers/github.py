"""GitHub Actions over REST: when the self-hosted runner on one of our hosts carried out a declared load test.

From the public reference and client code; nothing here has met the real service. GitHub knows no address of a runner,
and a runner's name is chosen where it is installed: only its number counts. Runners that are made anew for each job
have no lasting number and cannot be named here.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from connectors.enrichers._files.field_types import HostName, Moment, Name, Text
from connectors.enrichers._live.ci import CiSettings, CiSource, Job
from connectors.enrichers._live.source import (
    Budget,
    Memory,
    Row,
    Rows,
    list_in,
    number_in,
    read_rows,
    transport_for,
    variable_of,
)
from connectors.http import Clocks, Credential, Transport
from playbook.errors import BadAnswer, ConnectorError, Incomplete, RateLimited, Unauthorized
from playbook.model.check import CheckResult
from playbook.model.detection import TimeWindow
from playbook.model.site import Site

_PAGE = 100
_MOST_RUNS = 1_000  # more than these a search does not give
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class Settings(CiSettings):
    """https://api.github.com (or your server's /api/v3) and a fine-grained token with Actions: read.

    ``runners``: each host's runner as its number. ``repositories`` (owner/name) are those whose jobs count,
    ``branches`` the branches of their runs (empty: every one).
    """

    base_url: str = "https://api.github.com"
    token: SecretStr = Field(min_length=1)
    repositories: tuple[Name, ...] = Field(min_length=1)
    branches: tuple[Name, ...] = ()

    @field_validator("runners")
    @classmethod
    def _numbers(cls, runners: dict[HostName, Name]) -> dict[HostName, Name]:
        if wrong := next((one for one in runners.values() if not (one.isascii() and one.isdecimal())), None):
            raise ValueError(f"{wrong[:40]!r}: expected a runner's number")
        return runners

    @field_validator("repositories")
    @classmethod
    def _full(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if any(name.count("/") != 1 or not all(_plain(part) for part in name.split("/")) for name in names):
            raise ValueError("expected owner/name")
        return names

    def places(self, folder: Path) -> tuple[str, ...]:
        """The host of the API, which the table need not name."""
        return (urlsplit(self.base_url).hostname or "",)


class _Run(Row):
    id: int
    head_branch: Text | None = None
    run_started_at: Moment
    updated_at: Moment


class _JobRow(Row):
    id: int
    name: Name
    runner_id: int | None = None
    started_at: Moment | None = None
    completed_at: Moment | None = None


class GitHub(CiSource):
    """Test windows by host."""

    def __init__(self, name: str, settings: Settings, api: Transport, clocks: Clocks) -> None:
        super().__init__(name, settings, clocks)
        self._settings, self._api = settings, api
        self._all: Memory[TimeWindow, tuple[tuple[_JobRow, ...], tuple[str, ...]]] = Memory(settings.keep_s, clocks)

    def check(self) -> tuple[CheckResult, ...]:
        """Read one run of each repository."""
        budget = Budget(self._settings, self.name, self._clocks)
        results = []
        for repository in self._settings.repositories:
            subject = f"{self.name}: {repository}"
            try:
                answer = self._get(f"/repos/{repository}/actions/runs", {"per_page": 1}, budget)
                list_in(answer, "workflow_runs", self.name)
                count = number_in(answer, "total_count", self.name)
                results.append(CheckResult(subject=subject, ok=True, message=f"{count} runs can be read"))
            except ConnectorError as fault:
                results.append(CheckResult.failed(subject, fault))
        return tuple(results)

    def _read(self, runner: str, since: datetime, window: TimeWindow, budget: Budget) -> Rows[Job]:
        rows, notes = self._all.get(window, lambda: self._everything(since, window, budget))
        return Rows(
            tuple(
                Job(str(row.id), row.name, row.started_at, row.completed_at)
                for row in rows
                if row.started_at is not None and str(row.runner_id) == runner
            ),
            notes,
        )

    def _everything(
        self, since: datetime, window: TimeWindow, budget: Budget
    ) -> tuple[tuple[_JobRow, ...], tuple[str, ...]]:
        """The jobs of all runs that may overlap the window: one request a hundred runs, and one a run."""
        jobs: dict[int, _JobRow] = {}
        notes: dict[str, None] = {}
        created = f"{_stamp(since)}..{_stamp(window.end)}"
        for repository in self._settings.repositories:
            path = f"/repos/{repository}/actions/runs"
            runs = read_rows(_Run, self._pages(path, {"created": created}, "workflow_runs", budget), "runs")
            notes |= dict.fromkeys(runs.notes)
            for run in runs.entries:
                if run.updated_at <= window.start or run.run_started_at >= window.end or not self._counts(run):
                    continue
                read = read_rows(
                    _JobRow, self._pages(f"{path}/{run.id}/jobs", {"filter": "all"}, "jobs", budget), "jobs"
                )
                notes |= dict.fromkeys(read.notes)
                jobs |= {row.id: row for row in read.entries}
        return tuple(jobs.values()), tuple(notes)

    def _counts(self, run: _Run) -> bool:
        return not self._settings.branches or run.head_branch in self._settings.branches

    def _pages(self, path: str, params: Mapping[str, str], key: str, budget: Budget) -> Iterator[Any]:
        count = 0
        number = 1
        while True:
            answer = self._get(path, {**params, "per_page": _PAGE, "page": number}, budget)
            page, total = list_in(answer, key, self.name), number_in(answer, "total_count", self.name)
            if total > _MOST_RUNS:
                raise Incomplete(f"{self.name}: {total} {key.replace('_', ' ')}; more than {_MOST_RUNS} are not given")
            yield from page
            count += len(page)
            number += 1
            if count >= total:
                return
            if not page:
                raise Incomplete(f"{self.name}: {count} of {total} rows arrived")

    def _get(self, path: str, params: Mapping[str, str | int], budget: Budget) -> dict[str, Any]:
        left = budget.spend()
        reply = self._api.get(path, params=params, headers=_HEADERS, deadline_s=left, passes={403})
        if reply.status == 403:
            if reply.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in reply.headers:
                raise RateLimited(f"{self.name}: GitHub limits our rate (403)")
            raise Unauthorized(f"{self.name}: the token may not read {path.split('/actions')[0]} (403): Actions: read")
        answer = reply.expect(200).json()
        if not isinstance(answer, dict):
            raise BadAnswer(f"{self.name}: expected an object")
        return answer


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> GitHub:  # noqa: B008
    """The service called ``name``. ``site`` is unused."""
    credential = Credential(variable_of(settings.token, "token"), settings.token)
    return GitHub(name, settings, transport_for(settings, name, folder, clocks, credential), clocks)


def _plain(part: str) -> bool:
    return (
        part not in (".", "..")
        and 0 < len(part) <= 100
        and all(c.isascii() and (c.isalnum() or c in "-_.") for c in part)
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
