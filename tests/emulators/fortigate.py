"""The part of FortiGate's REST API that keeps addresses and groups, on loopback, from documentation (unproven)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.emulators.site import Answer, Request, site

_CMDB = "/api/v2/cmdb/firewall"


class FortiGateServer:
    """One virtual domain with one group, which a deny policy uses."""

    def __init__(self, token: str, group: str = "botnet-playbook") -> None:
        self.token, self.group = token, group
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.objects: dict[str, dict[str, str]] = {}
        self.members: list[str] = ["none"]
        self.may_write = True
        self.writes: list[str] = []

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(401, b"")
        assert request.query == {"vdom": "root"}
        if request.method != "GET":
            if not self.may_write:
                return _says(403, [])
            self.writes.append(f"{request.method} {request.path.removeprefix(_CMDB)}")
        place = request.path.removeprefix(_CMDB).strip("/").split("/")
        if place[0] == "address":
            return self._address(request, place[1:])
        if place[:2] != ["addrgrp", self.group]:
            return _says(404, [])
        return self._member(request, place[3:]) if len(place) > 2 else _says(200, [self._group()])

    def _group(self) -> dict[str, Any]:
        return {"name": self.group, "member": [{"name": name, "q_origin_key": name} for name in self.members]}

    def _address(self, request: Request, place: list[str]) -> Answer:
        if request.method == "POST":
            made = request.json()
            if made["name"] in self.objects:
                return Answer(500, {"status": "error", "http_status": 500, "error": -5})
            self.objects[made["name"]] = {"type": "ipmask", "comment": "", **made}
            return _says(200, [])
        if place[0] not in self.objects:
            return _says(404, [])
        if request.method == "DELETE":
            if place[0] in self.members:
                return Answer(500, {"status": "error", "http_status": 500, "error": -23})
            del self.objects[place[0]]
            return _says(200, [])
        return _says(200, [self.objects[place[0]]])

    def _member(self, request: Request, place: list[str]) -> Answer:
        if request.method == "POST":
            name = request.json()["name"]
            if name not in self.objects:
                return Answer(500, {"status": "error", "http_status": 500, "error": -3})
            self.members += [name] if name not in self.members else []
            return _says(200, [])
        if place[0] not in self.members:
            return _says(404, [])
        self.members.remove(place[0])
        return _says(200, [])


def _says(status: int, results: list[Any]) -> Answer:
    word = "success" if status == 200 else "error"
    return Answer(status, {"http_status": status, "status": word, "results": results})


def serving(server: FortiGateServer) -> Callable[[str], AbstractContextManager[str]]:
    """For ``cassette.site``."""
    return lambda public_url: site(server)
