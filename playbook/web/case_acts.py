"""What a responder does on the page of a case: close, open again, take over, ask again, comment; and its export."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import HTMLResponse, Response

from playbook.cases import audit, case_rows, exports, queries, responder
from playbook.cases.repository import request_policy
from playbook.model.finding_update import Fault
from playbook.model.verdict import Disposition
from playbook.report import html
from playbook.web import rendering
from playbook.web.action_api import recorder_of
from playbook.web.auth import P, Reason, Responder, Token, Viewer, check_form
from playbook.web.case_page import case_page, place_of

router = APIRouter(include_in_schema=False, prefix="/cases/{case_id}")
_WHY = "Say why: the reason is kept with the case."


@router.post("/resolve")
def resolve(
    request: Request,
    parts: P,
    person: Responder,
    case_id: str,
    disposition: Annotated[Disposition, Form()],
    reason: Reason = "",
    csrf: Token = "",
    fault: Annotated[Fault, Form()] = "query",
) -> Response:
    """A person closes the case; their word stands beside ours."""
    check_form(person, request.url.path, csrf)
    if not reason.strip():
        return case_page(request, parts, person, case_id, 422, _WHY)
    with parts.store.change() as conn:
        why_not = case_rows.resolve(conn, case_id, disposition, person.proof.name, reason.strip(), parts.now(), fault)
    if why_not:
        return case_page(request, parts, person, case_id, 409, why_not)
    return rendering.see_other(place_of(case_id), "resolved")


@router.post("/reopen")
def reopen(
    request: Request, parts: P, person: Responder, case_id: str, reason: Reason = "", csrf: Token = ""
) -> Response:
    """A person opens a closed case again."""
    check_form(person, request.url.path, csrf)
    if not reason.strip():
        return case_page(request, parts, person, case_id, 422, _WHY)
    now = parts.now()
    with parts.store.change() as conn:
        why_not = case_rows.reopen(conn, case_id, person.proof.name, now)
        if not why_not:
            audit.append(conn, now, case_id, person.proof.name, "reason given", {"reason": reason.strip()})
    if why_not:
        return case_page(request, parts, person, case_id, 409, why_not)
    return rendering.see_other(place_of(case_id), "reopened")


@router.post("/assign")
def assign(
    request: Request,
    parts: P,
    person: Responder,
    case_id: str,
    take: Annotated[Literal["yes", "no"], Form()],
    csrf: Token = "",
) -> Response:
    """A person takes the case over, or hands it back."""
    check_form(person, request.url.path, csrf)
    act = responder.take_over if take == "yes" else responder.hand_back
    with parts.store.change() as conn:
        why_not = act(conn, case_id, person.proof.name, parts.now())
    if why_not:
        return case_page(request, parts, person, case_id, 409, why_not)
    return rendering.see_other(place_of(case_id), "taken" if take == "yes" else "handed_back")


@router.post("/ask-again")
def ask_again(
    request: Request, parts: P, person: Responder, case_id: str, reason: Reason = "", csrf: Token = ""
) -> Response:
    """A person puts the plan to the approvers once more."""
    check_form(person, request.url.path, csrf)
    if not reason.strip():
        return case_page(request, parts, person, case_id, 422, _WHY)
    with parts.store.change() as conn:
        terms = request_policy(parts.config.policy)
        _, why_not = responder.ask_again(conn, case_id, terms, person.proof.name, reason.strip(), parts.now())
    if why_not:
        return case_page(request, parts, person, case_id, 409, why_not)
    return rendering.see_other(place_of(case_id), "asked")


@router.post("/comment")
def comment(
    request: Request,
    parts: P,
    person: Responder,
    case_id: str,
    comment: Reason = "",
    csrf: Token = "",
) -> Response:
    """A person says something; it stands in the timeline, and in the ticket where a desk has one."""
    check_form(person, request.url.path, csrf)
    if not comment.strip():
        return case_page(request, parts, person, case_id, 422, "The comment is empty.")
    recorder_of(parts, person.proof).comment(case_id, comment.strip())
    return rendering.see_other(place_of(case_id), "commented")


@router.get("/export.html")
def as_html(parts: P, person: Viewer, case_id: str) -> Response:
    """The case as a page that needs nothing else."""
    with parts.store.reading() as conn:
        case, row = case_rows.case_of(conn, case_id), case_rows.row_of(conn, case_id)
        run = queries.run_of(conn, row.run_id) if row is not None else None
    if case is None or run is None:
        raise HTTPException(404, "there is no such case, or the run that judged it is not in the record")
    return HTMLResponse(html.case_page(run, case), headers=_as_file(case_id, "html"))


@router.get("/export/{name}")
def export(parts: P, person: Viewer, case_id: str, name: str) -> Response:
    """The case in the words of another product: one JSON document to keep or to hand on."""
    if name not in exports.formats():
        raise HTTPException(404, "there is no such format")
    url = f"{parts.base}{place_of(case_id)}" if parts.base else ""
    with parts.store.reading() as conn:
        found = exports.gather(conn, case_id, url)
    if found is None:
        raise HTTPException(404, "there is no such case")
    return Response(
        exports.render(name, found), media_type=exports.media_type(name), headers=_as_file(case_id, f"{name}.json")
    )


def _as_file(case_id: str, suffix: str) -> dict[str, str]:
    name = "".join(c for c in case_id if c.isascii() and (c.isalnum() or c == "-"))[:40]
    return {"content-disposition": f'attachment; filename="{name}.{suffix}"'}
