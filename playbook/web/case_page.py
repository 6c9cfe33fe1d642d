"""The page of one case: the evidence as the report shows it, the question with every plan offered, and its answers."""

from typing import Annotated, Any, Literal, get_args
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import Response

from playbook.cases import approval_requests, approvals, audit, case_rows, containments, queries
from playbook.cases.containments import ContainmentRecord
from playbook.model.case import Case
from playbook.model.finding_update import Fault
from playbook.model.response import Decision, Step
from playbook.model.verdict import Disposition
from playbook.report.raw_events import zgrep_command
from playbook.report.view_models import blast_radius, detection_view
from playbook.web import rendering
from playbook.web.auth import Approver, P, Reason, Responder, Token, Viewer, check_form
from playbook.web.dependencies import Dependencies
from playbook.web.sessions import Person

router = APIRouter(include_in_schema=False, prefix="/cases/{case_id}")
_MOST_SHOWN = 50
_MOST_LINES = 30
_ALL_STATES: tuple[containments.State, ...] = get_args(containments.State)


@router.get("")
def show(request: Request, parts: P, person: Viewer, case_id: str) -> Response:
    """The case. Reading it decides nothing."""
    return _page(request, parts, person, case_id)


@router.post("/decide")
def decide(
    request: Request,
    parts: P,
    person: Approver,
    case_id: str,
    digest: Annotated[str, Form(pattern=r"^[0-9a-f]{64}$")],
    answer: Annotated[Literal["approve", "deny"], Form()],
    comment: Reason = "",
    csrf: Token = "",
) -> Response:
    """One answer to exactly the plan whose digest was shown."""
    check_form(person, request.url.path, csrf)
    if parts.off and answer == "approve":
        return _page(request, parts, person, case_id, 409, f"Not approved: containment is off, {parts.off}.", comment)
    now = parts.now()
    decision = Decision(
        case_id=case_id,
        plan_id=f"P-{digest[:12]}",
        digest=digest,
        who=person.proof.name,
        via="page",
        approve=answer == "approve",
        comment=comment.strip(),
        at=now,
    )
    with parts.store.change() as conn:
        outcome = approvals.decide(conn, decision, now, parts.enqueue)
    if outcome.result == "refused":
        fault = f"Your answer does not count: {outcome.text}."
        return _page(request, parts, person, case_id, 409, fault, comment)
    return rendering.see_other(_place(case_id), outcome.result)


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
        return _page(request, parts, person, case_id, 422, "Say why: the reason is kept with the case.")
    with parts.store.change() as conn:
        why_not = case_rows.resolve(conn, case_id, disposition, person.proof.name, reason.strip(), parts.now(), fault)
    if why_not:
        return _page(request, parts, person, case_id, 409, why_not)
    return rendering.see_other(_place(case_id), "resolved")


@router.post("/reopen")
def reopen(
    request: Request, parts: P, person: Responder, case_id: str, reason: Reason = "", csrf: Token = ""
) -> Response:
    """A person opens a closed case again."""
    check_form(person, request.url.path, csrf)
    if not reason.strip():
        return _page(request, parts, person, case_id, 422, "Say why: the reason is kept with the case.")
    now = parts.now()
    with parts.store.change() as conn:
        why_not = case_rows.reopen(conn, case_id, person.proof.name, now)
        if not why_not:
            audit.append(conn, now, case_id, person.proof.name, "reason given", {"reason": reason.strip()})
    if why_not:
        return _page(request, parts, person, case_id, 409, why_not)
    return rendering.see_other(_place(case_id), "reopened")


def _place(case_id: str) -> str:
    return f"/cases/{quote(case_id, safe='')}"


def _page(
    request: Request,
    parts: Dependencies,
    person: Person,
    case_id: str,
    status: int = 200,
    fault: str = "",
    comment: str = "",
) -> Response:
    with parts.store.reading() as conn:
        case, row = case_rows.case_of(conn, case_id), case_rows.row_of(conn, case_id)
        if case is None or row is None:
            raise HTTPException(404, "there is no such case")
        run = queries.run_of(conn, row.run_id)
        if run is None:
            raise HTTPException(404, "the run that judged this case is not in the record")
        seen = case.detections[:_MOST_SHOWN]
        others = {h for one in seen if one.enriched.traffic for h in one.enriched.traffic.other_hosts or ()}
        linked = {host: f"/cases/{there}" for host, there in queries.open_cases(conn, others).items()}
        values = _asked(conn, case) | {
            "blocks": _contained(conn, case_id),
            "lines": audit.lines(conn, case_id, limit=_MOST_LINES, newest_first=True),
        }
    looks = [detection_view(run, one, linked, zgrep_command) for one in seen]
    return rendering.page(
        request,
        "case_page.html",
        person,
        status,
        fault,
        case=case,
        row=row,
        run=run,
        looks=looks,
        comment=comment,
        on_page=True,
        unseen=len(case.detections) - len(seen),
        dispositions=get_args(Disposition),
        **values,
    )


def _asked(conn: sa.Connection, case: Case) -> dict[str, Any]:
    """The newest question about the case, the answers that counted, and what each step would touch."""
    question = approval_requests.find_request(conn, case.case_id)
    if question is None:
        return {"question": None, "answers": (), "reach": {}}
    steps = question.offers[0].steps if question.offers else ()
    return {
        "question": question,
        "answers": approvals.answers(conn, question.request_id),
        "reach": {step.target: (blast_radius(case, step), _hosts(conn, step)) for step in steps},
    }


def _hosts(conn: sa.Connection, step: Step) -> tuple[str, ...]:
    """Hosts of ours with open cases that an address block would touch."""
    return case_rows.hosts_talking_to(conn, step.target) if step.kind == "block_address" else ()


def _contained(conn: sa.Connection, case_id: str) -> list[tuple[ContainmentRecord, tuple[Any, ...]]]:
    rows = containments.list_containments(conn, _ALL_STATES, case_id, 100)
    return [(one, containments.receipts_of(conn, one.key)[-6:]) for one in rows]
