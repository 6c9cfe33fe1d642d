"""The border every request crosses: the host it names, its size, how often it comes, the headers it leaves with."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from fastapi import HTTPException

from playbook.config import Serve
from playbook.web.telemetry import Telemetry
from playbook.web.token_buckets import TokenBuckets

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
# Machines come by address or by another name; nothing there depends on the host that was named.
_ANY_HOST = ("/feeds/", "/health")


class SecurityMiddleware:
    """ASGI around the application: refuses before anything is parsed, and marks every answer."""

    def __init__(
        self,
        app: App,
        serve: Serve,
        caps: TokenBuckets,
        telling: Telemetry,
        hosts: tuple[str, ...],
        secure: bool,
        form_targets: str = "",
    ) -> None:
        self._app, self._serve, self._caps, self._telling, self._hosts = app, serve, caps, telling, hosts
        headers = dict(_HEADERS)
        if form_targets:
            own = f"form-action 'self' {form_targets}"
            headers["content-security-policy"] = POLICY.replace("form-action 'self'", own)
        if secure:
            headers["strict-transport-security"] = "max-age=31536000"
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._telling.request(scope) as told:

            async def leave(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    told.status = message["status"]
                    own = {name for name, _ in message["headers"]}
                    message["headers"] = [*message["headers"], *(h for h in self._headers if h[0] not in own)]
                await send(message)

            refusal = self._refusal(scope)
            if refusal is not None:
                await _answer(leave, scope["path"].startswith("/api/"), *refusal)
                return
            await self._app(scope, self._counted(receive, self._most(scope)), leave)

    def _refusal(self, scope: Scope) -> tuple[int, str] | tuple[int, str, int] | None:
        """Status and reason (and seconds to wait) when the request goes no further."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = _host(headers.get(b"host", ""))
        if self._hosts and host not in self._hosts and not scope["path"].startswith(_ANY_HOST):
            return 421, "this is not the host you asked for"
        length = headers.get(b"content-length", "0")
        if not length.isdecimal() or len(length) > 15 or int(length) > self._most(scope):
            return 413, "the body is too large"
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and _foreign(headers):
            return 403, "the request comes from another site"
        wait = self._caps.wait_s(caller(scope))
        return (429, "too many requests", wait) if wait else None

    def _most(self, scope: Scope) -> int:
        """How many bytes a body may have: alerts come many at once."""
        return self._serve.alert_bytes if scope["path"].startswith("/api/alerts") else self._serve.body_bytes

    def _counted(self, receive: Receive, most: int) -> Receive:
        seen = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413, "the body is too large")
            return message

        return counted


def caller(scope: Scope) -> str:
    """Who asks, as far as the connection tells; one IPv6 network of 64 bits is one caller."""
    host = scope["client"][0] if scope.get("client") else "?"
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)[:64]
    return str(address) if address.version == 4 else address.exploded[:19]


def _host(header: str) -> str:
    """The host of a Host header without its port, lower case."""
    try:
        return (urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _foreign(headers: dict[bytes, str]) -> bool:
    """Whether a browser says that another site sent this; one too old to say it at least names the origin."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get(b"origin")
    return origin is not None and urlsplit(origin).netloc != headers.get(b"host", "")


async def _answer(send: Send, machine: bool, status: int, text: str, wait: int = 0) -> None:
    """A refusal: for a program in the shape of every other one, else a line of text."""
    shape = {"status": "failed", "error": text, "message": text, "complete": False, "warnings": [], "data": []}
    body = json.dumps(shape).encode() if machine else f"{status}: {text}\n".encode()
    kind = b"application/json" if machine else b"text/plain; charset=utf-8"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    headers += [(b"retry-after", str(wait).encode())] if wait else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
