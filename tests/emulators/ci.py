"""GitLab, GitHub Actions and Jenkins on loopback, as far as the jobs of runners go, from their public references.

At their nastiest: 20 rows a page unless told otherwise, sets that are not counted, several machines behind one runner
(and a server too old to tell them apart), a rate limit as 403, builds that do not say where they ran.
"""

import base64
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import unquote, urlencode

from tests.emulators.site import Answer, Product, Request, site

Body = dict[str, Any]


def gitlab_job(number: int, name: str, start: str | None, end: str | None, **change: Any) -> Body:
    """One job of a GitLab runner."""
    return {
        "id": number,
        "status": "success",
        "stage": "test",
        "name": name,
        "ref": "main",
        "tag": False,
        "created_at": start or "2026-10-31T11:00:00.000Z",
        "started_at": start,
        "finished_at": end,
        "duration": 60.0,
        "user": {"id": 1, "username": "ci"},
        "system": "s_aaa",
        "project": {"id": 4, "name": "shop", "path_with_namespace": "acme/shop"},
    } | change


class GitLabServer:
    """One GitLab: ``machines`` are the system ids behind each runner; ``old``: it ignores ``system_id``."""

    def __init__(self, token: str, jobs: dict[str, list[Body]], machines: dict[str, list[str]]) -> None:
        self.token, self.jobs, self.machines = token, jobs, machines
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.old = False
        self.counted = True
        self.busy = 0

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        if request.headers.get("private-token") != self.token:
            return Answer(401, {"message": "401 Unauthorized"})
        if self.busy:
            self.busy -= 1
            return Answer(429, b"Retry later\n", {"Retry-After": "3"})
        place = re.fullmatch(r"/api/v4/runners/(\d+)/(jobs|managers)", request.path)
        if place is None or place[1] not in self.jobs:
            return Answer(404, {"message": "404 Not found"})
        if place[2] == "managers":
            machines = enumerate(self.machines[place[1]])
            return self._page(
                [{"id": n, "system_id": one, "ip_address": "127.0.0.1"} for n, one in machines], request.query
            )
        rows = self.jobs[place[1]]
        if "system_id" in request.query and not self.old:
            rows = [row for row in rows if row["system"] == request.query["system_id"]]
        newest = request.query.get("order_by") == "id" and request.query.get("sort") == "desc"
        answer = self._page(sorted(rows, key=lambda row: row["id"], reverse=newest), request.query)
        following = answer.headers.get("X-Next-Page")
        return Answer(answer.status, answer.body, answer.headers | _next(request, following)) if following else answer

    def _page(self, rows: list[Body], query: dict[str, str]) -> Answer:
        size, number = min(int(query.get("per_page", "20")), 100), int(query.get("page", "1"))
        part = rows[(number - 1) * size : number * size]
        following = str(number + 1) if number * size < len(rows) else ""
        return Answer(200, part, {"X-Next-Page": following} if self.counted else {})


def github_run(number: int, start: str, end: str, **change: Any) -> Body:
    """One workflow run."""
    return {
        "id": number,
        "name": "load",
        "head_branch": "main",
        "status": "completed",
        "run_started_at": start,
        "created_at": start,
        "updated_at": end,
    } | change


def github_job(number: int, name: str, runner: int | None, start: str | None, end: str | None) -> Body:
    """One job of a workflow run."""
    return {
        "id": number,
        "run_id": 1,
        "name": name,
        "status": "completed",
        "conclusion": "success",
        "started_at": start,
        "completed_at": end,
        "runner_id": runner,
        "runner_name": "runner-01",
        "labels": [],
    }


class GitHubServer:
    """One GitHub with one repository acme/shop."""

    def __init__(self, token: str, runs: list[Body], jobs: dict[int, list[Body]]) -> None:
        self.token, self.runs, self.jobs = token, runs, jobs
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.limited = False
        self.may_read = True

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        if request.headers.get("authorization") not in (f"Bearer {self.token}", f"token {self.token}"):
            return Answer(401, {"message": "Bad credentials"})
        if self.limited:
            return Answer(403, {"message": "API rate limit exceeded"}, {"X-RateLimit-Remaining": "0"})
        if not self.may_read:
            return Answer(403, {"message": "Resource not accessible by personal access token"})
        if request.path == "/repos/acme/shop/actions/runs":
            first, _, last = request.query.get("created", "0..9").partition("..")
            rows = [run for run in self.runs if first <= run["created_at"] <= last]
            return self._page("workflow_runs", rows, request)
        place = re.fullmatch(r"/repos/acme/shop/actions/runs/(\d+)/jobs", request.path)
        if place and int(place[1]) in self.jobs:
            return self._page("jobs", self.jobs[int(place[1])], request)
        return Answer(404, {"message": "Not Found"})

    def _page(self, key: str, rows: list[Body], request: Request) -> Answer:
        query = request.query
        size, number = min(int(query.get("per_page", "30")), 100), int(query.get("page", "1"))
        body = {"total_count": len(rows), key: rows[(number - 1) * size : number * size]}
        return Answer(200, body, _next(request, str(number + 1)) if number * size < len(rows) else {})


def _next(request: Request, page: str) -> dict[str, str]:
    more = urlencode(request.query | {"page": page})
    return {"Link": f'<http://{request.headers["host"]}{request.path}?{more}>; rel="next"'}


def build(number: int, start: float, seconds: float, node: str | None = "node-1", building: bool = False) -> Body:
    """One Jenkins build; times in epoch seconds. ``node`` None: a pipeline's, which does not say."""
    row = {
        "_class": "hudson.model.FreeStyleBuild",
        "number": number,
        "timestamp": int(start * 1000),
        "duration": 0 if building else int(seconds * 1000),
        "building": building,
    }
    return row if node is None else row | {"builtOn": node}


class JenkinsServer:
    """One controller; ``jobs`` by full name, newest build first."""

    def __init__(self, user: str, token: str, jobs: dict[str, list[Body]]) -> None:
        self.user, self.token, self.jobs = user, token, jobs
        self.seen: list[Request] = []
        self.lost: set[int] = set()

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        pair = base64.b64encode(f"{self.user}:{self.token}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {pair}":
            return Answer(401, b"<html><head><title>Error 401 Unauthorized</title></head></html>")
        place = re.fullmatch(r"((?:/job/[^/]+)+)/api/json", request.path)
        name = unquote(place[1].replace("/job/", "/")[1:]) if place else ""
        if name not in self.jobs:
            return Answer(404, b"<html><title>Not found</title></html>")
        part = re.fullmatch(r"allBuilds\[[A-Za-z,]+\]\{(\d+),(\d+)\}", request.query["tree"])
        if part is None:
            return Answer(500, b"<html>Oops!</html>")
        return Answer(
            200, {"_class": "hudson.model.FreeStyleProject", "allBuilds": self.jobs[name][int(part[1]) : int(part[2])]}
        )


def serving(product: Product) -> Callable[[str], AbstractContextManager[str]]:
    """For ``cassette.site``."""
    return lambda public_url: site(product)
