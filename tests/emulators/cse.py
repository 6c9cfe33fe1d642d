"""A Cloud SIEM on loopback, with the nasty behaviours of the real one, each of them a switch."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ROOT = "/api/sec/v1"
_HTML = "<html><body><h1>Error</h1><p>The service is having a bad day.</p></body></html>"
_RANGE = re.compile(r"created:(\S+?)\.\.(\S+)")
_RULES = re.compile(r"ruleId:in\(([^)]*)\)")
STATUSES = (("new", "New"), ("inprogress", "In Progress"), ("closed", "Closed"))
RESOLUTIONS = ("No Action", "Resolved", "False Positive", "Duplicate")


@dataclass
class Behaviour:
    """Switches. ``statuses``, ``grows`` and ``lost`` go by the number of the request, from 1.

    ``lost`` carries the request out and answers nothing; ``grows`` adds signals before it is answered. ``restless``
    gives objects of one time in another order with each request. ``form`` is how errors are told: errors, code, html.
    """

    page_cap: int = 20
    totals: bool = True
    listed_records: bool = True
    restless: bool = False
    form: str = "errors"
    statuses: Mapping[int, tuple[int, Mapping[str, str]]] = field(default_factory=dict)
    grows: Mapping[int, Sequence[dict[str, Any]]] = field(default_factory=dict)
    lost: Sequence[int] = ()
    bodies: Mapping[int, str] = field(default_factory=dict)
    refuse: bool = False
    status_names: Sequence[tuple[str, str]] = STATUSES
    resolutions: Sequence[str] = RESOLUTIONS
    deaf: bool = False  # a status change is answered and not made


class Tenant:
    """The state of one emulated tenant; objects keep ``created``, which signals do not show."""

    def __init__(
        self,
        signals: Sequence[dict[str, Any]] = (),
        insights: Sequence[dict[str, Any]] = (),
        behaviour: Behaviour | None = None,
    ) -> None:
        self.signals = list(signals)
        self.insights = list(insights)
        self.comments: dict[str, list[str]] = {}
        self.behaviour = replace(behaviour or Behaviour())
        self.log: list[tuple[str, str]] = []
        self.asked: list[dict[str, str]] = []
        self.logins = 0
        self.lock = threading.Lock()

    @property
    def writes(self) -> list[str]:
        """The paths of everything that changes something."""
        return [path for method, path in self.log if method != "GET"]

    def matching(self, objects: Sequence[dict[str, Any]], q: str) -> list[dict[str, Any]]:
        """What a query selects; ValueError for text this emulator does not know."""
        if _RULES.sub("", _RANGE.sub("", q, count=1), count=1).strip():
            raise ValueError(q)
        first, last = (datetime.fromisoformat(text) for text in _RANGE.search(q).groups())
        rules = set(json.loads(f"[{found.group(1)}]")) if (found := _RULES.search(q)) else None
        chosen = [
            one
            for one in objects
            if first <= datetime.fromisoformat(one["created"]).replace(tzinfo=UTC) <= last
            and (rules is None or one.get("ruleId") in rules)
        ]
        chosen.sort(key=lambda one: one["created"])
        if self.behaviour.restless and len(self.log) % 2:
            chosen.sort(key=lambda one: (one["created"], [-ord(letter) for letter in one["id"]]))
        return chosen


class _Handler(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True
    tenant: Tenant
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing: tests read ``Tenant.log``."""

    def _serve(self) -> None:
        tenant, parts = self.tenant, urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        sent = json.loads(self.rfile.read(length)) if length else {}
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        with tenant.lock:
            tenant.log.append((self.command, parts.path))
            tenant.asked.append(params)
            tenant.logins += "JSESSIONID=" not in self.headers.get("Cookie", "")
            number = len(tenant.log)
            tenant.signals += tenant.behaviour.grows.get(number, ())
            status, body, headers = self._answer(number, parts.path, params, sent)
        if number in tenant.behaviour.lost:
            self.close_connection = True
            return
        self._send(status, body, headers)

    do_GET = do_POST = do_PUT = _serve

    def _answer(
        self, number: int, path: str, params: dict[str, str], sent: dict[str, Any]
    ) -> tuple[int, str, Mapping[str, str]]:
        behaviour = self.tenant.behaviour
        if number in behaviour.bodies:
            return 200, behaviour.bodies[number], {}
        if number in behaviour.statuses:
            status, headers = behaviour.statuses[number]
            return self._fault(status, "The service is having a bad day.", headers)
        if behaviour.refuse or not self.headers.get("Authorization", "").startswith("Basic "):
            return self._fault(401, "Credential could not be verified.")
        if not path.startswith(ROOT):
            return self._fault(404, "No such resource.")
        segments = [unquote(part) for part in path.removeprefix(ROOT + "/").split("/")]
        try:
            status, data = self._route(segments, params, sent)
        except ValueError as fault:
            return self._fault(400, f"The query could not be parsed: {fault}")
        return (200, json.dumps({"data": data, "errors": []}), {}) if status == 200 else self._fault(status, data)

    def _route(self, segments: list[str], params: dict[str, str], sent: dict[str, Any]) -> tuple[int, Any]:
        tenant = self.tenant
        match segments:
            case ["insight-status"]:
                return 200, [
                    {"id": str(n), "name": name, "displayName": shown, "description": None}
                    for n, (name, shown) in enumerate(tenant.behaviour.status_names)
                ]
            case ["insight-resolutions"]:
                listed = [{"id": n, "name": name} for n, name in enumerate(tenant.behaviour.resolutions)]
                return 200, {"objects": listed, "hasNextPage": False, "total": len(listed)}
            case ["signals"]:
                return 200, self._by_offset(tenant.matching(tenant.signals, params["q"]), params)
            case ["insights"]:
                return 200, self._by_offset(tenant.matching(tenant.insights, params["q"]), params)
            case ["insights", "all"]:
                return 200, self._by_token(tenant.matching(tenant.insights, params["q"]), params)
            case ["signals", name]:
                found = next((one for one in tenant.signals if one["id"] == name), None)
                return (200, shown_signal(found, True)) if found else (404, "Signal not found.")
            case ["insights", name, *rest]:
                found = next((one for one in tenant.insights if one["id"] == name), None)
                return self._insight(found, rest, sent) if found else (404, "Insight not found.")
        return 404, "No such resource."

    def _insight(self, found: dict[str, Any], rest: list[str], sent: dict[str, Any]) -> tuple[int, Any]:
        behaviour, comments = self.tenant.behaviour, self.tenant.comments.setdefault(found["id"], [])
        match (self.command, rest):
            case ("GET", []):
                return 200, found
            case ("GET", ["comments"]):
                return 200, {"comments": [_comment(n, text) for n, text in enumerate(comments)]}
            case ("POST", ["comments"]):
                comments.append(sent["body"])
                return 200, _comment(len(comments), sent["body"])
            case ("POST", ["tags"]):
                found["tags"].append(sent["tagName"])
                return 200, found
            case ("PUT", ["status"]):
                names = dict(behaviour.status_names)
                if sent["status"] not in names or (("resolution" in sent) != (sent["status"] == "closed")):
                    return 400, "Unknown status, or a resolution without closing."
                if not behaviour.deaf:
                    found["status"] = {"name": sent["status"], "displayName": names[sent["status"]]}
                    found["resolution"] = sent.get("resolution")
                return 200, found
        return 405, "Method not allowed."

    def _by_offset(self, chosen: list[dict[str, Any]], params: dict[str, str]) -> dict[str, Any]:
        behaviour = self.tenant.behaviour
        offset, limit = int(params.get("offset", 0)), min(int(params.get("limit", 20)), behaviour.page_cap)
        page = [shown_signal(one, behaviour.listed_records) for one in chosen[offset : offset + limit]]
        data: dict[str, Any] = {"objects": page, "hasNextPage": offset + limit < len(chosen)}
        return data | ({"total": len(chosen)} if behaviour.totals else {})

    def _by_token(self, chosen: list[dict[str, Any]], params: dict[str, str]) -> dict[str, Any]:
        start, cap = int(params.get("nextPageToken", "0"), 16), self.tenant.behaviour.page_cap
        following = f"{start + cap:x}" if start + cap < len(chosen) else None
        return {"objects": chosen[start : start + cap], "nextPageToken": following}

    def _fault(
        self, status: int, said: str, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, dict[str, str]]:
        form = self.tenant.behaviour.form
        if form == "html":
            return status, _HTML, {"Content-Type": "text/html", **(headers or {})}
        body = {"status": status, "code": "x", "message": said} if form == "code" else {"errors": [{"message": said}]}
        return status, json.dumps(body), dict(headers or {})

    def _send(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        octets = body.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Set-Cookie": "JSESSIONID=n1; Path=/",
            **headers,
            "Content-Length": len(octets),
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(octets)


def shown_signal(signal: dict[str, Any], with_records: bool) -> dict[str, Any]:
    """A signal or insight as the API shows it: signals tell no time of creation, lists may come without records."""
    hidden = {"created"} if "recordCount" in signal else set()
    hidden |= set() if with_records else {"allRecords"}
    return {name: value for name, value in signal.items() if name not in hidden}


def _comment(number: int, text: str) -> dict[str, Any]:
    return {"id": str(number), "body": text, "author": {"username": "a"}, "timestamp": "2026-11-24T00:00:00.000001"}


@contextmanager
def running(tenant: Tenant) -> Iterator[str]:
    """Serve ``tenant`` on loopback; yields its root URL."""
    handler = type("_Bound", (_Handler,), {"tenant": tenant})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def serving(tenant: Tenant) -> Callable[[str], AbstractContextManager[str]]:
    """``tenant`` as the cassette fixture takes an emulator."""

    def serve(_public_url: str) -> AbstractContextManager[str]:
        return running(tenant)

    return serve
