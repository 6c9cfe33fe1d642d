"""Incoming web hooks on loopback, as Slack and Teams answer them."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.desk import Answer, Request, Site

_PLAIN = {"Content-Type": "text/plain"}


@dataclass
class Hooks:
    """``path`` is the living hook; ``posted`` holds what it showed."""

    path: str
    posted: list[Any] = field(default_factory=list)
    gone: Answer | None = None  # what a hook that was retired or stopped answers

    def slack(self, **options: Any) -> Site:
        return Site(self.as_slack, **options)

    def teams(self, **options: Any) -> Site:
        return Site(self.as_workflow, **options)

    def as_slack(self, request: Request) -> Answer:
        if request.target != self.path:
            return 404, _PLAIN, b"no_service"
        message = json.loads(request.body)
        if not message.get("text"):
            return 400, _PLAIN, b"no_text"
        if any(len(b["text"]["text"]) > 3000 for b in message["blocks"]):
            return 400, _PLAIN, b"invalid_blocks"
        self.posted.append(message)
        return 200, _PLAIN, b"ok"

    def as_workflow(self, request: Request) -> Answer:
        if request.target != self.path:
            return 401, {}, json.dumps({"error": {"message": f"no access to {request.target}"}}).encode()
        if self.gone:
            return self.gone
        if request.method == "GET":
            return 405, {}, json.dumps({"error": {"code": "MethodNotAllowed", "message": "POST it"}}).encode()
        self.posted.append(json.loads(request.body))
        return 202, {}, b""
