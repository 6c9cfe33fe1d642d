"""The block list for firewalls (one address a line) and resolvers (a response policy zone): whole, or 503."""

from typing import Literal

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import PlainTextResponse, Response

from playbook.errors import PlaybookError
from playbook.model.address import parse, within
from playbook.web.auth import P
from playbook.web.dependencies import Dependencies, FeedSource

router = APIRouter(include_in_schema=False)
_Kind = Literal["edl.txt", "rpz.zone"]


@router.api_route("/feeds/{kind}", methods=["GET", "HEAD"])
def only(request: Request, parts: P, kind: _Kind) -> Response:
    """The feed of the only block list; with several, each has its own address."""
    if len(parts.feeds) > 1:
        names = ", ".join(f"/feeds/{one.name}/{kind}" for one in parts.feeds)
        raise HTTPException(404, f"there are several block lists: {names}")
    return _feed(request, parts, parts.feeds[0] if parts.feeds else None, kind)


@router.api_route("/feeds/{name}/{kind}", methods=["GET", "HEAD"])
def one_of(request: Request, parts: P, name: str, kind: _Kind) -> Response:
    """The feed of the block list of this name."""
    return _feed(request, parts, next((one for one in parts.feeds if one.name == name), None), kind)


def _feed(request: Request, parts: Dependencies, source: FeedSource | None, kind: _Kind) -> Response:
    readers = parts.config.serve.blocklist_allowed_networks
    reader = parse(request.client.host) if request.client else None
    if readers and (reader is None or not within(reader, readers)):
        raise HTTPException(403, "this reader is not one of serve.blocklist_allowed_networks")
    if source is None:
        raise HTTPException(404, "no block list of that name is configured")
    if parts.restored():
        return PlainTextResponse("503: the record was restored and nobody confirmed it\n", 503)
    try:
        found = source.feed(parts.now()) if kind == "edl.txt" else source.zone(parts.now())
    except PlaybookError:
        # A reader keeps what it has; an empty or short list would unblock what is to stay blocked.
        return PlainTextResponse("503: the block list cannot be read now\n", 503, headers={"retry-after": "30"})
    headers = {"etag": found.etag, "cache-control": "no-cache", "x-entries": str(found.count)}
    if found.etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return PlainTextResponse(found.text, headers=headers)
