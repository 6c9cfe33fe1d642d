"""Answers of people to requests: what counts, what is refused and why, decided in one transaction with its effect."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from playbook.cases import alerts, approval_requests, audit, containments, events, outbox
from playbook.cases.approval_requests import ApprovalRequest
from playbook.cases.roles import ROLES, Role
from playbook.cases.schema import accounts, decisions, requests
from playbook.model import Value
from playbook.model.response import Decision, Plan

Reason = Literal[
    "unknown",
    "late",
    "racing",
    "expired",
    "stale",
    "repeated",
    "protected",
    "requester",
    "role",
    "another_plan",
]


class Refusal(Value):
    """Why an answer does not count."""

    reason: Reason
    text: str


class AnswerResult(Value):
    """What became of an answer: ``approved``, ``denied``, ``counted`` (more people are needed) or ``refused``.

    ``keys`` are the containments that an approval set going.
    """

    result: Literal["approved", "denied", "counted", "refused"]
    text: str
    request_id: str = ""
    reason: Reason | None = None
    keys: tuple[str, ...] = ()


# Called inside the deciding transaction with (connection, request, approved plan, keys): it starts the work.
Enqueue = Callable[[sa.Connection, ApprovalRequest, Plan, tuple[str, ...]], None]


def evaluate_answer(
    request: ApprovalRequest,
    decision: Decision,
    role: Role | None,
    earlier: Sequence[Decision],
    now: datetime,
    senders: Collection[str] = (),
    before: Collection[str] = (),
) -> Refusal | None:
    """Why this answer may not count, or None when it may; pure.

    ``role`` is the account's, None when it is unknown or disabled; ``earlier`` are the answers that count still;
    ``before`` names everybody who answered; ``senders`` are the accounts that sent an alert of the case.
    """
    who, mine = decision.who, decision.who in before or any(one.who == decision.who for one in earlier)
    if request.state != "waiting":
        return _over(request, decision, mine, now)
    if now >= request.expires_at:
        return Refusal(reason="expired", text=f"no answer came by {request.expires_at:%Y-%m-%d %H:%M} UTC: denied")
    if decision.digest not in {plan.digest for plan in request.offers}:
        return Refusal(reason="stale", text="this digest is none of the plans that are offered now: read them again")
    if not may_answer(role):
        return Refusal(reason="role", text=f"{who} has no account with the role approver")
    if who == request.requester:
        return Refusal(reason="requester", text=f"{who} asked for this and may not answer it")
    if who in senders:
        return Refusal(reason="requester", text=f"{who} sent an alert of this case and may not answer its plan")
    if mine:
        return Refusal(reason="protected", text=f"{who} answered already; this takes {request.people} different people")
    if decision.approve and decision.via == "platform" and any(one.via == "platform" for one in earlier):
        return Refusal(reason="protected", text="platforms together count as one approver; a person must agree too")
    if decision.approve and any(one.digest != decision.digest for one in earlier):
        return Refusal(
            reason="another_plan",
            text=f"{earlier[0].who} approved the plan {earlier[0].plan_id}: approve that one, or deny",
        )
    return None


def _over(request: ApprovalRequest, decision: Decision, mine: bool, now: datetime) -> Refusal:
    """The reason when the request waits no more."""
    if request.state == "expired":
        return Refusal(reason="expired", text=f"nobody answered by {request.expires_at:%Y-%m-%d %H:%M} UTC: denied")
    if request.state == "superseded":
        return Refusal(reason="stale", text="the plan has changed since: read the case again")
    told = f"{request.state} by {request.decided_by}"
    if mine:
        return Refusal(reason="repeated", text=f"{decision.who} answered already; it was {told}")
    if request.decided_at is not None and decision.at <= request.decided_at:
        return Refusal(reason="racing", text=f"another answer came first: {told}")
    return Refusal(reason="late", text=f"this was already {told}")


def decide(conn: sa.Connection, decision: Decision, now: datetime, enqueue: Enqueue) -> AnswerResult:
    """Count one answer and do what follows from it, all in the caller's transaction (``Store.change``).

    Approval with enough people: the containments are intended, the work is enqueued, the audit trail says so. A denial
    by one person ends the request. Every refusal is journalled with its reason, and an expired request is ended.
    """
    request = _asked(conn, decision)
    if request is None:
        return AnswerResult(result="refused", reason="unknown", text="no request offers this plan")
    given = answers(conn, request.request_id)
    earlier = still_valid(conn, given)
    senders = alerts.senders_of(conn, request.case_id)
    before = {one.who for one in given}
    refusal = evaluate_answer(request, decision, role_of(conn, decision.who), earlier, now, senders, before)
    if refusal is None and not _claimed(conn, request, decision, now, len(earlier)):
        refusal = Refusal(reason="racing", text="another answer came at the same moment")
    if refusal is not None:
        if refusal.reason == "expired":
            approval_requests.close_request(
                conn, request.request_id, request.case_id, "expired", now, "nobody answered in time"
            )
        audit.append(
            conn,
            now,
            request.case_id,
            decision.who,
            "answer refused",
            {
                "request_id": request.request_id,
                "digest": decision.digest,
                "via": decision.via,
                "approve": decision.approve,
                "reason": refusal.reason,
            },
        )
        return AnswerResult(result="refused", reason=refusal.reason, text=refusal.text, request_id=request.request_id)
    return _count(conn, request, decision, (*earlier, decision), now, enqueue)


def _asked(conn: sa.Connection, decision: Decision) -> ApprovalRequest | None:
    """The request that offers this plan, else the case's newest (so that a stale digest is told as stale)."""
    request = approval_requests.find_request(conn, decision.plan_id)
    if request is None or request.case_id != decision.case_id:
        request = approval_requests.find_request(conn, decision.case_id)
    return request


