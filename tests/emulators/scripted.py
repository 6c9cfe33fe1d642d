"""A loopback HTTP server that answers from a script: any status, header, body, drip or hang-up."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers each request with the next of ``acts`` (the last one for ever); keeps what it was sent."""

    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""
        self.http: Any = None

    def act(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        self.seen.append((f"{handler.command} {handler.path}", dict(handler.headers.items()), body))
        (self.acts.pop(0) if len(self.acts) > 1 else self.acts[0])(handler)


@contextmanager
def scripted() -> Iterator[Server]:
    """A running server on a free loopback port."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True
        protocol_version = "HTTP/1.1"
        wbufsize = 65536

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            try:
                state.act(self)
            except OSError:
                self.close_connection = True

        do_POST = do_CONNECT = do_GET

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.daemon_threads, served.block_on_close = True, False
        threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True).start()
        state.http = served
        state.url = f"http://127.0.0.1:{served.server_port}"
        yield state
        served.shutdown()


def says(status: int, body: bytes = b"{}", **headers: str) -> Act:
    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return act


def drips(beginning: bytes, drop: bytes = b"a") -> Act:
    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(beginning)
        for _ in range(100):
            handler.wfile.write(drop)
            handler.wfile.flush()
            time.sleep(0.05)

    return act


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True
