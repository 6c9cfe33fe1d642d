"""Containments in the record: intended by an approval, what devices said, until when, what is due, and attempts."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

import rfc8785
import sqlalchemy as sa
from pydantic import AwareDatetime

from playbook.cases import audit, events
from playbook.cases.schema import attempts, containments, receipts
from playbook.model import Value
from playbook.model.response import Plan, Receipt, Step, StepKind

State = Literal["intended", "active", "extending", "releasing", "released", "failed"]
_EVENTS: dict[State, events.Kind] = {"active": "in_force", "released": "released", "failed": "failed"}
STEP_WORDS: Mapping[State, str] = MappingProxyType(
    {
        "intended": "approved, being set",
        "active": "in force",
        "extending": "in force",
        "releasing": "being released",
        "released": "released",
        "failed": "failed",
    }
)
LIVE: tuple[State, ...] = ("intended", "active", "extending", "releasing")


class ContainmentRecord(Value):
    """One containment: its key, step and state; ``until`` is when it is due to end, ``round`` counts re-uses."""

    key: str
    case_id: str
    request_id: str
    digest: str
    step: Step
    state: State
    round: int
    until: AwareDatetime | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    approved_by: str
    release_by: str = ""
    trouble: str = ""


def key_of(case_id: str, step: Step) -> str:
    """``K-`` and 16 hex digits of the SHA-256 of the RFC 8785 JSON of [case_id, kind, target]."""
    return "K-" + hashlib.sha256(rfc8785.dumps([case_id, step.kind, step.target])).hexdigest()[:16]


def record_intent(
    conn: sa.Connection, case_id: str, request_id: str, plan: Plan, approved_by: str, now: datetime
) -> tuple[str, ...]:
    """Record that each step of an approved plan is to be carried out; the keys. What is live already stays."""
    keys = []
    for step in plan.steps:
        key = key_of(case_id, step)
        row = conn.execute(sa.select(containments.c.state, containments.c.round).where(containments.c.key == key))
        known = row.one_or_none()
        keys.append(key)
        if known is not None and known.state in LIVE:
            continue
        values: dict[str, Any] = {
            "request_id": request_id,
            "digest": plan.digest,
            "connector": step.connector,
            "state": "intended",
            "ttl_s": step.ttl_s,
            "until": None,
            "updated_at": now,
            "approved_by": approved_by[:255],
            "release_by": "",
            "trouble": "",
            "step": step.model_dump_json(),
        }
        if known is None:
            values |= {
                "key": key,
                "case_id": case_id,
                "kind": step.kind,
                "target": step.target,
                "round": 1,
                "created_at": now,
            }
            conn.execute(containments.insert(), values)
        else:
            values["round"] = known.round + 1
            conn.execute(containments.update().where(containments.c.key == key).values(values))
    audit.append(conn, now, case_id, approved_by, "containment intended", {"digest": plan.digest, "keys": keys})
    return tuple(keys)


def change_state(
    conn: sa.Connection,
    key: str,
    before: tuple[State, ...],
    after: State,
    now: datetime,
    *,
    until: datetime | None = None,
    trouble: str = "",
    actor: str = "playbook",
) -> bool:
    """Compare and set the state, with a audit line; False when the state is none of ``before`` any more.

    ``until`` is kept when none is given.
    """
    values: dict[str, Any] = {"state": after, "updated_at": now, "trouble": trouble[:2000]}
    values |= {"until": until} if until is not None else {}
    done = conn.execute(
        containments.update()
        .where(containments.c.key == key, containments.c.state.in_(before))
        .values(values)
        .returning(
            containments.c.case_id,
            containments.c.round,
            containments.c.kind,
            containments.c.target,
            containments.c.connector,
            containments.c.digest,
        )
    ).one_or_none()
    if done is None:
        return False
    if after in _EVENTS and before != ("extending",):
        _add_event(conn, after, key, done, now, until, trouble)
    content = {"key": key} | ({"until": until.isoformat()} if until else {}) | ({"trouble": trouble} if trouble else {})
    audit.append(conn, now, done.case_id, actor, f"containment {after}", content)
    return True


def _add_event(
    conn: sa.Connection, after: State, key: str, row: Any, now: datetime, until: datetime | None, trouble: str
) -> None:
    content = {
        "key": key,
        "kind": row.kind,
        "target": row.target,
        "connector": row.connector,
        "digest": row.digest,
        "until": until.isoformat() if until else "",
        "error": trouble[:500],
    }
    events.add(conn, _EVENTS[after], f"{key}:{row.round}", row.case_id, now, content)


def record_receipt(conn: sa.Connection, key: str, receipt: Receipt, now: datetime) -> None:
    """Keep what a device said, with a audit line."""
    row = conn.execute(sa.select(containments.c.case_id, containments.c.round).where(containments.c.key == key)).one()
    conn.execute(
        receipts.insert(),
        {
            "key": key,
            "round": row.round,
            "action": receipt.action,
            "ok": receipt.ok,
            "changed": receipt.changed,
            "at": receipt.at,
            "document": receipt.model_dump_json(),
        },
    )
    audit.append(
        conn,
        now,
        row.case_id,
        receipt.connector,
        f"device: {receipt.action}",
        {
            "key": key,
            "ok": receipt.ok,
            "changed": receipt.changed,
            "said": receipt.said,
            "reference": receipt.reference,
        },
    )


def receipts_of(conn: sa.Connection, key: str) -> tuple[Receipt, ...]:
    """Everything devices said about this containment, oldest first."""
    query = sa.select(receipts.c.document).where(receipts.c.key == key).order_by(receipts.c.id)
    return tuple(Receipt.model_validate_json(text) for text in conn.execute(query).scalars())


def times_set(conn: sa.Connection, key: str) -> int:
    """How often a device said anything to setting it."""
    query = sa.select(sa.func.count()).select_from(receipts)
    return int(conn.execute(query.where(receipts.c.key == key, receipts.c.action == "contain")).scalar_one())


def find(conn: sa.Connection, key: str) -> ContainmentRecord | None:
    """The containment of this key."""
    row = conn.execute(sa.select(containments).where(containments.c.key == key)).mappings().first()
    return None if row is None else record_of(row)


def list_containments(
    conn: sa.Connection, states: tuple[State, ...] = LIVE, case_id: str = "", limit: int = 100, offset: int = 0
) -> tuple[ContainmentRecord, ...]:
    """Containments in these states, of one case or of all, newest first; at most 10,000 at a time."""
    query = sa.select(containments).where(containments.c.state.in_(states))
    query = query.where(containments.c.case_id == case_id) if case_id else query
    query = query.order_by(containments.c.created_at.desc(), containments.c.key)
    rows = conn.execute(query.limit(max(1, min(limit, 10_000))).offset(offset)).mappings()
    return tuple(record_of(row) for row in rows)


def due(conn: sa.Connection, now: datetime, limit: int = 1000) -> tuple[ContainmentRecord, ...]:
    """What a sweep has to look at: intended but not carried out, past its time, asked to be released, or releasing."""
    past = containments.c.state.in_(("active", "extending")) & (containments.c.until <= now)
    asked = containments.c.state.in_(("active", "extending")) & (containments.c.release_by != "")
    query = sa.select(containments).where(past | asked | containments.c.state.in_(("intended", "releasing")))
    rows = conn.execute(query.order_by(containments.c.until, containments.c.key).limit(limit)).mappings()
    return tuple(record_of(row) for row in rows)


def ask_release(conn: sa.Connection, key: str, who: str, now: datetime, reason: str = "") -> bool:
    """Mark a live containment for release before its time; False when it is not live or marked already."""
    done = conn.execute(
        containments.update()
        .where(containments.c.key == key, containments.c.state.in_(LIVE), containments.c.release_by == "")
        .values(release_by=who, updated_at=now)
        .returning(containments.c.case_id)
    ).one_or_none()
    if done is None:
        return False
    audit.append(conn, now, done.case_id, who, "release asked", {"key": key, "reason": reason})
    return True


def count_attempt(conn: sa.Connection, step: Step, key: str, now: datetime) -> None:
    """Count one attempt, whatever becomes of it."""
    conn.execute(attempts.insert(), {"kind": step.kind, "target": step.target, "key": key, "at": now})


def attempts_within(conn: sa.Connection, kind: StepKind, now: datetime, span: timedelta = timedelta(hours=1)) -> int:
    """Attempts of this kind in the hour (or ``span``) up to now; what a clock set back left in the future counts."""
    query = sa.select(sa.func.count()).select_from(attempts)
    return int(conn.execute(query.where(attempts.c.kind == kind, attempts.c.at > now - span)).scalar_one())


def attempts_of(conn: sa.Connection, key: str, since: datetime) -> tuple[datetime, ...]:
    """When this containment was tried from ``since`` on, oldest first."""
    query = sa.select(attempts.c.at).where(attempts.c.key == key, attempts.c.at >= since)
    return tuple(conn.execute(query.order_by(attempts.c.at, attempts.c.id)).scalars())


def live_targets(conn: sa.Connection, case_id: str) -> frozenset[tuple[str, str]]:
    """Kind and target of everything of this case that is in force or about to be."""
    query = sa.select(containments.c.kind, containments.c.target)
    rows = conn.execute(query.where(containments.c.case_id == case_id, containments.c.state.in_(LIVE)))
    return frozenset((row.kind, row.target) for row in rows)


def record_of(row: Any) -> ContainmentRecord:
    """A row of the table as a record."""
    values = {name: row[name] for name in ContainmentRecord.model_fields if name != "step"}
    return ContainmentRecord(**values, step=Step.model_validate_json(row["step"]))
