"""MISP, a TAXII 2.1 collection, and a file of a feed on loopback, from public API descriptions and standards.

At their nastiest: filters that are ignored, pages that shift, more objects than one envelope holds, an unchanged file
as 304, and a file that is cut, empty or a log-in page.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.emulators.site import Answer, Product, Request, site

Body = dict[str, Any]


def attribute(number: int, kind: str, value: str, seconds: int, **change: Any) -> Body:
    """One MISP attribute; numbers are texts there."""
    return {
        "id": str(number),
        "event_id": "5",
        "type": kind,
        "category": "Network activity",
        "to_ids": True,
        "uuid": f"00000000-0000-4000-8000-{number:012d}",
        "timestamp": str(seconds),
        "value": value,
        "deleted": False,
        "comment": "",
        "Event": {"id": "5", "info": "Emotet wave", "org_id": "1"},
    } | change


class MispServer:
    """One instance; ``deaf``: it ignores the question's filters."""

    def __init__(self, key: str, attributes: list[Body]) -> None:
        self.key, self.attributes = key, attributes
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.deaf = True

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        if request.headers.get("authorization") != self.key:
            return Answer(403, {"name": "Authentication failed.", "message": "Authentication failed.", "url": "/"})
        if request.path.startswith("/servers/getVersion"):
            return Answer(200, {"version": "2.5.34", "perm_sync": False, "pymisp_recommended_version": "2.5.34"})
        if request.path.startswith("/users/view/me"):
            return Answer(200, {"User": {"id": "1"}, "Role": {"id": "6"}, "UserSetting": []})
        if request.path != "/attributes/restSearch":
            return Answer(404, {"message": "Not Found"})
        question = request.json()
        rows = [one for one in self.attributes if self.deaf or one["type"] in question["type"]]
        size, number = int(question.get("limit", 60)), int(question.get("page", 1))
        return Answer(200, {"response": {"Attribute": rows[(number - 1) * size : number * size]}})


def indicator(number: int, pattern: str, modified: str = "2026-10-20T10:00:00.000Z", **change: Any) -> Body:
    """One STIX 2.1 indicator."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
        "created": "2026-10-01T10:00:00.000Z",
        "modified": modified,
        "valid_from": "2026-10-01T10:00:00Z",
        "pattern": pattern,
        "pattern_type": "stix",
        "name": "Emotet C2",
        "indicator_types": ["malicious-activity"],
    } | change


class TaxiiServer:
    """One API root with one collection; ``size`` objects an envelope at most, filters are ignored."""

    def __init__(self, password: str, objects: list[Body], size: int = 1000) -> None:
        self.password, self.objects, self.size = password, objects, size
        self.seen: list[Request] = []
        self.lost: set[int] = set()

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        kind = "application/taxii+json;version=2.1"
        if request.headers.get("authorization") != self.password:
            return Answer(401, {"title": "Unauthorized"}, {"Content-Type": kind})
        if request.headers.get("accept") != kind:
            return Answer(406, {"title": "Not Acceptable"}, {"Content-Type": kind})
        if request.path == "/api1/collections/c-1/":
            return Answer(
                200,
                {
                    "id": "c-1",
                    "title": "t",
                    "can_read": True,
                    "can_write": False,
                    "media_types": ["application/stix+json;version=2.1"],
                },
                {"Content-Type": kind},
            )
        if request.path != "/api1/collections/c-1/objects/":
            return Answer(404, {"title": "Not Found"}, {"Content-Type": kind})
        start, size = int(request.query.get("next", "0")), min(int(request.query.get("limit", "100")), self.size)
        part, more = self.objects[start : start + size], start + size < len(self.objects)
        envelope = ({"objects": part} if part else {}) | ({"more": True, "next": str(start + size)} if more else {})
        return Answer(200, envelope, {"Content-Type": kind})


class FeedFile:
    """One file at /feed.csv with an ETag of its own; ``token`` is expected in Auth-Key."""

    def __init__(self, body: bytes, token: str = "", etag: str = '"v1"') -> None:
        self.body, self.token, self.etag = body, token, etag
        self.seen: list[Request] = []
        self.lost: set[int] = set()
        self.status = 200

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        if self.token and request.headers.get("auth-key") != self.token:
            return Answer(401, b"<html>Auth-Key?</html>")
        if self.status != 200:
            return Answer(self.status, b"<html>out of order</html>")
        if request.headers.get("if-none-match") == self.etag:
            return Answer(304, b"", {"ETag": self.etag})
        headers = {"ETag": self.etag, "Last-Modified": "Fri, 30 Oct 2026 08:00:00 GMT", "Content-Type": "text/csv"}
        return Answer(200, self.body, headers)


def as_json(rows: Any) -> bytes:
    """A feed in JSON."""
    return json.dumps(rows).encode()


def serving(product: Product) -> Callable[[str], AbstractContextManager[str]]:
    """For ``cassette.site``."""
    return lambda public_url: site(product)
