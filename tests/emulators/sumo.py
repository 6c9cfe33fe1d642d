"""A Sumo Logic search API on loopback, with the nasty behaviours of the real one, each of them a switch."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from playbook.detections.languages.sumo import lint
from tests.emulators.sumo_records import Event, Records, answer
from tests.support import stopwatch

JOBS = "/api/v1/search/jobs"
ESTIMATE = "/api/v1/logSearches/estimatedUsage"
DONE = "DONE GATHERING RESULTS"
_HTML = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"


@dataclass
class Behaviour:
    """Switches. ``statuses`` answers a request by its number (from 1) with a bare status and headers instead."""

    states: Sequence[str] = ("NOT STARTED", "GATHERING RESULTS")
    final: str = DONE
    errors: Mapping[int, Sequence[str]] = field(default_factory=dict)  # poll number -> pendingErrors of that poll
    warnings: Mapping[int, Sequence[str]] = field(default_factory=dict)
    warning: str = "You must enable cookies for subsequent requests to the search job."
    old_status: bool = False  # neither warning nor usageDetails
    affinity: bool = True
    lost_cookie: int = 404  # or 500 with "Job ID is invalid"
    keep_alive_s: float = 30.0
    page_cap: int = 10_000
    overstated: int = 0  # rows counted but never returned
    exponents: bool = True
    mixed_case: bool = False
    moved: str = ""
    statuses: Mapping[int, tuple[int, Mapping[str, str]]] = field(default_factory=dict)
    refuse: bool = False
    scopes: Sequence[str] = ()  # known _sourceCategory values; empty: any
    results: str = ""  # raw body of a results page instead of the records
    drip_s: float = 0.0  # seconds between the bytes of a results page
    set_ids: Sequence[str] = ()  # ids of jobs, in order


@dataclass
class _Job:
    query: str
    rows: Records
    kind: str
    cookie: str
    touched: float
    polls: int = 0


class Tenant:
    """The state of one emulated tenant: its events, its jobs, and every request it got."""

    def __init__(
        self,
        events: Sequence[Event] = (),
        behaviour: Behaviour | None = None,
        rows: Records | None = None,
        clock: Callable[[], float] = stopwatch.seconds,
    ) -> None:
        self.events = events
        self.behaviour = replace(behaviour or Behaviour())
        self.rows = rows
        self.clock = clock
        self.jobs: dict[str, _Job] = {}
        self.made = 0
        self.log: list[tuple[str, str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.authorized: list[bool] = []

    def rows_for(self, query: str, start: int, end: int) -> Records:
        """The rows of a query; nothing when its scope names no source category that exists."""
        known = self.behaviour.scopes
        if known and not any(f"_sourceCategory={name}" in query for name in known):
            return []
        if self.rows is not None and "hourly_buckets" in query:
            return self.rows
        return answer(query, self.events, start, end)

    def text(self, value: Any) -> str:
        """A value as the API sends it: always text, doubles in exponent form."""
        if isinstance(value, float) and self.behaviour.exponents and value >= 1e7:
            return f"{value:.16E}".replace("E+0", "E")
        return str(value)

    def case(self, name: str) -> str:
        """A column name in the case this tenant answers with."""
        return name.title() if self.behaviour.mixed_case else name.lower()


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
        tenant.log.append((self.command, parts.path))
        tenant.authorized.append(self.headers.get("Authorization", "").startswith("Basic "))
        if sent:
            tenant.bodies.append(sent)
        if not self._disturbed(len(tenant.log)):
            self._route(parts.path, dict(parse_qsl(parts.query)), sent)

    do_GET = do_POST = do_DELETE = _serve

    def _disturbed(self, number: int) -> bool:
        behaviour = self.tenant.behaviour
        if behaviour.moved:
            self._error(301, "moved", "The requested resource is elsewhere.", {"Location": behaviour.moved})
        elif behaviour.refuse or not self.tenant.authorized[-1]:
            self._error(401, "unauthorized", "Credential could not be verified.")
        elif number in behaviour.statuses:
            status, headers = behaviour.statuses[number]
            if status >= 500:
                self._send(status, _HTML, {"Content-Type": "text/html", **headers})
            else:
                self._error(status, "rate.limit.exceeded" if status == 429 else "unauthorized", "No.", headers)
        else:
            return False
        return True

    def _route(self, path: str, params: dict[str, str], sent: dict[str, Any]) -> None:
        if path == ESTIMATE:
            self._estimate(sent)
        elif path == JOBS and self.command == "POST":
            self._create(sent)
        elif path.startswith(JOBS + "/"):
            self._job([unquote(part) for part in path.removeprefix(JOBS + "/").split("/")], params)
        else:
            self._error(404, "notfound", "No such resource.")

    def _estimate(self, sent: dict[str, Any]) -> None:
        if lint(sent["queryString"]):
            self._error(400, "parse.error", "The query could not be parsed.")
        else:
            self._json(200, {"estimatedUsageDetails": [{"viewName": "", "usageDetails": [{"dataScannedInBytes": 1}]}]})

    def _create(self, sent: dict[str, Any]) -> None:
        tenant = self.tenant
        if not (isinstance(sent.get("from"), int) and isinstance(sent.get("to"), int)):
            self._error(400, "searchjob.invalid.timestamp.from", "The 'from' field contains an invalid time.")
            return
        if lint(sent["query"]):
            self._error(400, "searchjob.parse.error", "The query could not be parsed.")
            return
        ids = tenant.behaviour.set_ids
        name = ids[tenant.made] if tenant.made < len(ids) else f"{0x37589506F194FC80 + tenant.made:X}"
        tenant.made += 1
        rows = tenant.rows_for(sent["query"], sent["from"], sent["to"])
        kind = "messages" if sent["query"].endswith("| limit 1") else "records"
        tenant.jobs[name] = _Job(sent["query"], rows, kind, f"node-{tenant.made}", tenant.clock())
        link = {"rel": "self", "href": f"https://api.sumologic.com{JOBS}/{name}"}
        cookie = {"Set-Cookie": f"AWSELB=node-{tenant.made}; Path=/"}
        self._json(202, {"id": name, "link": link}, {"Location": link["href"], **cookie})

    def _job(self, segments: list[str], params: dict[str, str]) -> None:
        tenant, behaviour = self.tenant, self.tenant.behaviour
        job = tenant.jobs.get(segments[0])
        if job and tenant.clock() - job.touched > behaviour.keep_alive_s:
            del tenant.jobs[segments[0]]
            job = None
        if job is None:
            self._error(404, "jobid.invalid", "Job ID is invalid.")
        elif behaviour.affinity and f"AWSELB={job.cookie}" not in self.headers.get("Cookie", ""):
            self._error(behaviour.lost_cookie, "jobid.invalid", "Job ID is invalid.")
        elif self.command == "DELETE":
            del tenant.jobs[segments[0]]
            self._json(200, {"id": segments[0]})
        else:
            job.touched = tenant.clock()
            self._status(job) if len(segments) == 1 else self._results(job, segments[1], params)

    def _status(self, job: _Job) -> None:
        behaviour = self.tenant.behaviour
        job.polls += 1
        done = job.polls > len(behaviour.states)
        count = (len(job.rows) + behaviour.overstated) if done else 0
        body: dict[str, Any] = {
            "state": behaviour.final if done else behaviour.states[job.polls - 1],
            "messageCount": len(self.tenant.events) if job.kind == "records" else count,
            "recordCount": count if job.kind == "records" else 0,
            "histogramBuckets": [],
            "pendingErrors": list(behaviour.errors.get(job.polls, ())),
            "pendingWarnings": list(behaviour.warnings.get(job.polls, ())),
        }
        if not behaviour.old_status:
            body |= {"warning": behaviour.warning, "usageDetails": {"dataScannedInBytes": 0}}
        self._json(200, body)

    def _results(self, job: _Job, kind: str, params: dict[str, str]) -> None:
        behaviour = self.tenant.behaviour
        if kind != job.kind:
            self._error(400, "no.records.not.an.aggregation.query", "requireRawMessages is false")
            return
        if not {"offset", "limit"} <= params.keys() or not 1 <= int(params["limit"]) <= 10_000:
            self._error(400, "limit.missing", "Both offset and limit are required.")
            return
        if behaviour.results:
            self._send(200, behaviour.results, {"Content-Type": "text/html"})
            return
        offset, limit = int(params["offset"]), min(int(params["limit"]), behaviour.page_cap)
        page = job.rows[offset : offset + limit]
        tenant = self.tenant
        maps = [{"map": {tenant.case(n): tenant.text(v) for n, v in row.items()}} for row in page]
        names = page[0] if page else {}
        fields = [{"name": tenant.case(n), "fieldType": _type(v), "keyField": False} for n, v in names.items()]
        self._json(200, {"warning": "", "fields": fields, kind: maps})

    def _error(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self._json(status, {"status": status, "id": "IUUQI-DGH5I-TJ045", "code": code, "message": message}, headers)

    def _json(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, json.dumps(body), {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        octets = body.encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(octets))}.items():
            self.send_header(name, value)
        self.end_headers()
        drip = self.tenant.behaviour.drip_s if "/records" in self.path else 0.0
        with suppress(ConnectionError):  # the client may give up on us
            for octet in octets if drip else ():
                self.wfile.write(bytes([octet]))
                time.sleep(drip)
            if not drip:
                self.wfile.write(octets)


def _type(value: Any) -> str:
    return {float: "double", int: "long"}.get(type(value), "string")


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
