"""A connection that never says what it wants is closed; one that is being worked for is not."""

import asyncio
import contextlib
import socket
import threading

import pytest
import uvicorn

from playbook.web import timeouts

pytestmark = pytest.mark.loopback
PATIENCE_S = 0.3
WHOLE = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"


class Short(timeouts.TimeoutProtocol):
    patience_s = PATIENCE_S
    work_s = 0.0


async def app(scope, receive, send):
    """Reads the body, works for longer than the patience lasts, and answers."""
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(Short.work_s)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"done"})


@contextlib.contextmanager
def listening(**change):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, http=Short, lifespan="off", log_config=None, ws="none", timeout_keep_alive=600, **change
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join(30)


def connected(place):
    made = socket.create_connection(place, timeout=60)
    made.settimeout(60)
    return made


def said(made):
    """What comes until the other side closes."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := made.recv(4096):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", WHOLE[:-2]])
def test_what_is_only_begun_is_given_up(begun):
    with listening(proxy_headers=False) as place, connected(place) as made:
        made.sendall(begun)
        assert b"200" not in said(made)


def test_a_drip_wins_no_time():
    with listening(proxy_headers=False) as place, connected(place) as made, contextlib.suppress(ConnectionError):
        made.sendall(b"GET / HTTP/1.1\r\n")
        made.settimeout(PATIENCE_S / 6)
        for number in range(10_000):
            made.sendall(f"a{number}: b\r\n".encode())
            with contextlib.suppress(TimeoutError):
                assert made.recv(4096) == b""
                return
        pytest.fail("it listened to a drip all the time")


def test_work_may_take_longer_and_the_next_request_has_its_own_time(monkeypatch):
    monkeypatch.setattr(Short, "patience_s", 1)
    monkeypatch.setattr(Short, "work_s", 1.5)
    with listening(proxy_headers=False) as place, connected(place) as made:
        for _ in range(2):
            made.sendall(WHOLE)
            answer = b""
            while not answer.endswith(b"done"):
                part = made.recv(4096)
                assert part, answer
                answer += part
            assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("trust_forwarded_headers", [False, True])
def test_one_address_does_not_take_every_place(monkeypatch, trust_forwarded_headers):
    monkeypatch.setattr(timeouts, "MOST_OF_ONE", 3)
    monkeypatch.setattr(Short, "patience_s", 600)
    with listening(proxy_headers=trust_forwarded_headers) as place, contextlib.ExitStack() as open_ones:
        for _ in range(3):
            held = open_ones.enter_context(connected(place))
            held.sendall(WHOLE)
            held.recv(1)
        last = open_ones.enter_context(connected(place))
        with contextlib.suppress(ConnectionError):
            last.sendall(WHOLE.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        assert (b"done" in said(last)) is trust_forwarded_headers


def test_half_open_connections_of_many_addresses_refuse_nobody(monkeypatch):
    monkeypatch.setattr(timeouts, "MOST_AT_ONCE", 12)
    monkeypatch.setattr(timeouts, "MOST_OF_ONE", 8)
    monkeypatch.setattr(Short, "patience_s", 600)
    with listening(proxy_headers=False, limit_concurrency=16) as place, contextlib.ExitStack() as open_ones:
        for number in range(24):
            source = (f"127.0.0.{2 + number // 6}", 0)
            held = open_ones.enter_context(socket.create_connection(place, timeout=60, source_address=source))
            held.sendall(b"GET / HTTP/1.1\r\n")
        made = open_ones.enter_context(connected(place))
        made.sendall(WHOLE.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        assert said(made).endswith(b"done")
