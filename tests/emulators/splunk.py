"""A splunkd search API on loopback, with the nasty behaviours of the real one, each of them a switch."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from playbook.detections.languages.splunk import lint
from tests.emulators import splunk_atom as atom
from tests.emulators import splunk_es
from tests.emulators.splunk_records import sent
from tests.emulators.splunk_state import QUOTA, Behaviour, Job, Messages, Server

__all__ = ("QUOTA", "Behaviour", "Server", "running", "serving")

V2, V1 = "/services/search/v2/jobs", "/services/search/jobs"
_NAMESPACE = re.compile(r"^/servicesNS/[^/]+/(search|system)/")
_HTML = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


class _Handler(BaseHTTPRequestHandler):
    server_state: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Nothing: tests read ``Server.log``."""

    def _serve(self) -> None:
        state, parts = self.server_state, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        if "json" in self.headers.get("Content-Type", ""):
            given |= json.loads(body)
        else:
            given |= dict(parse_qsl(body, keep_blank_values=True))
        self.given = given
        self.json_wanted = given.get("output_mode") == "json" or parts.path.startswith(splunk_es.PATHS)
        state.log.append((self.command, parts.path))
        state.signed.append(self.headers.get("Authorization", "").partition(" ")[0])
        if given:
            state.forms.append(given)
        if len(state.log) in state.behaviour.lost:
            self.wfile = _Nowhere()  # type: ignore[assignment]
            self.close_connection = True
        if not self._disturbed(len(state.log), parts.path):
            self._route(_NAMESPACE.sub("/services/", parts.path))

    do_GET = do_POST = do_DELETE = _serve

    def _disturbed(self, number: int, path: str) -> bool:
        state, behaviour = self.server_state, self.server_state.behaviour
        if behaviour.redirect:
            self._send(303, "", {"Location": behaviour.redirect})
        elif number in behaviour.statuses:
            status, headers = behaviour.statuses[number]
            self._send(status, _HTML, {"Content-Type": "text/html", **headers})
        elif path.endswith("/auth/login"):
            return False
        elif behaviour.refuse or not self._known_caller():
            self._say(401, ("WARN", "call not properly authenticated"))
        else:
            return False
        return state is not None

    def _known_caller(self) -> bool:
        state, value = self.server_state, self.headers.get("Authorization", "")
        if not value.startswith("Splunk "):
            return value.startswith(("Bearer ", "Basic "))
        state.session_left -= 1
        return state.session_left >= 0

    def _route(self, path: str) -> None:
        """Carry out a call; the namespace of search endpoints changes nothing here."""
        root = next((r for r in (V2, V1) if path.rstrip("/") == r or path.startswith(r + "/")), "")
        if path.endswith("/auth/login"):
            self._login()
        elif path.endswith("/server/info"):
            self._entry("server-info", {"version": "9.4.1", "product_type": "enterprise"}, atom.feed)
        elif path.endswith("/authentication/current-context"):
            content = {
                "username": "svc_playbook",
                "roles": ["playbook_reader"],
                "capabilities": list(self.server_state.behaviour.capabilities),
            }
            self._entry("context", content, atom.feed)
        elif path == "/services/data/indexes":
            names = self.server_state.behaviour.indexes
            self._json(200, {"entry": [{"name": name, "content": {}} for name in names]})
        elif path.endswith("/parser") and not (self.server_state.behaviour.old and "/v2/" in path):
            self._parse()
        elif path.startswith(splunk_es.PATHS):
            status, body = splunk_es.changed(self.server_state.stored, self.command, path, self.given)
            self._json(status, body)
        elif root and not (root == V2 and self.server_state.behaviour.old):
            self._search([unquote(part) for part in path[len(root) :].split("/") if part])
        else:
            self._say(404, ("ERROR", "Not Found"))

    def _login(self) -> None:
        state = self.server_state
        if state.behaviour.refuse or not self.given.get("password"):
            self._say(401, ("WARN", "Login failed"))
            return
        state.logins += 1
        state.session_left = state.behaviour.session_calls
        key = f"sessionkey{state.logins}"
        if self.json_wanted:
            self._json(200, {"sessionKey": key, "message": "", "code": ""})
        else:
            self._send(200, atom.response(sessionKey=key), {"Content-Type": "text/xml"})

    def _parse(self) -> None:
        faults = lint(self.given["q"])
        if faults:
            self._say(400, ("FATAL", f"Unknown search command '{faults[0][:20]}'."))
        else:
            self._json(200, {"commands": []})

    def _search(self, segments: list[str]) -> None:
        state = self.server_state
        if not segments:
            self._create()
        elif segments[0] == "export":
            self._send(200, "" if "nosuchfunc" in self.given["search"] else '{"preview":false,"lastrow":true}\n', {})
        elif segments[0] not in state.jobs:
            self._say(404, ("FATAL", "Unknown sid."))
        elif self.command == "DELETE" or self.given.get("action") == "cancel":
            del state.jobs[segments[0]]
            self._say(200, ("INFO", "Search job cancelled."))
        elif len(segments) == 1:
            self._status(segments[0], state.jobs[segments[0]])
        else:
            self._results(state.jobs[segments[0]])

    def _create(self) -> None:
        state, given = self.server_state, self.given
        if state.busy_left:
            state.busy_left -= 1
            status = state.behaviour.busy_status
            self._say(status, ("FATAL" if status == 503 else "WARN", QUOTA))
            return
        query = given.get("search", "")
        if not query.startswith(("search ", "|")) or "nosuchcmd" in query or (_ours(query) and lint(query)):
            self._say(400, ("FATAL", "Unknown search command 'nosuchcmd'."))
            return
        sid = given.get("id") or f"1795478400.{len(state.log)}"
        start, end = float(given.get("earliest_time", 0)), float(given.get("latest_time", 4e9))
        rows = state.rows_for(query, start, end)[: int(given.get("max_count", 10_000))]
        state.jobs[sid] = Job(query, rows, state.events_in(start, end))
        if self.json_wanted:
            self._json(201, {"sid": sid})
        else:
            self._send(201, atom.response(sid=sid), {"Content-Type": "text/xml"})

    def _status(self, sid: str, job: Job) -> None:
        behaviour = self.server_state.behaviour
        job.polls += 1
        if job.polls <= behaviour.unready:
            self._send(204, "", {})
            return
        if job.polls <= behaviour.unready + behaviour.entryless:
            self._json(200, {"entry": [], "messages": []})
            return
        step = job.polls - behaviour.unready - behaviour.entryless
        done, stated = step > len(behaviour.states), len(job.rows) + behaviour.overstated - behaviour.understated
        content: dict[str, Any] = {
            "dispatchState": behaviour.final if done else behaviour.states[step - 1],
            "isDone": done,
            "isFailed": done and behaviour.failed,
            "isFinalized": done and behaviour.finalized,
            "resultCount": stated if done and not behaviour.failed else 0,
            "eventCount": job.events if done else 0,
            "doneProgress": 1 if done else 0.5,
            "sid": sid,
            "searchLatestTime": "1795478400.5",
            "defaultTTL": "600",
            "scanCount": 12,
            **behaviour.status_change,
        }
        if behaviour.text_flags:
            content = {k: str(int(v)) if isinstance(v, bool | int) else v for k, v in content.items()}
        if self.json_wanted:
            said = {kind.lower(): [text] for kind, text in behaviour.messages}
            content["messages"] = (said if behaviour.by_severity else _said(behaviour.messages)) if done else []
        self._entry(sid, content, atom.entry)

    def _results(self, job: Job) -> None:
        behaviour = self.server_state.behaviour
        if behaviour.results or behaviour.empty:
            self._send(200, behaviour.results, {"Content-Type": "text/html"})
            return
        job.pages += 1
        if job.pages <= behaviour.pageless:
            self._send(204, "", {})
            return
        offset, count = int(self.given.get("offset", 0)), int(self.given.get("count", 100)) + behaviour.understated
        rows = [] if behaviour.failed else job.rows
        page = rows[offset : offset + min(count or behaviour.page_cap, behaviour.page_cap)]
        self.server_state.events += self.server_state.events[: behaviour.grows]
        names = page[0] if page else {}
        self._json(
            200,
            {
                "preview": False,
                "init_offset": offset,
                "post_process_count": 0,
                "messages": _said(behaviour.page_messages),
                "fields": [{"name": name} for name in names],
                "results": [sent(row) for row in page],
                "highlighted": {},
            },
        )

    def _entry(self, name: str, content: Mapping[str, Any], xml: Callable[[str, Mapping[str, Any]], str]) -> None:
        if self.json_wanted:
            self._json(200, {"entry": [{"name": name, "content": content}], "messages": []})
        else:
            self._send(200, xml(name, content), {"Content-Type": "text/xml"})

    def _say(self, status: int, *messages: tuple[str, str]) -> None:
        said = _said(messages)
        if self.json_wanted:
            self._json(status, {"messages": said})
        else:
            self._send(status, atom.messages(said), {"Content-Type": "text/xml"})

    def _json(self, status: int, body: Any) -> None:
        self._send(status, json.dumps(body), {"Content-Type": "application/json; charset=UTF-8"})

    def _send(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        octets = body.encode()
        self.send_response(status)
        closing = {"Connection": "Close"} if self.close_connection else {}
        for name, value in {**headers, **closing, "Content-Length": str(len(octets))}.items():
            self.send_header(name, value)
        self.end_headers()
        drip = self.server_state.behaviour.drip_s if self.path.partition("?")[0].endswith("/results") else 0.0
        with suppress(ConnectionError):  # the client may give up on us
            for octet in octets if drip else ():
                self.wfile.write(bytes([octet]))
                time.sleep(drip)
            if not drip:
                self.wfile.write(octets)


class _Nowhere:
    """Takes an answer and sends nothing: the connection is then closed."""

    closed = False

    def write(self, octets: bytes) -> int:
        """Nothing leaves."""
        return len(octets)

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


def _ours(query: str) -> bool:
    return "slot_rows" in query


def _said(messages: Messages) -> list[dict[str, str]]:
    return [{"type": kind, "text": text} for kind, text in messages]


@contextmanager
def running(state: Server) -> Iterator[str]:
    """Serve ``state`` on loopback; yields its root URL."""
    handler = type("_Bound", (_Handler,), {"server_state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def serving(state: Server) -> Callable[[str], AbstractContextManager[str]]:
    """``state`` as the cassette fixture takes an emulator."""

    def serve(_public_url: str) -> AbstractContextManager[str]:
        return running(state)

    return serve
