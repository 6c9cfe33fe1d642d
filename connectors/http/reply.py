"""What goes out and comes back over HTTP, as values: the credential, the reply, and checks of URLs and headers."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from html import escape
from ipaddress import ip_address
from math import isfinite
from typing import Any, NoReturn, Self
from urllib.parse import quote, urljoin, urlsplit

from pydantic import SecretStr

from playbook.errors import BadAnswer, ConfigError

_EXCERPT = 200
_FIRST_MOMENT = 1e9  # seconds since 1970; a smaller number is a wait


@dataclass(frozen=True)
class Credential:
    """How to sign a request. ``setting`` is what an error names (``SUMO_ACCESS_KEY``), never the value.

    Either ``user`` and ``secret`` (HTTP Basic), or ``header`` with ``scheme`` before the secret ("Bearer").
    """

    setting: str
    secret: SecretStr
    user: str = ""
    header: str = "Authorization"
    scheme: str = "Bearer"

    def headers(self) -> dict[str, str]:
        """The header that signs a request; ConfigError when the secret cannot stand in one."""
        secret = self.secret.get_secret_value()
        if self.user:
            pair = f"{self.user}:{secret}".encode()
            return {self.header: "Basic " + base64.b64encode(pair).decode()}
        if not (secret.isascii() and secret.isprintable() and secret.strip() == secret):
            raise ConfigError(f"{self.setting}: contains characters that cannot stand in an HTTP header")
        return {self.header: f"{self.scheme} {secret}".strip()}

    def redact(self, text: str) -> str:
        """``text`` without the secret: plain, base64, percent-encoded, or as JSON and HTML write it."""
        secret = self.secret.get_secret_value()
        signed = self.headers()[self.header].rpartition(" ")[2]
        coded = base64.b64encode(secret.encode()).decode().rstrip("=")
        written = (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], escape(secret))
        for hidden in (signed, secret, quote(secret, safe=""), coded, *written):
            text = text.replace(hidden, f"<{self.setting}>") if len(hidden) > 3 else text
        return text


@dataclass(frozen=True)
class Reply:
    """One answer: ``headers`` with lower-case names, ``body`` free of its transfer form, ``url`` as it was asked."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str
    subject: str
    redact: Callable[[str], str] = field(repr=False, default=str)

    @property
    def location(self) -> str | None:
        """Where a redirect points, as an absolute URL, or None for nowhere; it was not followed."""
        target = self.headers.get("location")
        try:
            return urljoin(self.url, target) if target else None
        except ValueError:
            return None

    def json(self) -> Any:
        """The parsed body; BadAnswer when it is not JSON (HTML with 200, a truncated body, NaN, absurd nesting)."""
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            kind = self.headers.get("content-type", "no content type")
            self._bad(f"expected JSON, got {kind} with status {self.status}")

    def expect(self, *statuses: int) -> Self:
        """Itself when the status is one of ``statuses``, else BadAnswer with the beginning of the body."""
        if self.status not in statuses:
            self._bad(f"unexpected status {self.status}{self._elsewhere()}")
        return self

    def _elsewhere(self) -> str:
        """Where a redirect leads, without its query: a base URL is often one letter away from the right one."""
        parts = urlsplit(self.location or "") if 300 <= self.status < 400 else None
        if parts is None or not parts.netloc:
            return ""
        return f", a redirect to {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200]

    def _bad(self, fault: str) -> NoReturn:
        # Struck out before it is cut: the first half of a secret is no excerpt either.
        start = self.redact(printable(self.body[: 64 * _EXCERPT].decode("utf-8", "replace")))[:_EXCERPT]
        raise BadAnswer(self.redact(f"{self.subject}: {printable(fault)}") + (f": {start!r}" if start else ""))


def checked_url(url: str, subject: str) -> str:
    """``url`` if it is https, or http to loopback, without user name, query or fragment; else ConfigError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{subject}: not a URL") from None
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(f"{subject}: expected https://host[:port][/path] and nothing else in the URL")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ConfigError(f"{subject}: expected an https:// URL (http:// only for loopback addresses), host {host}")
    return url


def is_loopback(host: str) -> bool:
    """Whether ``host`` is "localhost" or a loopback address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def segment(text: str) -> str:
    """``text`` as one path segment of a URL, everything but letters, digits and ``-._~`` percent-encoded.

    BadAnswer for "", "." and "..": clients and servers resolve these however they are encoded.
    """
    if text in ("", ".", ".."):
        raise BadAnswer(f"an identifier that cannot stand in a path: {text!r}")
    return quote(text, safe="")


def printable(text: str) -> str:
    """``text`` without control, escape and bidirectional formatting characters."""
    return "".join(c if c.isprintable() else " " for c in text)


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for (a number or an HTTP date), or None when it says nothing usable."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return max(seconds, 0.0) if isfinite(seconds) else None


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that an answer asks us to wait, the longest of its headers; None when none says anything usable.

    X-RateLimit-RetryAfter is CrowdStrike's: the second since 1970 at which we may ask again.
    """
    moment = retry_after(headers.get("x-ratelimit-retryafter"), now)
    if moment is not None and moment >= _FIRST_MOMENT:
        moment = max(moment - now, 0.0)
    waits = [wait for wait in (retry_after(headers.get("retry-after"), now), moment) if wait is not None]
    return max(waits, default=None)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
