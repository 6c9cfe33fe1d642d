"""Who may do what: the person behind a request, the role a route needs, and the token that each form carries."""

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Form, HTTPException, Request

from playbook.cases.roles import Role
from playbook.web import sessions
from playbook.web.dependencies import Dependencies
from playbook.web.sessions import Person

# A path of ours: one slash first, then printable ASCII without a backslash (some browsers read it as a slash).
_OWN_PATH = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]{0,500})?")

Token = Annotated[str, Form(max_length=128)]
Reason = Annotated[str, Form(max_length=2000)]


class LoginNeeded(Exception):
    """Nobody is logged in here; ``path`` is where they wanted to go."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def parts_of(request: Request) -> Dependencies:
    """What the application was built over."""
    parts: Dependencies = request.app.state.parts
    return parts


P = Annotated[Dependencies, Depends(parts_of)]


def cookie_name(parts: Dependencies) -> str:
    """Over HTTPS the browser itself holds the cookie to this host and path."""
    return "__Host-session" if parts.secure else "session"


def current_user(request: Request, parts: P) -> Person | None:
    """Who is logged in, if anybody is."""
    token = request.cookies.get(cookie_name(parts), "")
    if not token:
        return None
    with parts.store.reading() as conn:
        person, stale = sessions.find(conn, token, parts.config.serve, parts.now())
    if stale:
        with parts.store.change() as conn:
            sessions.touch(conn, token, parts.now())
    if person is not None:
        request.state.told.who = person.proof.name
    return person


def require_role(role: Role) -> Callable[..., Person]:
    """A dependency: the person, who has at least this role."""

    def allowed(request: Request, person: Annotated[Person | None, Depends(current_user)]) -> Person:
        if person is None:
            raise LoginNeeded(request.url.path)
        if not person.proof.may(role):
            raise HTTPException(403, f"this takes the role {role}; {person.proof.name} is {person.proof.role}")
        return person

    return allowed


Viewer = Annotated[Person, Depends(require_role("viewer"))]
Responder = Annotated[Person, Depends(require_role("responder"))]
Approver = Annotated[Person, Depends(require_role("approver"))]


def check_form(person: Person, path: str, token: str) -> None:
    """Raises 403 unless the form was one that we gave this person for this path."""
    if not sessions.same(token, person.form_token(path)):
        raise HTTPException(403, "the form was not one of ours, or it is of an earlier session: load the page again")


def own_path(path: str) -> str:
    """The path to go to after logging in: one of ours, else the front page."""
    return path if _OWN_PATH.fullmatch(path) else "/"
