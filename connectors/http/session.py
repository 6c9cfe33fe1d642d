"""The only file that imports requests: sessions, and one exchange that ends by its deadline whatever the peer does."""

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from connectors.http.reply import is_loopback

_USER_AGENT = "botnet-playbook"
_CHUNK = 65536
_CONNECT_S = 5.0
_Socket = socket.socket


class Silence(Exception):
    """No complete answer; the text is a reason that carries no URL, header or body."""


class TooLarge(Exception):
    """The body passed its cap."""


class _Watch:
    """Shuts the connection down when the deadline passes.

    Socket timeouts hold per read, so that a peer that drips header or body bytes would never be cut off by them.
    """

    def __init__(self, seconds: float) -> None:
        self.connection: Any = None
        self.response: Any = None
        self.fired = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(seconds,), daemon=True, name="http-deadline")

    def __enter__(self) -> "_Watch":
        _local.watch = self
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        _local.watch = None
        self._done.set()

    def _run(self, seconds: float) -> None:
        while not self._done.wait(seconds):
            self.fired = True
            seconds = 0.1  # the connection may not have its socket yet
            peer = getattr(self.connection, "sock", None)
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                if peer is not None:
                    _Socket.shutdown(peer, socket.SHUT_RDWR)
                elif hasattr(self.response, "shutdown"):  # a body without length has taken the socket over
                    self.response.shutdown()


_local = threading.local()


class _WatchedPool(urllib3.HTTPConnectionPool):
    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)
        if watch := getattr(_local, "watch", None):
            watch.connection = connection
        return connection


class _WatchedTlsPool(_WatchedPool, urllib3.HTTPSConnectionPool):
    pass


_POOLS = {"http": _WatchedPool, "https": _WatchedTlsPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        chosen = super().proxy_manager_for(proxy, **options)
        chosen.pool_classes_by_scheme = _POOLS
        return chosen


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Never a target: requests would parse it and read the whole body, even with redirects off."""


def new_session(keep_cookies: bool) -> requests.Session:
    """A session that takes nothing from the environment but proxies, and no cookie unless told."""
    session = _Session()
    session.trust_env = False  # else ~/.netrc would sign requests behind our back
    session.headers["User-Agent"] = _USER_AGENT
    if not keep_cookies:
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", _Adapter())
    session.mount("http://", _Adapter())
    return session


def exchange(
    session: requests.Session,
    prepared: Mapping[str, Any],
    host: str,
    left: float,
    max_bytes: int,
    ca_file: Path | None,
) -> tuple[int, dict[str, str], bytes, str]:
    """Status, headers (lower-case names), body and URL of one request; redirects are not followed.

    ``left`` are the real seconds it may take. Raises Silence or TooLarge.
    """
    proxies = {} if is_loopback(host) else get_environ_proxies(prepared["url"])
    with _Watch(left) as watch:
        try:
            answer = session.request(
                **prepared,
                allow_redirects=False,
                stream=True,
                timeout=(min(left, _CONNECT_S), left),
                verify=str(ca_file) if ca_file else True,
                proxies=proxies,
            )
            try:
                answer.raw.decode_content = True
                watch.response = answer.raw
                body = _body(answer.raw.read1, max_bytes, watch)
            finally:
                answer.close()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as fault:
            # The text of these carries URLs and header values, so only their kind is told.
            raise Silence("the deadline passed" if watch.fired else _why(fault)) from None
        if watch.fired:
            raise Silence("the deadline passed")
    return answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, body, answer.url


def _body(read1: Callable[[int], bytes], max_bytes: int, watch: _Watch) -> bytes:
    parts, size = [], 0
    while not watch.fired and (chunk := read1(_CHUNK)):
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge
        parts.append(chunk)
    return b"".join(parts)


def _why(fault: Exception) -> str:
    text = str(fault)
    if "certificate verify failed" in text.lower().replace("_", " "):
        return "its certificate could not be verified"
    if "NameResolutionError" in text or "Name or service not known" in text:
        return "the name does not resolve"
    if "Connection refused" in text:
        return "connection refused"
    if isinstance(fault, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError):
        return "the deadline passed"  # one read may take all that is left, so the watch was only slower
    if isinstance(fault, requests.Timeout | TimeoutError | urllib3.exceptions.TimeoutError):
        return "timed out"
    return type(fault).__name__
