"""Requests to people: the waiting row with its offered plans, when a new one is asked, and what ends one unanswered."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import rfc8785
import sqlalchemy as sa
from pydantic import AwareDatetime

from playbook.cases import audit, events, outbox
from playbook.cases.containments import live_targets
from playbook.cases.schema import cases, plans, requests
from playbook.model import Value
from playbook.model.response import Notice, Plan
from playbook.response.plan import with_digest, with_ttl

RequestState = Literal["waiting", "approved", "denied", "expired", "superseded", "withdrawn"]


@dataclass(frozen=True)
class RequestPolicy:
    """How a request is put: lengths of time offered, how long silence lasts until it is a no, the policy's version."""

    ttls_s: tuple[int, ...]
    patience_s: int
    policy_version: int


class ApprovalRequest(Value):
    """One question to people about one case; ``offers`` holds the proposed plan first, then its other TTLs."""

    request_id: str
    case_id: str
    host: str
    state: RequestState
    requester: str
    people: int
    votes: int
    asked_at: AwareDatetime
    remind_at: AwareDatetime
    expires_at: AwareDatetime
    decided_at: AwareDatetime | None = None
    decided_by: str = ""
    digest: str = ""
    offers: tuple[Plan, ...] = ()


def create_request(
    conn: sa.Connection,
    case_id: str,
    host: str,
    plan: Plan,
    terms: RequestPolicy,
    requester: str,
    now: datetime,
    newer: bool = True,
    repeat: bool = False,
) -> str | None:
    """Store a request for what of the plan is not in force already; None when nothing new is to be asked.

    A waiting request for another plan is superseded. What people denied is not asked again; what ran out
    unanswered only when there is ``newer`` traffic. ``repeat``: a person wants it asked again whatever was answered.
    """
    live = live_targets(conn, case_id)
    steps = tuple(step for step in plan.steps if (step.kind, step.target) not in live)
    if not steps:
        return None
    if steps != plan.steps or repeat:
        plan = with_digest(case_id, host, steps, terms.policy_version, plan.people)
    earlier = conn.execute(
        sa.select(requests.c.request_id, requests.c.state, plans.c.digest)
        .join(plans, (plans.c.request_id == requests.c.request_id) & (plans.c.place == 0))
        .where(requests.c.case_id == case_id)
        .order_by(requests.c.asked_at)
    ).all()
    for row in earlier:
        same = row.digest == plan.digest
        over = row.state == "denied" or (row.state == "expired" and not newer)
        if same and (row.state == "waiting" or (over and not repeat)):
            return None
    for row in earlier:
        if row.state == "waiting":
            close_request(conn, row.request_id, case_id, "superseded", now, "the plan changed")
    return _store(conn, case_id, host, plan, terms, requester, now, len(earlier))


def offers_of(plan: Plan, case_id: str, host: str, terms: RequestPolicy) -> tuple[Plan, ...]:
    """The plan as proposed, then the same steps for each other length of time that is offered."""
    others = (with_ttl(plan, case_id, host, terms.policy_version, ttl) for ttl in sorted(set(terms.ttls_s)))
    return tuple({one.digest: one for one in (plan, *others)}.values())


def _store(
    conn: sa.Connection,
    case_id: str,
    host: str,
    plan: Plan,
    terms: RequestPolicy,
    requester: str,
    now: datetime,
    number: int,
) -> str:
    content = rfc8785.dumps([case_id, plan.digest, number])
    request_id = "Q-" + hashlib.sha256(content).hexdigest()[:12]
    expires_at = now + timedelta(seconds=terms.patience_s)
    conn.execute(requests.insert(), _request_row(request_id, case_id, plan, requester, now, expires_at))
    offers = offers_of(plan, case_id, host, terms)
    conn.execute(plans.insert(), [_offer_row(request_id, case_id, place, one) for place, one in enumerate(offers)])
    asked = {"request_id": request_id, "people": plan.people, "expires_at": expires_at.isoformat()}
    told = [{"digest": one.digest, "steps": [s.model_dump() for s in one.steps]} for one in offers]
    audit.append(conn, now, case_id, requester, "approval asked", asked | {"offers": told})
    steps = [step.model_dump() for step in plan.steps]
    waiting = asked | {"host": host, "plan_id": plan.plan_id, "digest": plan.digest, "steps": steps}
    events.add(conn, "waiting", request_id, case_id, now, waiting)
    text = f"{len(plan.steps)} step(s) wait for {plan.people} approver(s); without an answer it is denied."
    notice = Notice(key=f"ask:{request_id}", title=f"Approval asked: {host}", link=f"/cases/{case_id}", text=text)
    outbox.enqueue_notification(conn, case_id, notice, now)
    return request_id


