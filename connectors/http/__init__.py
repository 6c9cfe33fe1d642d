"""The one place that speaks HTTP: deadlines, retries of reads, rate gate, status to error, no secret in any text.

A connector builds one ``Transport`` per base URL and calls ``get``/``post``; answers are ``Reply`` values.
Proxies: HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured (never for loopback); ~/.netrc is never read.
Certificates are always checked, against the usual bundle or ``ca_file``; nothing switches that off.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tenacity

from connectors.http.rate_limiter import Clocks, RateLimiter, gate_for
from connectors.http.reply import (
    Credential,
    Reply,
    asked_wait,
    checked_url,
    is_loopback,
    printable,
    retry_after,
    segment,
)
from connectors.http.session import Silence, TooLarge, exchange, new_session
from playbook.errors import BadAnswer, ConnectorError, RateLimited, Unauthorized, Unreachable

__all__ = [
    "Bounds",
    "Clocks",
    "Credential",
    "Reply",
    "Transport",
    "checked_url",
    "is_loopback",
    "printable",
    "retry_after",
    "segment",
]

Params = Mapping[str, str | int]
Headers = Mapping[str, str]

# What a status means when the caller did not ask to see it; any other answer below 500 is handed to the caller.
STATUS_ERRORS: Mapping[int, type[ConnectorError]] = {
    401: Unauthorized,
    403: Unauthorized,
    407: Unauthorized,
    429: RateLimited,
    502: Unreachable,
    503: Unreachable,
    504: Unreachable,
}
_RETRIED = frozenset({429, 500, 502, 503, 504})
_LONGEST_PAUSE_S = 3600.0  # no answer shuts a product off for longer


@dataclass(frozen=True)
class ReplyBounds:
    """What one call may cost: seconds in all, retries and waits included; bytes of body; attempts; pace in seconds."""

    deadline_s: float = 30.0
    max_bytes: int = 16 * 1024 * 1024
    attempts: int = 3
    min_interval_s: float = 0.0


class _Again(Exception):
    """An attempt failed in a way that a later one may not; ``wait_s`` is what the product asked for."""

    def __init__(self, error: ConnectorError, wait_s: float = 0.0) -> None:
        super().__init__()
        self.error = error
        self.wait_s = wait_s


class Transport:
    """Calls to one base URL under one credential.

    ``subject`` opens every error ("sumo"). Cookies are dropped; ``with_cookies`` gives a sibling with a jar of its own.
    Raises ConfigError for a base URL that is neither https nor a loopback http address, or that carries credentials.
    """

    def __init__(
        self,
        base_url: str,
        *,
        subject: str,
        credential: Credential | None = None,
        bounds: ReplyBounds = ReplyBounds(),
        clocks: Clocks = Clocks(),  # noqa: B008 a frozen value
        ca_file: Path | None = None,
    ) -> None:
        self.base_url = checked_url(base_url, subject).rstrip("/")
        self.subject = subject
        self.bounds = bounds
        self.clocks = clocks
        self._credential = credential
        self._ca_file = ca_file
        self._host = urlsplit(self.base_url).hostname or ""
        user = credential.user if credential else ""
        self._gate: RateLimiter = gate_for(urlsplit(self.base_url).netloc, user, clocks.monotonic)
        self._session = new_session(keep_cookies=False)

    def with_cookies(self) -> "Transport":
        """A transport with the same settings and rate gate whose session keeps cookies: one per job."""
        other = Transport(
            self.base_url,
            subject=self.subject,
            credential=self._credential,
            bounds=self.bounds,
            clocks=self.clocks,
            ca_file=self._ca_file,
        )
        other._session = new_session(keep_cookies=True)
        return other

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def get(self, path: str, *, params: Params | None = None, headers: Headers | None = None, **options: Any) -> Reply:
        """A read: repeated on no answer, 429 and 5xx as long as the deadline allows. Options as in ``request``."""
        return self.request("GET", path, params=params, headers=headers, retry=True, **options)

    def post(self, path: str, *, json: Any = None, data: Params | bytes | None = None, **options: Any) -> Reply:
        """A write: sent once, unless ``retry=True`` says that the product makes it idempotent."""
        return self.request("POST", path, json=json, data=data, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        headers: Headers | None = None,
        json: Any = None,
        data: Params | bytes | None = None,
        retry: bool = False,
        passes: Collection[int] = (),
        deadline_s: float | None = None,
    ) -> Reply:
        """One call to ``base_url + path`` (path starts with "/", its segments already through ``segment``).

        ``passes`` are statuses of the error table that the caller wants as a Reply. Redirects are never followed.
        Raises Unauthorized, RateLimited, Unreachable or BadAnswer; the whole call ends by the deadline.
        """
        if not path.startswith("/"):
            raise ValueError("a path starts with /")
        until = self.clocks.monotonic() + (deadline_s or self.bounds.deadline_s)
        sent = dict(headers or {}) | (self._credential.headers() if self._credential else {})
        prepared = {"method": method, "url": self.base_url + path, "params": params, "json": json, "data": data}
        retrying = tenacity.Retrying(
            sleep=self.clocks.sleep,
            retry=tenacity.retry_if_exception_type(_Again),
            wait=_wait,
            stop=lambda state: self._must_stop(state, until, self.bounds.attempts if retry else 1),
            reraise=True,
        )
        try:
            return retrying(self._attempt, prepared | {"headers": sent}, until, frozenset(passes))
        except _Again as again:
            error = again.error
        raise error from None

    def _must_stop(self, state: tenacity.RetryCallState, until: float, attempts: int) -> bool:
        return state.attempt_number >= attempts or self.clocks.monotonic() + state.upcoming_sleep >= until

    def _attempt(self, prepared: dict[str, Any], until: float, passes: frozenset[int]) -> Reply:
        if not self._gate.take(self.bounds.min_interval_s, until, self.clocks.sleep):
            raise RateLimited(f"{self.subject}: our own rate limit leaves no time before the deadline")
        left = max(until - self.clocks.monotonic(), 0.05)
        try:
            answer = exchange(self._session, prepared, self._host, left, self.bounds.max_bytes, self._ca_file)
        except Silence as silence:
            raise _Again(Unreachable(f"{self.subject}: no answer from {self._host}: {silence}")) from None
        except TooLarge:
            limit = self.bounds.max_bytes
            raise BadAnswer(f"{self.subject}: an answer of more than {limit} bytes was cut off") from None
        return self._judged(Reply(*answer, self.subject, self._redact), passes)

    def _judged(self, reply: Reply, passes: frozenset[int]) -> Reply:
        status = reply.status
        kind = STATUS_ERRORS.get(status) or (BadAnswer if status >= 500 else None)
        if kind is None or status in passes:
            return reply
        wait_s = asked_wait(reply.headers, self.clocks.wall())
        error = kind(f"{self.subject}: {self._complaint(status, wait_s)}")
        if status == 429:
            self._gate.pause(min(wait_s or 0.0, _LONGEST_PAUSE_S))
        if status in _RETRIED:
            raise _Again(error, wait_s or 0.0)
        raise error

    def _complaint(self, status: int, wait_s: float | None) -> str:
        if status == 407:
            return "the proxy refused us (407): check HTTPS_PROXY"
        if status == 403 and not self._credential:
            return f"{self._host} refuses to answer us (403)"
        if status in (401, 403):
            named = self._credential.setting if self._credential else "no credential is configured"
            return f"{self._host} refused the credentials or a permission is missing ({status}): {named}"
        if status == 429:
            asked = "" if wait_s is None else f" and asks to wait {wait_s:.0f} s"
            return f"{self._host} limits our rate (429){asked}"
        return f"{self._host} answered with an error ({status})"

    def _redact(self, text: str) -> str:
        return self._credential.redact(text) if self._credential else text


def _wait(state: tenacity.RetryCallState) -> float:
    fault = state.outcome.exception() if state.outcome else None
    asked = fault.wait_s if isinstance(fault, _Again) else 0.0
    growing: float = 0.5 * 2 ** (state.attempt_number - 1)
    return max(asked, growing)
