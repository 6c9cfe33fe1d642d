"""The part of Microsoft Defender that isolates machines, on loopback, from documentation (unproven on a tenant)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.emulators.defender import CLIENT, TENANT
from tests.emulators.site import Answer, Request, site

_SINCE = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Machines:
    """One tenant. Sensors take what was ordered when ``settle`` is called."""

    def __init__(self, secret: str, token: str, *hosts: str) -> None:
        self.secret, self.token = secret, token
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.may_write = True
        self.orders: list[str] = []
        self.actions: list[dict[str, Any]] = []
        self.names = {host: f"pc-{host[:4]}.corp.example" for host in hosts}

    def settle(self, status: str = "Succeeded") -> None:
        """Every sensor has reported back."""
        for action in self.actions:
            action["status"] = status if action["status"] == "Pending" else action["status"]

    def ordered(self, host: str, kind: str, comment: str, status: str = "Pending") -> dict[str, Any]:
        """An action in the record, as anybody may have ordered it."""
        action = {
            "id": f"{len(self.actions):08}-0000-0000-0000-000000000000",
            "type": kind,
            "status": status,
            "machineId": host,
            "requestor": "analyst@example.test",
            "requestorComment": comment,
            "creationDateTimeUtc": (_SINCE + timedelta(seconds=len(self.actions))).isoformat(),
        }
        self.actions.append(action)
        return action

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        if request.path == f"/{TENANT}/oauth2/v2.0/token":
            if (request.form["client_id"], request.form["client_secret"]) != (CLIENT, self.secret):
                return Answer(401, {"error": "invalid_client"})
            return Answer(200, {"token_type": "Bearer", "access_token": self.token})
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _error(401, "Unauthorized", "token")
        parts = request.path.strip("/").split("/")
        if parts == ["api", "machines"]:
            return Answer(200, {"value": [self._machine(host) for host in list(self.names)[:1]]})
        if parts == ["api", "machineactions"]:
            host = request.query["$filter"].split("'")[1]
            found = [one for one in reversed(self.actions) if one["machineId"] == host]
            return Answer(200, {"value": found[: int(request.query["$top"])]})
        host = parts[2]
        if host not in self.names:
            return _error(404, "ResourceNotFound", "Machine was not found")
        if request.method == "GET":
            return Answer(200, self._machine(host))
        return self._order(host, parts[3], request.json())

    def _machine(self, host: str) -> dict[str, Any]:
        return {"id": host, "computerDnsName": self.names[host], "healthStatus": "Active"}

    def _order(self, host: str, verb: str, body: dict[str, str]) -> Answer:
        if not self.may_write:
            return _error(403, "Forbidden", "The application does not have any of the required permissions")
        kind = {"isolate": "Isolate", "unisolate": "Unisolate"}[verb]
        if any(one["machineId"] == host and one["status"] == "Pending" for one in self.actions if one["type"] == kind):
            return _error(400, "ActiveRequestAlreadyExists", "Action is already in progress")
        self.orders.append(verb)
        return Answer(201, self.ordered(host, kind, body["Comment"]))


def _error(status: int, code: str, text: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": text}})


def serving(machines: Machines) -> Callable[[str], AbstractContextManager[str]]:
    """For ``cassette.site``."""
    return lambda public_url: site(machines)
