"""A loopback HTTP server over any function, whose faults come before or after the effect of a chosen request."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HTML_502 = (502, {"Content-Type": "text/html"}, b"<html><body><h1>502 Bad Gateway</h1></body></html>")
Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Request:
    """One request as it came; ``query`` holds the last value of each name."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    target: str = ""


@dataclass
class Fault:
    """What goes wrong with requests that match ``on`` ("POST /rest/.*"): ``answer`` None is a hang-up.

    ``effect``: the product has done its work before. ``times`` requests are hit, after ``skip`` that are not.
    """

    on: str
    answer: Answer | None = None
    effect: bool = True
    times: int = 1
    skip: int = 0

    def hits(self, request: Request) -> bool:
        if self.times <= 0 or not re.fullmatch(self.on, f"{request.method} {request.path}"):
            return False
        self.skip -= 1
        if self.skip >= 0:
            return False
        self.times -= 1
        return True


@dataclass
class Site:
    """A product: ``respond`` does the work; racing requests that match ``meet_on`` wait at ``meet`` for each other."""

    respond: Callable[[Request], Answer]
    faults: list[Fault] = field(default_factory=list)
    meet: threading.Barrier | None = None
    meet_on: str = "POST .*"
    seen: list[Request] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def count(self, on: str) -> int:
        """How many requests matched ``on``."""
        return sum(re.fullmatch(on, f"{r.method} {r.path}") is not None for r in self.seen)

    def answer(self, request: Request) -> Answer | None:
        if self.meet and re.fullmatch(self.meet_on, f"{request.method} {request.path}"):
            with suppress(threading.BrokenBarrierError):
                self.meet.wait(timeout=60)
        with self.lock:
            self.seen.append(request)
            fault = next((f for f in self.faults if f.hits(request)), None)
            if fault is None:
                return self.respond(request)
            if fault.effect:
                self.respond(request)
            return fault.answer


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """The URL of ``site`` on a free loopback port."""

    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True
        protocol_version = "HTTP/1.1"
        wbufsize = 65536

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = site.answer(Request(self.command, parts.path, query, headers, body, self.path))
            with suppress(OSError):
                self._send(answer)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        def _send(self, answer: Answer | None) -> None:
            if answer is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, headers, body = answer
            self.send_response(status)
            usual = {"Content-Length": str(len(body)), "Content-Type": "application/json"}
            for name, value in {**usual, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.daemon_threads, served.block_on_close = True, False
        threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def tenant(site: Site) -> Callable[[str], AbstractContextManager[str]]:
    """``site`` as what a cassette is recorded from, under the name of the emulator it belongs to."""

    def started(_: str) -> AbstractContextManager[str]:
        return serving(site)

    started.__module__ = site.respond.__module__
    return started