def _request_row(
    request_id: str, case_id: str, plan: Plan, requester: str, now: datetime, expires_at: datetime
) -> dict[str, Any]:
    """The row of a request that waits; half of its time is over at ``remind_at``."""
    return {
        "request_id": request_id,
        "case_id": case_id,
        "state": "waiting",
        "requester": requester,
        "people": plan.people,
        "votes": 0,
        "asked_at": now,
        "remind_at": now + (expires_at - now) / 2,
        "expires_at": expires_at,
        "decided_by": "",
        "digest": "",
    }


def _offer_row(request_id: str, case_id: str, place: int, offer: Plan) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "digest": offer.digest,
        "plan_id": offer.plan_id,
        "case_id": case_id,
        "place": place,
        "ttl_s": max(step.ttl_s for step in offer.steps),
        "document": offer.model_dump_json(),
    }


def close_request(
    conn: sa.Connection,
    request_id: str,
    case_id: str,
    state: RequestState,
    now: datetime,
    why: str,
    actor: str = "playbook",
) -> bool:
    """End a waiting request without an approval; False when it no longer waits."""
    done = conn.execute(
        requests.update()
        .where(requests.c.request_id == request_id, requests.c.state == "waiting")
        .values(state=state, decided_at=now, decided_by=actor)
    )
    if done.rowcount == 0:
        return False
    audit.append(conn, now, case_id, actor, f"approval {state}", {"request_id": request_id, "why": why})
    return True


def withdraw_requests(conn: sa.Connection, case_id: str, now: datetime, why: str, actor: str = "playbook") -> None:
    """End the request that waits for this case, if one does."""
    found = conn.execute(_waiting_of(case_id)).scalar_one_or_none()
    if found is not None:
        close_request(conn, found, case_id, "withdrawn", now, why, actor)


def _waiting_of(case_id: str) -> sa.Select[Any]:
    return sa.select(requests.c.request_id).where(requests.c.case_id == case_id, requests.c.state == "waiting")


def find_request(conn: sa.Connection, identity: str) -> ApprovalRequest | None:
    """A request by its own identity, or the newest of a case by the case's or a plan's."""
    query = sa.select(requests, cases.c.host).join(cases, cases.c.case_id == requests.c.case_id)
    of_plan = sa.select(plans.c.request_id).where(plans.c.plan_id == identity)
    query = query.where(
        (requests.c.request_id == identity) | (requests.c.case_id == identity) | requests.c.request_id.in_(of_plan)
    )
    row = conn.execute(query.order_by(requests.c.asked_at.desc(), requests.c.request_id).limit(1)).mappings().first()
    return None if row is None else _with_offers(conn, [row])[0]


def list_requests(
    conn: sa.Connection, state: RequestState | None = "waiting", limit: int = 100, offset: int = 0
) -> tuple[ApprovalRequest, ...]:
    """Requests, oldest first: at most 1,000 at a time; ``state`` None means all."""
    query = sa.select(requests, cases.c.host).join(cases, cases.c.case_id == requests.c.case_id)
    if state is not None:
        query = query.where(requests.c.state == state)
    query = query.order_by(requests.c.asked_at, requests.c.request_id).limit(max(1, min(limit, 1000))).offset(offset)
    return _with_offers(conn, conn.execute(query).mappings().all())


def waiting_of(conn: sa.Connection, case_ids: Sequence[str]) -> tuple[ApprovalRequest, ...]:
    """The requests that wait for any of these cases; at most one each."""
    query = sa.select(requests, cases.c.host).join(cases, cases.c.case_id == requests.c.case_id)
    query = query.where(requests.c.state == "waiting", requests.c.case_id.in_(case_ids))
    return _with_offers(conn, conn.execute(query).mappings().all())


def pending_count(conn: sa.Connection) -> int:
    """How many requests wait."""
    return int(
        conn.execute(sa.select(sa.func.count()).select_from(requests).where(requests.c.state == "waiting")).scalar_one()
    )


def pending_by_case(conn: sa.Connection, case_ids: Iterable[str]) -> int:
    """How many of these cases have a request that waits."""
    wanted = set(case_ids)
    found = conn.execute(sa.select(requests.c.case_id).where(requests.c.state == "waiting")).scalars()
    return sum(case_id in wanted for case_id in found)


def _with_offers(conn: sa.Connection, rows: Sequence[Any]) -> tuple[ApprovalRequest, ...]:
    found: dict[str, list[Plan]] = {row["request_id"]: [] for row in rows}
    query = sa.select(plans).where(plans.c.request_id.in_(found)).order_by(plans.c.request_id, plans.c.place)
    for row in conn.execute(query).mappings():
        found[row["request_id"]].append(Plan.model_validate_json(row["document"]))
    return tuple(
        ApprovalRequest(
            **{k: v for k, v in row.items() if k in ApprovalRequest.model_fields},
            offers=tuple(found[row["request_id"]]),
        )
        for row in rows
    )
