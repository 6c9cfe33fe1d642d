"""A CrowdSec Local API on loopback, as version 1.4.6 was seen to behave in test_crowdsec_real.py."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from tests.emulators.site import Answer, Request, site

_REQUIRED = (
    "capacity",
    "events",
    "events_count",
    "leakspeed",
    "message",
    "scenario",
    "scenario_hash",
    "scenario_version",
    "simulated",
    "source",
    "start_at",
    "stop_at",
)


class Lapi:
    """One machine account; ``wall`` is its clock in epoch seconds."""

    def __init__(self, password: str, token: str, wall: Callable[[], float]) -> None:
        self.password, self.token, self.wall = password, token, wall
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.decisions: dict[int, dict[str, Any]] = {}
        self.expire_tokens = 0  # so many calls are told that their token is over

    def active(self, value: str) -> list[dict[str, Any]]:
        """The decisions that bouncers would carry out on an address."""
        return [d for d in self.decisions.values() if d["value"] == value and d["until"] > self.wall()]

    def answer(self, request: Request) -> Answer:
        if "/" not in request.headers.get("user-agent", ""):
            return Answer(401, {"code": 401, "message": "incorrect Username or Password"})
        if request.path == "/v1/watchers/login":
            right = request.json()["password"] == self.password
            said = {"token": self.token} if right else {"message": "incorrect Username or Password"}
            return Answer(200 if right else 401, {"code": 200 if right else 401, **said})
        if self.expire_tokens or request.headers.get("authorization") != f"Bearer {self.token}":
            self.expire_tokens = max(0, self.expire_tokens - 1)
            return Answer(401, {"code": 401, "message": "token is expired"})
        if request.path == "/v1/alerts":
            return self._post(request.json()) if request.method == "POST" else self._get(request.query)
        if request.method == "DELETE" and request.path.startswith("/v1/decisions/"):
            return self._delete(request.path.rpartition("/")[2])
        return Answer(404, {"message": "object not found"})

    def _post(self, alerts: list[dict[str, Any]]) -> Answer:
        for alert in alerts:
            lacking = [f"0.{name} in body is required" for name in _REQUIRED if name not in alert]
            if lacking:
                return Answer(500, {"message": "validation failure list:\n" + "\n".join(lacking)})
            start = datetime.fromisoformat(alert["stop_at"]).timestamp()
            for decision in alert["decisions"]:
                number = len(self.decisions) + 1
                until = start + int(decision["duration"].removesuffix("s"))
                self.decisions[number] = {**decision, "id": number, "until": until, "alert": number}
        return Answer(201, [str(len(self.decisions))])

    def _get(self, query: dict[str, str]) -> Answer:
        value = query.get("value")
        found = self.decisions.values() if value is None else self.active(value)
        alerts = [{"id": d["alert"], "decisions": [self._told(d)]} for d in found]
        return Answer(200, alerts or None)

    def _told(self, decision: dict[str, Any]) -> dict[str, Any]:
        left = decision["until"] - self.wall()
        sign, whole = ("-" if left < 0 else ""), abs(int(left))
        duration = f"{sign}{whole // 3600}h{whole % 3600 // 60}m{whole % 60}.5s" if whole else "-31.192007ms"
        return {
            **{k: v for k, v in decision.items() if k not in ("until", "alert")},
            "duration": duration,
            "simulated": False,
        }

    def _delete(self, number: str) -> Answer:
        decision = self.decisions.get(int(number))
        if decision is None:
            return Answer(500, {"message": f"decision with id '{number}' doesn't exist: unable to delete"})
        decision["until"] = min(decision["until"], self.wall())
        return Answer(200, {"nbDeleted": "1"})


def serving(lapi: Lapi) -> Callable[[str], AbstractContextManager[str]]:
    """For ``cassette.site``."""
    return lambda public_url: site(lapi)
