"""The transport: what a status means, what is repeated, when it ends, and that no secret comes out of it."""

import gzip
import logging
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.http import Clocks, Credential, ReplyBounds, Transport, segment
from connectors.http.rate_limiter import RateLimiter
from playbook.errors import BadAnswer, ConfigError, RateLimited, Unauthorized, Unreachable
from tests.emulators.scripted import Server, drips, hangs_up, says, scripted

SECRET = "s3cr3t/+value="


@pytest.fixture
def server() -> Iterator[Server]:
    with scripted() as running:
        yield running


class FakeTime:
    def __init__(self) -> None:
        self.slept: list[float] = []
        self.clocks = Clocks(self._sleep, lambda: sum(self.slept), lambda: 1_000_000_000.0)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def _transport(server: Server, clocks: Clocks | None = None, user: str = "", **bounds: Any) -> Transport:
    credential = Credential("VENDOR_KEY", SecretStr(SECRET), user)
    return Transport(
        server.url,
        subject="vendor",
        credential=credential,
        bounds=ReplyBounds(**bounds),
        clocks=clocks or FakeTime().clocks,
    )


pytestmark = pytest.mark.loopback


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (401, Unauthorized, "VENDOR_KEY"),
        (403, Unauthorized, "VENDOR_KEY"),
        (407, Unauthorized, "HTTPS_PROXY"),
        (429, RateLimited, "limits our rate"),
        (500, BadAnswer, "500"),
        (502, Unreachable, "502"),
        (503, Unreachable, "503"),
        (504, Unreachable, "504"),
        (599, BadAnswer, "599"),
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


@pytest.mark.parametrize("target", ["https://[::1", "//[", "\x00", "http://a:b:c", "é" * 3000, ""])
def test_a_hostile_redirect_is_a_value_with_a_bounded_body(server: Server, target: str) -> None:
    server.acts = [says(302, b"x" * 2000, Location=target)]
    assert _transport(server).get("/x").status == 302
    with pytest.raises(BadAnswer, match="cut off"):
        _transport(server, max_bytes=1000).get("/x")


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


def test_no_answer_shuts_a_product_off_for_longer_than_an_hour(server: Server) -> None:
    fake = FakeTime()
    server.acts = [says(429, Retry_After="1e15"), says(200)]
    transport = _transport(server, fake.clocks)
    with pytest.raises(RateLimited):
        transport.get("/x")
    fake.slept.append(3600.5)
    assert transport.get("/x").status == 200


def test_the_gate_is_shared_by_host_and_user(server: Server) -> None:
    fake = FakeTime()
    server.acts = [says(200)]
    for user in ("ann", "ann", "bob"):
        _transport(server, fake.clocks, user, min_interval_s=2.0).get("/x")
    assert fake.slept == [2.0]


def test_the_gate_spaces_threads() -> None:
    gate, waits = RateLimiter(lambda: 100.0), []
    start = threading.Barrier(5)

    def work() -> None:
        start.wait()
        assert gate.take(1.0, float("inf"), waits.append)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == [1.0, 2.0, 3.0, 4.0]


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("drop", [b"a", b""])
@pytest.mark.parametrize(
    "beginning",
    [
        OK + b"X: ",
        OK + b"Content-Length: 99999\r\n\r\nx",
        OK + b"\r\nx",
        b"H",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5000\r\n",
    ],
)
def test_a_slow_drip_or_a_stall_ends_on_time(server: Server, beginning: bytes, drop: bytes) -> None:
    server.acts = [drips(beginning, drop)]
    with pytest.raises(Unreachable, match="the deadline passed"):
        _transport(server, Clocks(), deadline_s=0.3).get("/x")


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


@pytest.mark.skipif(not which("openssl"), reason="needs openssl to make a certificate")
def test_certificates_are_checked_and_ca_file_names_whom_to_trust(server: Server, tmp_path: Path) -> None:
    pem = tmp_path / "both.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout",
            str(pem),
            "-out",
            str(tmp_path / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", pem)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    server.acts = [says(200)]
    url = server.url.replace("http://", "https://")
    with pytest.raises(Unreachable, match="certificate could not be verified"):
        Transport(url, subject="vendor", bounds=ReplyBounds(attempts=1)).get("/x")
    assert server.seen == []
    assert Transport(url, subject="vendor", ca_file=tmp_path / "cert.pem").get("/x").status == 200
    server.acts = [drips(OK + b"Content-Length: 99\r\n\r\n")]
    with pytest.raises(Unreachable, match="the deadline passed"):
        Transport(url, subject="vendor", ca_file=tmp_path / "cert.pem", bounds=ReplyBounds(deadline_s=1)).get("/x")


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
    monkeypatch.setenv("HTTPS_PROXY", server.url.replace("//", "//proxyuser:proxypass@"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    server.acts = [says(200)]
    Transport(server.url, subject="vendor").get("/x")
    server.acts = [says(502)]
    with pytest.raises(Unreachable) as caught:
        Transport("https://vendor.example", subject="vendor", bounds=ReplyBounds(attempts=1)).get("/y")
    assert [seen[0] for seen in server.seen] == ["GET /x", "CONNECT vendor.example:443"]
    assert "proxypass" not in str(caught.value)


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


def test_a_hostile_segment_stays_one_segment(server: Server) -> None:
    server.acts = [says(200)]
    _transport(server).get(f"/jobs/{segment('../a?b#c/d %2e')}/x")
    assert server.seen[0][0] == "GET /jobs/..%2Fa%3Fb%23c%2Fd%20%252e/x"
    for lost in ("", ".", ".."):
        with pytest.raises(BadAnswer):
            segment(lost)
    with pytest.raises(ValueError, match="starts with"):
        _transport(server).get("@evil.example/")
