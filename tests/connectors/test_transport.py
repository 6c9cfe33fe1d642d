"""The transport: what a status means, what is repeated, when it ends, and that no secret comes out of it."""

import gzip
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.transport import Bounds, Clocks, Credential, Transport, checked_url, retry_after, segment
from connectors.transport.gate import Gate
from playbook.errors import BadAnswer, ConfigError, RateLimited, Unauthorized, Unreachable

SECRET = "s3cr3t/+value="
Act = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers each request with the next of ``acts`` (the last one for ever); keeps what it was sent."""

    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""

    def act(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        self.seen.append((f"{handler.command} {handler.path}", dict(handler.headers.items()), body))
        (self.acts.pop(0) if len(self.acts) > 1 else self.acts[0])(handler)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            try:
                state.act(self)
            except OSError:
                self.close_connection = True

        do_POST = do_GET

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.daemon_threads, served.block_on_close = True, False
        threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True).start()
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


class FakeTime:
    def __init__(self) -> None:
        self.slept: list[float] = []
        self.clocks = Clocks(self._sleep, lambda: sum(self.slept), lambda: 1_000_000_000.0)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def _transport(server: Server, clocks: Clocks | None = None, user: str = "", **bounds: Any) -> Transport:
    credential = Credential("VENDOR_KEY", SecretStr(SECRET), user)
    return Transport(
        server.url, subject="vendor", credential=credential, bounds=Bounds(**bounds), clocks=clocks or FakeTime().clocks
    )


pytestmark = pytest.mark.loopback


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (401, Unauthorized, "VENDOR_KEY"), (403, Unauthorized, "VENDOR_KEY"), (407, Unauthorized, "HTTPS_PROXY"),
        (429, RateLimited, "limits our rate"), (500, BadAnswer, "500"), (502, Unreachable, "502"),
        (503, Unreachable, "503"), (504, Unreachable, "504"), (599, BadAnswer, "599"),
    ],
)
def test_status_to_error(server: Server, status: int, error: type[Exception], said: str) -> None:
    server.acts = [says(status, SECRET.encode())]
    with pytest.raises(error, match=said) as caught:
        _transport(server).get("/x")
    assert SECRET not in str(caught.value)
    assert _transport(server).get("/x", passes={status}).status == status


@pytest.mark.parametrize("status", [200, 202, 204, 301, 302, 307, 400, 404, 409, 415])
def test_other_statuses_belong_to_the_caller_and_redirects_are_not_followed(server: Server, status: int) -> None:
    server.acts = [says(status, b"" if status == 204 else b"{}", Location="/elsewhere?x=1")]
    reply = _transport(server).get("/x")
    assert reply.status == status and reply.location == f"{server.url}/elsewhere?x=1" and len(server.seen) == 1


def test_reads_are_repeated_and_writes_are_not(server: Server) -> None:
    fake = FakeTime()
    server.acts = [says(503), hangs_up, says(200, b'{"a": 1}')]
    assert _transport(server, fake.clocks).get("/x").json() == {"a": 1}
    assert fake.slept == [0.5, 1.0] and len(server.seen) == 3
    server.acts = [says(503), says(200)]
    with pytest.raises(Unreachable):
        _transport(server).post("/x", json={})
    assert len(server.seen) == 4
    server.acts = [says(503), says(200)]
    assert _transport(server).post("/x", json={"b": 2}, retry=True).status == 200
    assert server.seen[-1][2] == b'{"b": 2}'


def test_retry_after_is_kept_and_one_beyond_the_deadline_ends_at_once(server: Server) -> None:
    fake = FakeTime()
    server.acts = [says(429, Retry_After="7"), says(200)]
    assert _transport(server, fake.clocks).get("/x").status == 200 and fake.slept == [7.0]
    server.acts = [says(429, Retry_After="Sun, 09 Sep 2001 02:46:40 GMT")]
    fake = FakeTime()
    with pytest.raises(RateLimited, match="asks to wait 3600 s"):
        _transport(server, fake.clocks).get("/x")
    before = len(server.seen)
    with pytest.raises(RateLimited, match="our own rate limit"):  # it holds for whoever shares the host and the user
        _transport(server, fake.clocks).get("/y")
    assert fake.slept == [] and len(server.seen) == before


def test_the_gate_is_shared_by_host_and_user(server: Server) -> None:
    fake = FakeTime()
    server.acts = [says(200)]
    for user in ("ann", "ann", "bob"):
        _transport(server, fake.clocks, user, min_interval_s=2.0).get("/x")
    assert fake.slept == [2.0]


def test_the_gate_spaces_threads() -> None:
    gate, moments = Gate(time.monotonic), []

    def work() -> None:
        assert gate.take(0.03, float("inf"), time.sleep)
        moments.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    moments.sort()
    assert all(later - earlier > 0.02 for earlier, later in pairwise(moments))


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("drop", [b"a", b""])
@pytest.mark.parametrize(
    "beginning",
    [OK + b"X: ", OK + b"Content-Length: 99999\r\n\r\nx", OK + b"\r\nx", b"H",
     OK + b"Transfer-Encoding: chunked\r\n\r\n5000\r\n"],
)
def test_a_slow_drip_or_a_stall_ends_on_time(server: Server, beginning: bytes, drop: bytes) -> None:
    server.acts = [drips(beginning, drop)]
    began = time.monotonic()
    with pytest.raises(Unreachable, match="the deadline passed"):
        _transport(server, Clocks(), deadline_s=0.3).get("/x")
    assert time.monotonic() - began < 0.6


@pytest.mark.parametrize("coded", [{}, {"Content_Encoding": "gzip"}])
def test_a_large_body_is_cut_off_also_when_it_unpacks(server: Server, coded: dict[str, str]) -> None:
    body = b"x" * 50_000_000 if coded else b"x" * 2_000_000
    server.acts = [says(200, gzip.compress(body, 1) if coded else body, **coded)]
    with pytest.raises(BadAnswer, match="more than 1000000 bytes was cut off"):
        _transport(server, max_bytes=1_000_000).get("/x")


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b'{"a":', b"NaN", b'{"a": Infinity}', b"[" * 50_000, b"\xff\xfe", b"1" * 9999]
)
def test_what_is_no_json_is_a_bad_answer(server: Server, body: bytes) -> None:
    server.acts = [says(200, body, Content_Type="text/html")]
    with pytest.raises(BadAnswer, match="expected JSON, got text/html with status 200"):
        _transport(server).get("/x").json()


def test_a_truncated_body_is_no_answer(server: Server) -> None:
    def half(handler: BaseHTTPRequestHandler) -> None:
        says(200, b"{}", Content_Length="50")(handler)
        handler.wfile.flush()
        hangs_up(handler)

    server.acts = [half]
    with pytest.raises(Unreachable):
        _transport(server).get("/x")


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unreachable, match="connection refused"):
            Transport(url, subject="vendor", clocks=FakeTime().clocks).get("/x")


def test_certificates_are_checked(server: Server) -> None:
    class Talker(BaseHTTPRequestHandler):
        pass

    # A TLS server without any certificate cannot even shake hands; a plain one is no TLS server at all.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with ThreadingHTTPServer(("127.0.0.1", 0), Talker) as tls:
        tls.socket = context.wrap_socket(tls.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=tls.handle_request, daemon=True).start()
        with pytest.raises(Unreachable):
            Transport(f"https://127.0.0.1:{tls.server_port}", subject="v", bounds=Bounds(attempts=1)).get("/x")
    assert "verify" not in Transport.__init__.__annotations__


def test_cookies_only_in_a_session_of_ones_own(server: Server) -> None:
    server.acts = [says(200, Set_Cookie="job=1"), says(200), says(200, Set_Cookie="job=2"), says(200)]
    shared = _transport(server)
    shared.get("/a")
    shared.get("/b")
    one, two = shared.with_cookies(), shared.with_cookies()
    one.get("/c")
    one.get("/d")
    two.get("/e")
    assert [seen[1].get("Cookie") for seen in server.seen] == [None, None, None, "job=2", None]


def test_netrc_is_not_read(server: Server, tmp_path, monkeypatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login u password p\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.acts = [says(200)]
    Transport(server.url, subject="vendor").get("/x")
    assert "Authorization" not in server.seen[0][1]


def test_a_proxy_of_the_environment_is_used_but_not_for_loopback(server: Server, monkeypatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    server.acts = [says(200)]
    Transport(server.url, subject="vendor").get("/x")
    assert server.seen[0][0] == "GET /x"


@pytest.mark.parametrize("user", ["", "ann"])
def test_no_secret_in_any_text(server: Server, user: str, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    transport = _transport(server, user=user)
    header = next(iter(Credential("K", SecretStr(SECRET), user).headers().values()))
    server.acts = [says(200, f"you sent {header} and {SECRET}".encode())]
    texts = [repr(transport.get("/x")), repr(Credential("K", SecretStr(SECRET), user))]
    with pytest.raises(BadAnswer) as caught:
        transport.get("/x").json()
    with pytest.raises(BadAnswer) as other:
        transport.get("/x").expect(201)
    texts += [str(caught.value), str(other.value), caplog.text]
    assert "<VENDOR_KEY>" in texts[2]
    for text in texts:
        assert SECRET not in text and header.split()[1] not in text


def test_a_secret_that_cannot_stand_in_a_header_is_a_configuration_error(server: Server) -> None:
    server.acts = [says(200)]
    for secret in ("two\nlines", "ünïcode", " padded"):
        with pytest.raises(ConfigError, match="VENDOR_KEY") as caught:
            Transport(server.url, subject="v", credential=Credential("VENDOR_KEY", SecretStr(secret))).get("/x")
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://vendor.example", "http://10.0.0.1", "ftp://127.0.0.1", "https://", "vendor.example",
     "https://u:p@vendor.example", "https://vendor.example/?q=1", "https://vendor.example:99999", "https://[::1", "https://vendor.example/#x"],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked_url(url, "vendor")
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://vendor.example/api", "http://127.0.0.1:8089", "http://[::1]:80", "http://localhost"]
)
def test_urls_that_are_taken(url: str) -> None:
    assert checked_url(url, "vendor") == url


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5.0), ("0.5", 0.5), ("-3", 0.0), ("Sun, 09 Sep 2001 01:46:45 GMT", 5.0),
     ("Sat, 08 Sep 2001 01:46:45 GMT", 0.0), (None, None), ("soon", None), ("nan", None),
     ("inf", None), ("", None), ("Sun, 99 Sep 9999 01:46:45 GMT", None)],
)
def test_retry_after_values(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, 1_000_000_000.0) == seconds


def test_a_hostile_segment_stays_one_segment(server: Server) -> None:
    server.acts = [says(200)]
    _transport(server).get(f"/jobs/{segment('../a?b#c/d %2e')}/x")
    assert server.seen[0][0] == "GET /jobs/..%2Fa%3Fb%23c%2Fd%20%252e/x"
    for lost in ("", ".", ".."):
        with pytest.raises(BadAnswer):
            segment(lost)
    with pytest.raises(ValueError, match="starts with"):
        _transport(server).get("@evil.example/")
