"""What the service tells of itself: one JSON line a request with secrets struck out, and counters for Prometheus."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

LOG = logging.getLogger("playbook.web")
_SECRETS = re.compile(
    r"bpt_[A-Za-z0-9_-]+"
    # Not our own words about credentials: "a bearer token is needed", "the secret: required".
    r"|(?i:\b(?:bearer|basic))\s+(?!(?:tokens?|auth|authentication|credentials?|scheme|header)\b)[A-Za-z0-9._~+/=-]+"
    r"|(?i:\b(?:password|passwd|secret|token|api_?key|access_?key|authorization|cookie|code)\b[\"']?\s*[=:]\s*[\"']?)"
    r"(?!(?:required|expected|needed|unknown|not|must|the|a|is)\b(?=[\s:,]))(?:(?i:bearer|basic)\s+)?[^\s,;&\"']+"
    r"|(?<=://)[^/@\s]+@"
)
_LONGEST = 4000


def redacted(text: str) -> str:
    """The text without what looks like a credential, and bounded."""
    return _SECRETS.sub("(redacted)", text[:_LONGEST])


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the fields of a request."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; ASCII, so that nothing in it can move a terminal's cursor."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        line |= {
            name: redacted(str(value)) if isinstance(value, str) else value
            for name, value in getattr(record, "fields", {}).items()
        }
        if record.exc_info:
            line["error"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=True)


@dataclass
class RequestLog:
    """What is known of a request when it ends."""

    status: int = 500
    who: str = ""


class Telemetry:
    """Counts and logs requests; ``registry`` holds the numbers."""

    def __init__(self, registry: CollectorRegistry, elapsed: Callable[[], float] = perf_counter) -> None:
        self._elapsed = elapsed
        self._requests = Counter(
            "botnet_playbook_requests", "Requests answered", ["method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "botnet_playbook_request_seconds",
            "Seconds to the end of the answer",
            ["area"],
            registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
        )

    @contextmanager
    def request(self, scope: Any) -> Iterator[RequestLog]:
        """Around one request; the query string is never logged, because links and codes stand in it."""
        told, began = RequestLog(), self._elapsed()
        scope.setdefault("state", {})["told"] = told
        try:
            yield told
        finally:
            spent = self._elapsed() - began
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "PUT", "DELETE") else "other"
            self._requests.labels(method, str(told.status)).inc()
            self._seconds.labels(_area(scope["path"])).observe(spent)
            LOG.info(
                "request",
                extra={
                    "fields": {
                        "method": method,
                        "path": scope["path"][:300],
                        "status": told.status,
                        "ms": round(spent * 1000, 1),
                        "client": scope["client"][0] if scope.get("client") else "",
                        "who": told.who,
                    }
                },
            )


def _area(path: str) -> str:
    """The part of the service a path belongs to: few values, whatever is asked for."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first if first in ("api", "cases", "feeds", "health", "metrics", "audit", "blocked", "login") else "other"
