"""Veeam Backup & Replication's REST API on loopback, from the vendor's description (unproven against a server).

At its nastiest: 200 rows unless told otherwise and never more than ``most``, tokens that end, words that no version
documents, a restore among the backups, progress that is null, names matched as patterns, times in the server's zone.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from tests.emulators.site import Answer, Request, site

Body = dict[str, Any]
_ID = "00000000-0000-0000-0000-{:012d}"


def task(number: int, name: str, start: str, end: str | None, size: int | None, **change: Any) -> Body:
    """One backup of one object; ``change`` overrides or adds fields."""
    row = {
        "id": _ID.format(number),
        "type": "Backup",
        "sessionId": _ID.format(7000 + number),
        "sessionType": "AgentBackup",
        "creationTime": start,
        "name": name,
        "usn": number,
        "state": "Stopped",
        "algorithm": "Increment",
        "repositoryId": _ID.format(1),
        "result": {"result": "Success", "message": "", "isCanceled": False},
        "progress": None
        if size is None
        else {
            "duration": "00:30:00",
            "processingRate": "1 MB/s",
            "bottleneck": "Source",
            "processedSize": 2 * size,
            "readSize": 2 * size,
            "transferredSize": size,
            "progressPercent": 100,
        },
    }
    return row | ({} if end is None else {"endTime": end}) | change


def s3(number: int, name: str, bucket: str, region: str) -> Body:
    """A repository in a bucket of Amazon S3."""
    return {
        "id": _ID.format(number),
        "name": name,
        "description": "",
        "type": "AmazonS3",
        "account": {"credentialsId": _ID.format(90), "regionType": "Global"},
        "bucket": {"regionId": region, "bucketName": bucket, "folderName": "veeam"},
        "mountServer": {"mountServerSettingsType": "Windows"},
    }


def local(number: int, name: str) -> Body:
    """A repository on a disk of a Windows server."""
    return {"id": _ID.format(number), "name": name, "description": "", "type": "WinLocal", "hostId": _ID.format(80)}


class VeeamServer:
    """One backup server with its task sessions and repositories."""

    def __init__(self, password: str, token: str, tasks: list[Body], repositories: list[Body], most: int = 200) -> None:
        self.password, self.token, self.most = password, token, most
        self.tasks, self.repositories = tasks, repositories
        self.time: Body = {"serverTime": "2026-11-01T13:00:10+01:00", "timeZone": "(UTC+01:00) Prague"}
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.may_read = True
        self.expires_after = 10**6
        self._uses = 0

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        if "x-api-version" not in request.headers:
            return _error(400, "UnknownError", "The x-api-version header is required")
        if request.path == "/api/oauth2/token":
            return self._log_in(request.form)
        self._uses += 1
        if request.headers.get("authorization") != f"Bearer {self.token}" or self._uses > self.expires_after:
            return _error(401, "AccessDenied", "Authorization failed")
        if not self.may_read:
            return _error(403, "AccessDenied", "User is not authorized to perform this operation")
        if request.path == "/api/v1/serverTime":
            return Answer(200, self.time)
        if request.path == "/api/v1/backupInfrastructure/repositories":
            return self._page(self.repositories, request.query)
        if request.path == "/api/v1/taskSessions":
            return self._page([row for row in self.tasks if _passes(row, request.query)], request.query)
        return _error(404, "NotFound", "No such endpoint")

    def _log_in(self, form: dict[str, str]) -> Answer:
        if form.get("grant_type", "").lower() != "password" or form.get("password") != self.password:
            return _error(401, "AccessDenied", "Invalid username or password")
        self._uses = 0
        return Answer(
            200,
            {
                "access_token": self.token,
                "token_type": "bearer",
                "refresh_token": "unused",
                "expires_in": 900,
                ".issued": "2026-11-01T12:00:00Z",
                ".expires": "2026-11-01T12:15:00Z",
            },
        )

    def _page(self, rows: list[Body], query: dict[str, str]) -> Answer:
        if query.get("orderColumn") == "CreationTime":
            rows = sorted(rows, key=lambda row: _moment(row["creationTime"]), reverse=query.get("orderAsc") != "true")
        skip, limit = int(query.get("skip", "0")), min(int(query.get("limit", "200")), self.most)
        part = rows[skip : skip + limit]
        return Answer(
            200,
            {
                "data": part,
                "pagination": {"total": len(rows), "count": len(part), "skip": skip, "limit": limit},
            },
        )


def _passes(row: Body, query: dict[str, str]) -> bool:
    created = _moment(row["creationTime"])
    return (
        query.get("typeFilter", row["type"]) == row["type"]
        and query.get("nameFilter", "").strip("*") in str(row)
        and ("createdAfterFilter" not in query or created >= _moment(query["createdAfterFilter"]))
        and ("createdBeforeFilter" not in query or created <= _moment(query["createdBeforeFilter"]))
    )


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() if "T" in text else 0.0


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"errorCode": code, "message": message, "resourceId": ""})


def serving(server: VeeamServer) -> Callable[[str], AbstractContextManager[str]]:
    """For ``cassette.site``."""
    return lambda public_url: site(server)
