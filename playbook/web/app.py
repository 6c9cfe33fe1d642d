"""The application: routes, refusals as pages or JSON, and the border around them."""

import importlib
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from playbook.errors import ConnectorError, PlaybookError
from playbook.report import html
from playbook.web import (
    account_page,
    action_api,
    alert_api,
    blocklist_feeds,
    case_acts,
    case_list,
    case_page,
    health,
    login,
    pages,
    rendering,
    signed_links,
)
from playbook.web.auth import LoginNeeded, cookie_name, own_path, parts_of
from playbook.web.dependencies import Dependencies
from playbook.web.middleware import SecurityMiddleware
from playbook.web.telemetry import LOG, Telemetry
from playbook.web.token_buckets import TokenBuckets

_STATIC = {
    "report.css": (html.style(), "text/css"),
    "service.css": ((rendering.HERE / "static" / "service.css").read_text(encoding="utf-8"), "text/css"),
    "icon.svg": ((rendering.HERE / "static" / "icon.svg").read_text(encoding="utf-8"), "image/svg+xml"),
}
# How many people one address may stand for.
_NAMES_OF_AN_ADDRESS = 10
_MACHINES = ("/api/", "/metrics", "/health")


def build(parts: Dependencies) -> FastAPI:
    """The application over these parts. Raises ConfigError when the identity provider's settings are wrong."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    serve = parts.config.serve
    app.state.parts = parts
    app.state.registry = CollectorRegistry()
    app.state.logins = TokenBuckets(serve.logins_per_minute, parts.now)
    app.state.logins_of_address = TokenBuckets(serve.logins_per_minute * _NAMES_OF_AN_ADDRESS, parts.now)
    app.state.tokens = TokenBuckets(serve.requests_per_minute, parts.now)
    for module in (
        action_api,
        alert_api,
        health,
        blocklist_feeds,
        signed_links,
        login,
        account_page,
        pages,
        case_list,
        case_page,
        case_acts,
    ):
        app.include_router(module.router)
    # Loaded by name: what a provider needs is imported where one is configured, and nowhere else.
    target: str = importlib.import_module(f"{__package__}.oidc").mount(app, parts) if serve.oidc else ""
    app.add_api_route("/static/{name}", _static, include_in_schema=False)
    _refusals(app)
    app.add_middleware(
        SecurityMiddleware,
        serve=serve,
        caps=TokenBuckets(serve.requests_per_minute, parts.now),
        telling=Telemetry(app.state.registry),
        hosts=parts.hosts,
        secure=parts.secure,
        form_targets=target,
    )
    return app


def _static(name: str) -> Response:
    """One of a few texts kept in memory: no path of a request ever reaches the disk."""
    if name not in _STATIC:
        raise HTTPException(404, "there is no such file")
    text, kind = _STATIC[name]
    return Response(text, media_type=kind, headers={"cache-control": "public, max-age=3600"})


def _refusals(app: FastAPI) -> None:
    app.add_exception_handler(LoginNeeded, _to_login)  # type: ignore[arg-type]
    app.add_exception_handler(AnyHTTPException, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _wrong)  # type: ignore[arg-type]
    app.add_exception_handler(PlaybookError, _trouble)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _broken)


def _to_login(request: Request, fault: LoginNeeded) -> Response:
    """The way to the login; a link from another site first makes the browser ask again on its own account."""
    if request.method not in ("GET", "HEAD"):
        return _told(request, 401, "your session is over: log in, then answer again; nothing was decided")
    there = quote(own_path(fault.path), safe="/")
    if request.headers.get("sec-fetch-site") == "cross-site" and cookie_name(parts_of(request)) not in request.cookies:
        return rendering.page(request, "onward.html", there=there, headers={"refresh": f"0;url={there}"})
    return rendering.see_other(f"/login?next={there}")


def _refused(request: Request, fault: AnyHTTPException) -> Response:
    return _told(request, fault.status_code, str(fault.detail), fault.headers)


def _wrong(request: Request, fault: RequestValidationError) -> Response:
    # Only where it is wrong: what was sent is not echoed.
    fields = sorted({str(error["loc"][-1])[:40] for error in fault.errors()})
    return _told(request, 422, f"not understood: {', '.join(fields)}")


def _trouble(request: Request, fault: PlaybookError) -> Response:
    status = action_api.status_of(fault)
    if request.url.path.startswith(_MACHINES):
        return _told(request, status, str(fault))
    if isinstance(fault, ConnectorError):
        LOG.error("trouble: %s", fault)
        return _told(request, 503, "the record cannot be read or written now; nothing was decided")
    return _told(request, status, str(fault))


def _broken(request: Request, fault: Exception) -> Response:
    LOG.error("broken: %s", type(fault).__name__, exc_info=fault)
    return _told(request, 500, "something is broken here; the log says what")


def _told(request: Request, status: int, said: str, headers: Any = None) -> Response:
    if request.url.path.startswith(_MACHINES):
        return action_api.failed(status, said, headers)
    if request.url.path.startswith("/feeds/"):
        return PlainTextResponse(f"{status}: {said}\n", status, headers=headers)
    page: HTMLResponse = rendering.page(request, "refused.html", status=status, said=said, headers=dict(headers or {}))
    return page
