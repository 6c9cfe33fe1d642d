"""The pages that list: the cases that need a person, what is in force, and the audit trail."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from playbook.cases import audit as audit_trail
from playbook.cases import case_rows, case_search, containments, queries, queue
from playbook.web import rendering
from playbook.web.auth import Approver, P, Reason, Token, Viewer, check_form
from playbook.web.dependencies import Dependencies
from playbook.web.sessions import Person

router = APIRouter(include_in_schema=False)
_PAGE = 50
_LEAST_LIVE_S = 30
Offset = Annotated[int, Query(ge=0, le=1_000_000)]


@router.get("/")
def home(
    request: Request,
    parts: P,
    person: Viewer,
    offset: Offset = 0,
    live: Annotated[int, Query(ge=0, le=3600)] = 0,
) -> Response:
    """The open cases that need a person, most severe first. ``live``: the page loads itself again, in seconds."""
    now = parts.now()
    every = max(live, _LEAST_LIVE_S) if live else 0
    with parts.store.reading() as conn:
        runs = queries.last_runs(conn)
        values: dict[str, Any] = {
            "cards": queue.attention(conn, now, _PAGE, offset),
            "needed": queue.attention_count(conn, now),
            "by_state": case_search.by_state(conn),
            "runs": runs,
            "warnings": queries.last_warnings(conn, runs),
            "in_force": queries.in_force(conn),
        }
    headers = {"refresh": str(every)} if every else {}
    soon = now + timedelta(seconds=parts.config.policy.approval_ttl_s / 2)
    return rendering.page(
        request,
        "queue.html",
        person,
        headers=headers,
        offset=offset,
        size_of_page=_PAGE,
        live=every,
        soon=soon,
        **values,
    )


@router.get("/blocked")
def in_force(request: Request, parts: P, person: Viewer, offset: Offset = 0) -> Response:
    """What is contained now: until when, why, by whom."""
    return _blocked(request, parts, person, offset)


@router.post("/blocked/{key}/release")
def release(request: Request, parts: P, person: Approver, key: str, reason: Reason = "", csrf: Token = "") -> Response:
    """Ask for a release before its time; the sweep does it and verifies it."""
    check_form(person, "/blocked/release", csrf)
    if not reason.strip():
        return _blocked(request, parts, person, 0, 422, "Say why it is released: the reason is kept.")
    with parts.store.change() as conn:
        done = containments.ask_release(conn, key, person.proof.name, parts.now(), reason.strip())
    if not done:
        return _blocked(request, parts, person, 0, 409, "It is not in force any more, or its release is asked for.")
    return rendering.see_other("/blocked", "releasing")


def _blocked(
    request: Request, parts: Dependencies, person: Person, offset: int, status: int = 200, fault: str = ""
) -> Response:
    with parts.store.reading() as conn:
        rows = containments.list_containments(conn, limit=_PAGE, offset=offset)
        why = {one.case_id: case_rows.row_of(conn, one.case_id) for one in rows}
    return rendering.page(
        request, "blocked.html", person, status, fault, rows=rows, why=why, offset=offset, size_of_page=_PAGE
    )


@router.get("/audit")
def audit(
    request: Request,
    parts: P,
    person: Viewer,
    before: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    case: Annotated[str, Query(max_length=64)] = "",
    who: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """The audit trail, newest first; of one case, of one person, or of all."""
    with parts.store.reading() as conn:
        lines = audit_trail.lines(conn, case, before, _PAGE, newest_first=True, actor=who.strip())
        total, head = audit_trail.head(conn)
    return rendering.page(
        request,
        "audit.html",
        person,
        lines=lines,
        total=total,
        head=head,
        case_id=case,
        who=who.strip(),
        before=before,
        size_of_page=_PAGE,
    )
