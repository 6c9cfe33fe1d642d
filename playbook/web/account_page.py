"""A person's own account: a new password, proven by the old one."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from playbook.cases import accounts
from playbook.cases.accounts import Proof
from playbook.errors import ConfigError
from playbook.web import rendering
from playbook.web.auth import P, Token, Viewer, check_form, cookie_name

router = APIRouter(include_in_schema=False)
Password = Annotated[str, Form(max_length=1024)]


@router.get("/account")
def account(request: Request, person: Viewer) -> Response:
    """The account and the form for a new password."""
    return rendering.page(request, "account.html", person)


@router.post("/account/password")
def new_password(
    request: Request,
    parts: P,
    person: Viewer,
    current: Password,
    password: Password,
    again: Password,
    csrf: Token = "",
) -> Response:
    """Replace the password; every session of the account ends, this one too."""
    check_form(person, "/account/password", csrf)
    now, name = parts.now(), person.proof.name
    if password != again:
        return rendering.page(request, "account.html", person, 422, "The two new passwords differ.")
    proof = accounts.by_password(parts.store, name, current, now, "page", f"session {name}")
    if not isinstance(proof, Proof):
        return rendering.page(request, "account.html", person, 403, f"Not changed: {proof.reason}.")
    try:
        with parts.store.change() as conn:
            accounts.set_password(conn, name, password, name, now)
    except ConfigError as fault:
        return rendering.page(request, "account.html", person, 422, f"Not changed: {fault}.")
    answer = rendering.see_other("/login")
    answer.delete_cookie(cookie_name(parts), httponly=True, samesite="strict", secure=parts.secure)
    return answer
