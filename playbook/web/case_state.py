"""A case as platforms read it: verdict, severity, techniques, its newest plan with answers, what is in force."""

import json
from typing import Any, get_args

import sqlalchemy as sa

from playbook.actions._record import CaseState, PlanState, StepState
from playbook.cases import alerts, approval_requests, approvals, case_rows, containments, outbox
from playbook.cases.alerts import Alert
from playbook.cases.approval_requests import ApprovalRequest
from playbook.cases.case_rows import CaseRow
from playbook.cases.containments import ContainmentRecord, State
from playbook.cases.response_state import state_words
from playbook.report.wording import case_technique_lines, severity

_ALL: tuple[State, ...] = get_args(State)


def of(conn: sa.Connection, case_id: str, url: str) -> CaseState | None:
    """The case of this identity; ``url`` is its page."""
    case, row = case_rows.case_of(conn, case_id), case_rows.row_of(conn, case_id)
    if case is None or row is None:
        return None
    live = containments.list_containments(conn, _ALL, case_id, 100)
    request = approval_requests.find_request(conn, case_id)
    return CaseState(
        case_id=case_id,
        host=case.host,
        status=row.status,
        disposition=row.disposition,
        confidence=row.confidence,
        severity=severity(case),
        techniques="\n".join(case_technique_lines(case)),
        reasons=case.verdict.reasons,
        missing=case.verdict.missing,
        by_hand=case.by_hand,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        closed_by=row.closed_by,
        person_disposition=row.person_disposition,
        person_by=row.person_by,
        url=url,
        plan=_plan(conn, request, live) if request else None,
        containments=tuple(map(_contained, live)),
        tickets=_tickets(conn, row),
        state=state_words(row),
        alerts=tuple((one.alert_id, one.name, one.account) for one in alerts.of_case(conn, case_id)),
    )


def _plan(conn: sa.Connection, request: ApprovalRequest, live: tuple[ContainmentRecord, ...]) -> PlanState:
    """The plan that was approved, else the one proposed."""
    plan = next((one for one in request.offers if one.digest == request.digest), request.offers[0])
    by_target = {(one.step.kind, one.step.target): one for one in live if one.request_id == request.request_id}
    steps = []
    for step in plan.steps:
        known = by_target.get((step.kind, step.target))
        state = _contained(known).state if known else request.state
        steps.append(StepState(step.kind, step.target, step.connector, step.ttl_s, state))
    answers = tuple(
        f"{one.who} {'approved' if one.approve else 'denied'} at {one.at:%Y-%m-%dT%H:%M:%SZ}"
        for one in approvals.answers(conn, request.request_id)
    )
    return PlanState(
        request_id=request.request_id,
        plan_id=plan.plan_id,
        digest=plan.digest,
        state=request.state,
        requester=request.requester,
        people=request.people,
        votes=request.votes,
        expires_at=request.expires_at,
        answers=answers,
        steps=tuple(steps),
    )


def _contained(one: ContainmentRecord) -> StepState:
    state = containments.STEP_WORDS[one.state]
    if one.release_by and one.state in ("active", "extending", "intended"):
        state = "being released"
    return StepState(one.step.kind, one.step.target, one.step.connector, one.step.ttl_s, state, one.until, one.trouble)


def _tickets(conn: sa.Connection, row: CaseRow) -> tuple[tuple[str, str, str], ...]:
    ticket = outbox.ticket_of(conn, row.ticket_key) if row.ticket_key else None
    return () if ticket is None else ((ticket.ticket.key, ticket.state, ticket.reference),)


def result_of(alert: Alert) -> dict[str, Any]:
    """What came of an alert, beside its case."""
    result: dict[str, Any] = json.loads(alert.result)
    return result
