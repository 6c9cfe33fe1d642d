"""Logging in with a local account and logging out; the way to an identity provider is in oidc.py."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import HTMLResponse, Response

from playbook.cases import accounts, audit
from playbook.cases.accounts import Proof
from playbook.cases.roles import Role
from playbook.web import rendering, sessions
from playbook.web.auth import P, Token, Viewer, check_form, cookie_name, own_path
from playbook.web.dependencies import Dependencies
from playbook.web.middleware import caller

router = APIRouter(include_in_schema=False)
_FORM_COOKIE = "login"
_DEVICE_COOKIE = "device"
_DEVICE_S = 90 * 86400


@router.get("/login")
def form(request: Request, parts: P, next: Annotated[str, "where to go then"] = "/") -> Response:
    """The form, with a token that only this browser can send back."""
    return _form(request, parts, own_path(next))


@router.post("/login")
def log_in(
    request: Request,
    parts: P,
    name: Annotated[str, Form(max_length=64)],
    password: Annotated[str, Form(max_length=1024)],
    csrf: Token = "",
    next: Annotated[str, Form(max_length=600)] = "/",
) -> Response:
    """Check name and password; failures look alike and take alike, whoever was named.

    Tries are counted by name and address, so that nobody locks out the others behind one address; and a browser in
    which this name has logged in before is a place of its own.
    """
    there = own_path(next)
    held = request.cookies.get(_FORM_COOKIE, "")
    if not held or not sessions.same(csrf, sessions.form_token(held, "/login")):
        return _form(request, parts, there, 403, "The form is out of date. Please try again.")
    address, device = caller(request.scope), _device(request, parts, name)
    wait = request.app.state.logins.wait_s(f"{device or address} {name}")
    if not wait and not device:
        wait = request.app.state.logins_of_address.wait_s(address)
    if wait:
        return _form(request, parts, there, 429, f"Too many attempts. Wait {wait} s.", wait)
    proof = accounts.by_password(parts.store, name, password, parts.now(), "page", device or address)
    if not isinstance(proof, Proof):
        return _form(request, parts, there, 401, proof.reason.capitalize() + ".")
    return entered(request, parts, proof, there)


@router.post("/logout")
def log_out(request: Request, parts: P, person: Viewer, csrf: Token = "") -> Response:
    """End this session."""
    check_form(person, "/logout", csrf)
    with parts.store.change() as conn:
        sessions.end(conn, person, parts.now())
    answer = rendering.see_other("/login")
    answer.delete_cookie(cookie_name(parts), httponly=True, samesite="strict", secure=parts.secure)
    return answer


def entered(request: Request, parts: Dependencies, proof: Proof, there: str) -> Response:
    """A new session, whatever session the browser came with, and the way on.

    The page goes on by itself: after a redirect from another site the browser would keep the strict cookie back.
    """
    before = request.cookies.get(cookie_name(parts), "")
    with parts.store.change() as conn:
        token = sessions.start(conn, proof, parts.config.serve, parts.now(), before)
    answer = rendering.page(request, "onward.html", there=there, headers={"refresh": f"0;url={there}"})
    answer.set_cookie(
        cookie_name(parts),
        token,
        path="/",
        httponly=True,
        samesite="strict",
        secure=parts.secure,
        max_age=parts.config.serve.session_lifetime_s,
    )
    answer.delete_cookie(_FORM_COOKIE, path="/login")
    if not _device(request, parts, proof.name):
        nonce = secrets.token_urlsafe(16)
        signature = sessions.form_token(parts.secret.hex(), f"device {proof.name} {nonce}")
        answer.set_cookie(
            _DEVICE_COOKIE,
            f"{nonce}.{signature}",
            path="/login",
            httponly=True,
            samesite="strict",
            secure=parts.secure,
            max_age=_DEVICE_S,
        )
    return answer


def _device(request: Request, parts: Dependencies, name: str) -> str:
    """``device:`` and what tells this browser from others, when this name has logged in here before; else ""."""
    nonce, _, signature = request.cookies.get(_DEVICE_COOKIE, "")[:200].partition(".")
    expected = sessions.form_token(parts.secret.hex(), f"device {name} {nonce}")
    return f"device:{nonce}" if nonce and sessions.same(signature, expected) else ""


def known(parts: Dependencies, name: str, role: Role | None = None) -> Proof:
    """The proof of somebody whom an identity provider has proven; 403 unless we know the account, or made it then.

    ``role`` is what the provider's groups give, None when the local account says it. An account with a password of its
    own, or that was disabled here, is never taken over by a group.
    """
    now = parts.now()
    with parts.store.change() as conn:
        account = accounts.account_of(conn, name)
        if role is not None and (account is None or account.created_by == accounts.PROVIDER):
            account = accounts.from_provider(conn, name, role, now)
        if account is not None and account.disabled_at is None:
            return Proof(name=account.name, role=account.role, via="page")
        content = {"by": "identity provider", "name": name[:64]}
        audit.append(conn, now, "", "playbook", "proof failed", content)
    raise HTTPException(403, "the identity provider knows you, but there is no account of that name here")


def _form(
    request: Request, parts: Dependencies, there: str, status: int = 200, fault: str = "", wait: int = 0
) -> HTMLResponse:
    held = secrets.token_urlsafe(24)
    answer = rendering.page(
        request,
        "login.html",
        status=status,
        fault=fault,
        there=there,
        csrf=sessions.form_token(held, "/login"),
        oidc=bool(parts.config.serve.oidc),
        headers={"retry-after": str(wait)} if wait else {},
    )
    answer.set_cookie(
        _FORM_COOKIE, held, path="/login", httponly=True, samesite="strict", secure=parts.secure, max_age=3600
    )
    return answer
