"""The page of one case: the evidence as the report shows it, the question with every plan offered, and its answers."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import Response

from playbook.cases import approval_requests, approvals, audit, case_rows, containments, outbox, queries
from playbook.cases.case_rows import CaseRow
from playbook.cases.containments import ContainmentRecord
from playbook.cases.detection_rows import destination_name
from playbook.cases.outbox import TicketRow
from playbook.model.case import Case, JudgedDetection
from playbook.model.response import Decision, Step
from playbook.model.verdict import Disposition
from playbook.report.raw_events import zgrep_command
from playbook.report.view_models import blast_radius, detection_view
from playbook.web import rendering
from playbook.web.auth import Approver, P, Reason, Token, Viewer, check_form
from playbook.web.case_timeline import timeline
from playbook.web.dependencies import Dependencies
from playbook.web.pivots import pivots_of
from playbook.web.sessions import Person

router = APIRouter(include_in_schema=False, prefix="/cases/{case_id}")
_MOST_SHOWN = 50
_MOST_LINES = 40
_MOST_PIVOTS = 10
_ALL_STATES: tuple[containments.State, ...] = get_args(containments.State)


@router.get("")
def show(request: Request, parts: P, person: Viewer, case_id: str) -> Response:
    """The case. Reading it decides nothing."""
    return case_page(request, parts, person, case_id)


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
    confirm: Annotated[Literal["yes", ""], Form()] = "",
) -> Response:
    """One answer to exactly the plan whose digest was shown; a denial takes a reason and is confirmed."""
    check_form(person, request.url.path, csrf)
    if answer == "deny" and not (comment.strip() and confirm):
        fault = (
            "Not denied: say why, the reason is kept." if confirm else "Not denied: confirm that nothing is contained."
        )
        return case_page(request, parts, person, case_id, 422, fault, comment, refusing=True)
    if parts.stopped and answer == "approve":
        return case_page(request, parts, person, case_id, 409, f"Not approved: {parts.stopped}.", comment)
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
        return case_page(request, parts, person, case_id, 409, fault, comment)
    return rendering.see_other(place_of(case_id), outcome.result)


def place_of(case_id: str) -> str:
    """The path of a case's page."""
    return f"/cases/{quote(case_id, safe='')}"


def case_page(
    request: Request,
    parts: Dependencies,
    person: Person,
    case_id: str,
    status: int = 200,
    fault: str = "",
    comment: str = "",
    refusing: bool = False,
) -> Response:
    """The page, with what could not be done at its top. Raises 404 for a case that is not in the record."""
    with parts.store.reading() as conn:
        case, row = case_rows.case_of(conn, case_id), case_rows.row_of(conn, case_id)
        if case is None or row is None:
            raise HTTPException(404, "there is no such case")
        run = queries.run_of(conn, row.run_id)
        if run is None:
            raise HTTPException(404, "the run that judged this case is not in the record")
        seen = case.detections[:_MOST_SHOWN]
        linked = _linked(conn, seen)
        values = _asked(conn, case) | {
            "blocks": _contained(conn, case_id),
            "timeline": timeline(audit.lines(conn, case_id, limit=_MOST_LINES, newest_first=True)),
            "ticket": _opened_ticket(conn, row),
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
        name=destination_name(case.detections[0]),
        pivots=_pivots(parts, case),
        comment=comment,
        refusing=refusing,
        on_page=True,
        unseen=len(case.detections) - len(seen),
        dispositions=get_args(Disposition),
        **values,
    )


def _linked(conn: sa.Connection, seen: Sequence[JudgedDetection]) -> dict[str, str]:
    """The page of the open case of each other host that used these destinations."""
    others = {host for one in seen if one.enriched.traffic for host in one.enriched.traffic.other_hosts or ()}
    return {host: place_of(case_id) for host, case_id in queries.open_cases(conn, others).items()}


def _asked(conn: sa.Connection, case: Case) -> dict[str, Any]:
    """The newest question about the case, the answers that counted, and what each step would touch."""
    question = approval_requests.find_request(conn, case.case_id)
    if question is None:
        return {"question": None, "answers": (), "valid": (), "reach": {}}
    steps = question.offers[0].steps if question.offers else ()
    given = approvals.answers(conn, question.request_id)
    return {
        "question": question,
        "answers": given,
        "valid": approvals.still_valid(conn, given),
        "reach": {step.target: (blast_radius(case, step), _hosts(conn, step)) for step in steps},
    }


def _opened_ticket(conn: sa.Connection, row: CaseRow) -> TicketRow | None:
    """The ticket of the case, where a desk opened one."""
    ticket = outbox.ticket_of(conn, row.ticket_key) if row.ticket_key else None
    return ticket if ticket is not None and ticket.state == "open" else None


def _pivots(parts: Dependencies, case: Case) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """What each destination of the case is called, and where others tell of it."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for one in case.detections[:_MOST_PIVOTS]:
        address, name = one.enriched.detection.dst_ip, destination_name(one)
        links = pivots_of(parts.config, address, name)
        if links:
            found.setdefault(f"{address} {name}".strip(), links)
    return list(found.items())


def _hosts(conn: sa.Connection, step: Step) -> tuple[str, ...]:
    """Hosts of ours with open cases that an address block would touch."""
    return case_rows.hosts_talking_to(conn, step.target) if step.kind == "block_address" else ()


def _contained(conn: sa.Connection, case_id: str) -> list[tuple[ContainmentRecord, tuple[Any, ...]]]:
    rows = containments.list_containments(conn, _ALL_STATES, case_id, 100)
    return [(one, containments.receipts_of(conn, one.key)[-6:]) for one in rows]
