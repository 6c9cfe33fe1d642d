"""The part of CrowdStrike's Falcon that contains hosts, on loopback, from documentation and client code (unproven)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.emulators.site import Answer, Request, site

_AFTER = {"contain": "containment_pending", "lift_containment": "lift_containment_pending"}
_SETTLED = {"containment_pending": "contained", "lift_containment_pending": "normal"}


class Falcon:
    """One tenant. Sensors take what was asked of them when ``settle`` is called."""

    def __init__(self, client_secret: str, token: str, *hosts: str) -> None:
        self.client_secret, self.token = client_secret, token
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.may_write = True
        self.ended_with = 0  # status that the token gets until the next log-in
        self.limited: list[dict[str, str]] = []  # headers of the 429s that the next calls get, whatever the token
        self.actions: list[str] = []
        self.devices: dict[str, dict[str, Any]] = {
            host: {"device_id": host, "hostname": f"pc-{host[:4]}", "status": "normal", "tags": [], "agent": "7"}
            for host in hosts
        }

    def settle(self) -> None:
        """Every sensor has reported back."""
        for device in self.devices.values():
            device["status"] = _SETTLED.get(device["status"], device["status"])

    def answer(self, request: Request) -> Answer:
        if request.path == "/oauth2/token":
            right = request.form.get("client_secret") == self.client_secret
            self.ended_with = 0 if right else self.ended_with
            said = {"access_token": self.token, "expires_in": 1799, "token_type": "bearer"}
            return Answer(201, said) if right else _error(401, "access denied, invalid bearer token")
        if self.limited:
            return Answer(429, {"errors": [{"code": 429, "message": "API rate limit exceeded."}]}, self.limited.pop(0))
        if self.ended_with:
            return _error(self.ended_with, "API rate limit exceeded.")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _error(401, "access denied, invalid bearer token")
        if request.path == "/devices/queries/devices/v1":
            return _resources(200, list(self.devices)[:1])
        if request.path == "/devices/entities/devices/v2":
            return _resources(200, [self.devices[i] for i in request.json()["ids"] if i in self.devices])
        if not self.may_write:
            return _error(403, "access denied, authorization failed")
        if request.path == "/devices/entities/devices-actions/v2":
            return self._act(request)
        if request.path == "/devices/entities/devices/tags/v1" and request.method == "PATCH":
            return self._tag(request.json())
        return _error(404, "not found")

    def _act(self, request: Request) -> Answer:
        host, action = request.json()["ids"][0], request.query["action_name"]
        self.actions.append(action)
        self.devices[host]["status"] = _AFTER[action]
        return _resources(202, [{"id": host, "path": "/devices/entities/devices/v1"}])

    def _tag(self, body: dict[str, Any]) -> Answer:
        device = self.devices[body["device_ids"][0]]
        kept = [tag for tag in device["tags"] if tag not in body["tags"]]
        device["tags"] = kept + (body["tags"] if body["action"] == "add" else [])
        return _resources(202, [{"device_id": device["device_id"], "updated": True}])


def _resources(status: int, found: list[Any]) -> Answer:
    return Answer(status, {"meta": {"query_time": 0.01}, "resources": found, "errors": []})


def _error(status: int, text: str) -> Answer:
    return Answer(status, {"meta": {}, "errors": [{"code": status, "message": text}]})


def serving(falcon: Falcon) -> Callable[[str], AbstractContextManager[str]]:
    """For ``cassette.site``."""
    return lambda public_url: site(falcon)
