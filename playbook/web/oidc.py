"""Logging in through an identity provider: authorization code flow with PKCE, by a kept library."""

from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from httpx2 import HTTPError, create_ssl_context
from joserfc.errors import JoseError
from pydantic import Field, SecretStr
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import Response

from playbook.cases.roles import ROLES, Role
from playbook.config import resolve_secrets, validated
from playbook.errors import ConfigError
from playbook.model import Value
from playbook.web.auth import P, own_path
from playbook.web.dependencies import Dependencies
from playbook.web.login import entered, known

router = APIRouter(include_in_schema=False, prefix="/login/oidc")
_TRANSACTION_S = 600
_FAULTS = (OAuthError, JoseError, HTTPError, ValueError, KeyError)


class Settings(Value):
    """``[serve.oidc]``: the provider, our client there, and the claim that names one of our accounts.

    ``name_claim`` must be one that people cannot change themselves; ``email`` counts only when it is verified.
    ``roles`` gives the role of each group that ``groups_claim`` may name: with it, the provider says at each log-in
    what somebody may do, the most that any of their groups gives, and nobody of no such group comes in. Without it, the
    role is the local account's.
    """

    issuer: str = Field(pattern=r"^https?://")
    client_id: str = Field(min_length=1)
    client_secret: SecretStr
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    roles: dict[str, Role] = Field(default={}, max_length=100)


def settings_of(parts: Dependencies, file: str = "configuration") -> Settings:
    """The settings, checked; plain HTTP is for loopback only."""
    table = resolve_secrets(parts.config.serve.oidc, file, "serve.oidc")
    settings = validated(Settings, table, file, "serve.oidc")
    place = urlsplit(settings.issuer)
    if place.scheme == "http" and place.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ConfigError(f"{file}: serve.oidc.issuer: http:// is accepted for loopback addresses only")
    return settings


def mount(app: FastAPI, parts: Dependencies) -> str:
    """Offer the provider on this application; gives its issuer. Raises ConfigError when its settings are wrong."""
    settings = settings_of(parts)
    oauth = OAuth()
    oauth.register(
        "provider",
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        server_metadata_url=f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration",
        # The certificates are read once: a client is made for every call, and would read them again.
        client_kwargs={
            "scope": "openid profile email",
            "code_challenge_method": "S256",
            "timeout": 10,
            "verify": create_ssl_context(),
        },
    )
    app.state.provider, app.state.oidc = oauth.provider, settings
    # Lax, for this path and ten minutes only: the provider sends the browser back from another site.
    app.add_middleware(
        SessionMiddleware,
        secret_key=parts.secret.hex(),
        session_cookie="transaction",
        max_age=_TRANSACTION_S,
        path="/login/oidc",
        same_site="lax",
        https_only=parts.secure,
    )
    app.include_router(router)
    return settings.issuer


@router.get("/start")
async def start(request: Request, parts: P, next: str = "/") -> Response:
    """Off to the provider, with state, nonce and a code challenge of this browser."""
    request.session.clear()
    request.session["there"] = own_path(next)
    try:
        away: Response = await request.app.state.provider.authorize_redirect(request, _back(request, parts))
    except _FAULTS as fault:
        raise HTTPException(502, "the identity provider does not answer as it should") from fault
    return away


@router.get("/back")
async def back(request: Request, parts: P) -> Response:
    """Back from the provider: the code for a token, the token's signature and claims checked, our account looked up."""
    there = own_path(str(request.session.get("there", "/")))
    try:
        token = await request.app.state.provider.authorize_access_token(request)
    except _FAULTS as fault:
        raise HTTPException(401, "the identity provider did not prove who you are: start again") from fault
    finally:
        request.session.clear()
    settings, claims = request.app.state.oidc, token.get("userinfo") or {}
    name = _name(claims, settings.name_claim)
    role = role_of(claims, settings) if settings.roles else None
    proof = await run_in_threadpool(known, parts, name, role)
    return await run_in_threadpool(entered, request, parts, proof, there)


def _name(claims: Any, claim: str) -> str:
    name = claims.get(claim)
    if claim == "email" and claims.get("email_verified") is not True:
        name = None
    if not isinstance(name, str) or not name:
        raise HTTPException(403, f"the identity provider says no {claim} that counts")
    return name.lower()


def role_of(claims: Any, settings: Settings) -> Role:
    """The most that any of the groups gives; 403 when none of them is one that we know."""
    groups = claims.get(settings.groups_claim)
    named = groups if isinstance(groups, list) else [groups]
    found = [settings.roles[one] for one in named if isinstance(one, str) and one in settings.roles]
    if not found:
        raise HTTPException(403, "none of the groups that the identity provider names has a role here")
    return max(found, key=ROLES.index)


def _back(request: Request, parts: Dependencies) -> str:
    """Where the provider sends the browser: our configured address, never a host the request merely names."""
    base = parts.config.serve.public_url.rstrip("/") or f"http://{request.url.netloc}"
    return f"{base}/login/oidc/back"