def _claimed(
    conn: sa.Connection, request: ApprovalRequest, decision: Decision, now: datetime, earlier: int = 0
) -> bool:
    """Compare and set: the request still waits and has as many votes as when it was read.

    ``earlier`` approvals count still; ``votes`` of the row is how many were ever given.
    """
    state = "denied" if not decision.approve else "approved" if earlier + 1 >= request.people else "waiting"
    values: dict[str, Any] = {"votes": requests.c.votes + 1, "state": state}
    if state != "waiting":
        values |= {"decided_at": now, "decided_by": decision.who, "digest": decision.digest}
    done = conn.execute(
        requests.update()
        .where(
            requests.c.request_id == request.request_id,
            requests.c.state == "waiting",
            requests.c.votes == request.votes,
        )
        .values(values)
    )
    return done.rowcount == 1


def _count(
    conn: sa.Connection,
    request: ApprovalRequest,
    decision: Decision,
    votes: Sequence[Decision],
    now: datetime,
    enqueue: Enqueue,
) -> AnswerResult:
    """Record an answer that counts, and what follows."""
    conn.execute(decisions.insert(), decision.model_dump() | {"request_id": request.request_id, "recorded_at": now})
    audit.append(
        conn,
        now,
        request.case_id,
        decision.who,
        "approved" if decision.approve else "denied",
        {
            "request_id": request.request_id,
            "digest": decision.digest,
            "via": decision.via,
            "comment": decision.comment,
            "votes": len(votes),
            "people": request.people,
        },
    )
    told = f"{decision.who} {'approved' if decision.approve else 'denied'} {decision.plan_id}"
    text = told + (f": {decision.comment}" if decision.comment else "")
    outbox.comment_on_case(conn, request.case_id, f"answer:{request.request_id}:{len(votes)}", text, now)
    content = events.answer_content(decision, request.request_id, request.host)
    if not decision.approve:
        events.add(conn, "denied", request.request_id, request.case_id, now, content)
        return AnswerResult(result="denied", text=told, request_id=request.request_id)
    if len(votes) < request.people:
        text = f"{told}; {request.people - len(votes)} more must approve"
        return AnswerResult(result="counted", text=text, request_id=request.request_id)
    plan = next(one for one in request.offers if one.digest == decision.digest)
    approvers = ", ".join(one.who for one in votes)
    keys = containments.record_intent(conn, request.case_id, request.request_id, plan, approvers, now)
    enqueue(conn, request, plan, keys)
    events.add(conn, "approved", request.request_id, request.case_id, now, content)
    return AnswerResult(result="approved", text=told, request_id=request.request_id, keys=keys)


def answers(conn: sa.Connection, request_id: str) -> tuple[Decision, ...]:
    """The answers that counted, in order."""
    query = sa.select(*(decisions.c[name] for name in Decision.model_fields))
    query = query.where(decisions.c.request_id == request_id).order_by(decisions.c.id)
    return tuple(Decision(**row) for row in conn.execute(query).mappings())


def still_valid(conn: sa.Connection, given: Sequence[Decision]) -> tuple[Decision, ...]:
    """Those of these answers whose account may answer now: a vote counts only while its account may vote."""
    return tuple(one for one in given if may_answer(role_of(conn, one.who)))


def may_answer(role: Role | None) -> bool:
    """Whether an account of this role may answer requests."""
    return role is not None and ROLES.index(role) >= ROLES.index("approver")


def role_of(conn: sa.Connection, who: str) -> Role | None:
    """The role of an account that may act now."""
    query = sa.select(accounts.c.role).where(accounts.c.name == who, accounts.c.disabled_at.is_(None))
    return conn.execute(query).scalar_one_or_none()
