"""The pages that list: what waits for an answer, the cases, what is in force, and the audit trail."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from playbook.cases import approval_requests, case_rows, containments, queries
from playbook.cases import audit as audit_trail
from playbook.model.verdict import CaseStatus
from playbook.web import rendering
from playbook.web.auth import Approver, P, Reason, Token, Viewer, check_form
from playbook.web.dependencies import Dependencies
from playbook.web.sessions import Person

router = APIRouter(include_in_schema=False)
_PAGE = 50
Offset = Annotated[int, Query(ge=0, le=1_000_000)]


@router.get("/")
def queue(request: Request, parts: P, person: Viewer, offset: Offset = 0) -> Response:
    """What waits for an answer, oldest first."""
    with parts.store.reading() as conn:
        runs = queries.last_runs(conn)
        values: dict[str, Any] = {
            "requests": approval_requests.list_requests(conn, "waiting", _PAGE, offset),
            "waiting": approval_requests.pending_count(conn),
            "counts": case_rows.counts(conn),
            "runs": runs,
            "warnings": queries.last_warnings(conn, runs),
            "in_force": queries.in_force(conn),
        }
    return rendering.page(request, "queue.html", person, offset=offset, size_of_page=_PAGE, **values)


@router.get("/cases")
def cases(
    request: Request, parts: P, person: Viewer, status: CaseStatus | Literal[""] = "", offset: Offset = 0
) -> Response:
    """The cases, the last changed first."""
    with parts.store.reading() as conn:
        rows, counts = case_rows.list_cases(conn, status or None, _PAGE, offset), case_rows.counts(conn)
    return rendering.page(
        request, "cases.html", person, rows=rows, counts=counts, chosen=status, offset=offset, size_of_page=_PAGE
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
    before: Annotated[int, Query(ge=0, le=2**31)] = 0,
    case: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """The audit trail, newest first."""
    with parts.store.reading() as conn:
        lines = audit_trail.lines(conn, case, before, _PAGE, newest_first=True)
        total, head = audit_trail.head(conn)
    return rendering.page(
        request,
        "audit.html",
        person,
        lines=lines,
        total=total,
        head=head,
        case_id=case,
        before=before,
        size_of_page=_PAGE,
    )
