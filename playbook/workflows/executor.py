"""Carrying approved steps out and undoing them: journals first, keeps every receipt, and only ever undoes our own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from playbook.cases import approval_requests, approvals, audit, case_rows
from playbook.cases import containments as kept
from playbook.cases.containments import ContainmentRecord, State
from playbook.cases.store import Store
from playbook.errors import ConfigError, PlaybookError
from playbook.model.response import Receipt, Step
from playbook.ports import Containment
from playbook.response.guardrails import Allowed, Denied
from playbook.response.preflight import (
    ApprovedRequest,
    Authority,
    approval_fault,
    kill_switch_reason,
    preflight_check,
    rate_cap_reason,
)
from playbook.workflows.attempts import attempts, too_early
from playbook.workflows.failures import (
    Word,
    comment_on_ticket,
    notify_people,
    record_failure,
    record_stop,
    record_superseded,
)


@dataclass(frozen=True)
class ExecutionContext:
    """What carries steps out: the record, the devices by name, who has a say (raises ConfigError when nobody can
    tell), and the clock.
    """

    store: Store
    devices: Mapping[str, Containment]
    authority: Callable[[], Authority]
    now: Callable[[], datetime]


def prepare(outfit: ExecutionContext, key: str) -> Word:
    """Examine a step again and journal the attempt; only "go" lets it be applied. Raises when the record cannot."""
    with outfit.store.reading() as conn:
        found = kept.find(conn, key)
    if found is None or found.state != "intended":
        return "over"
    word, authority = _examined(outfit, found)
    with outfit.store.change() as conn:
        found = kept.find(conn, key)
        if found is None or found.state != "intended":
            return "over"
        now, tried = outfit.now(), attempts(conn, found)
        why = _why_not(conn, outfit, found, word, authority, now)
        if why is None and too_early(tried, now):
            return "again"
        if why is not None:
            return record_stop(conn, found, why, bool(tried), now)
        kept.count_attempt(conn, found.step, key, now)
        audit.append(
            conn,
            now,
            found.case_id,
            "playbook",
            "containment attempt",
            {
                "key": key,
                "attempt": len(tried) + 1,
                "step": found.step.model_dump(),
                "digest": found.digest,
            },
        )
    return "go"


def apply(outfit: ExecutionContext, key: str) -> Word:
    """Set an intended step on its device, and keep what the device said. No answer leaves it for the next attempt."""
    with outfit.store.reading() as conn:
        found = kept.find(conn, key)
    if found is None or found.state != "intended":
        return "over"
    word, authority = _examined(outfit, found)
    with outfit.store.reading() as conn:
        # All over again but the cap: a worker that died after the intent may have been away for days.
        why = _why_not(conn, outfit, found, word, authority, outfit.now(), counted=True)
    if why is not None or isinstance(word, Denied):
        return _stopped(outfit, found, why or "the gate refuses it")
    receipt = _contained(outfit, word, found)
    with outfit.store.change() as conn:
        now = outfit.now()
        if isinstance(receipt, Receipt):
            kept.record_receipt(conn, key, receipt, now)
        if record_superseded(conn, found, isinstance(receipt, str) or receipt.ok, now):
            return "over"
        if isinstance(receipt, str):
            return record_failure(conn, found, receipt, now)
        if receipt.ok:
            return "done"
        return record_stop(conn, found, f"{receipt.connector} refused: {receipt.said[:300]}", True, now)


def verify(outfit: ExecutionContext, key: str) -> Word:
    """Read the device again; what is in force is active until its time, what is not is tried again."""
    with outfit.store.reading() as conn:
        found = kept.find(conn, key)
    if found is None or found.state != "intended":
        return "over"
    receipt = _asked(outfit, found, "verify")
    with outfit.store.change() as conn:
        now = outfit.now()
        if isinstance(receipt, Receipt):
            kept.record_receipt(conn, key, receipt, now)
        if record_superseded(conn, found, False, now):
            return "over"
        if isinstance(receipt, str):
            return record_failure(conn, found, receipt, now)
        if not receipt.ok:
            return record_failure(
                conn, found, f"{receipt.connector} does not show it in force: {receipt.said[:300]}", now
            )
        # What is set a second time (a late release took it away) ends when it would have ended.
        until = found.until or now + timedelta(seconds=found.step.ttl_s)
        if kept.change_state(conn, key, ("intended",), "active", now, until=until):
            comment_on_ticket(conn, found, "active", f"In force until {until:%Y-%m-%d %H:%M} UTC", now)
    return "done"


def claim(outfit: ExecutionContext, key: str) -> Word:
    """Take a containment for release when its time is over or somebody asked; an isolation never by time alone."""
    with outfit.store.change() as conn:
        found, now = kept.find(conn, key), outfit.now()
        if found is None or found.state not in ("active", "extending", "releasing"):
            return "over"
        past = found.until is not None and found.until <= now and found.step.kind != "isolate_host"
        if found.state == "releasing" or found.release_by or past:
            kept.change_state(
                conn, key, ("active", "extending"), "releasing", now, actor=found.release_by or "playbook"
            )
            return "go"
    return "over"


def release(outfit: ExecutionContext, key: str) -> Word:
    """Release on the device, and keep what it said; neither kill switch nor lists have a say in this."""
    return _released(outfit, key, "release")


def verify_released(outfit: ExecutionContext, key: str) -> Word:
    """Read the device again; only what is verifiably gone is released (or failed, if it never was in force)."""
    return _released(outfit, key, "verify_released")


def extend(outfit: ExecutionContext, key: str, why: str) -> Word:
    """Keep an isolation for one more TTL, set on the device again where nothing stops that, and tell a person why."""
    with outfit.store.change() as conn:
        found, now = kept.find(conn, key), outfit.now()
        if (
            found is None
            or found.release_by
            or not kept.change_state(conn, key, ("active", "extending"), "extending", now)
        ):
            return "over"
        audit.append(conn, now, found.case_id, "playbook", "containment kept", {"key": key, "why": why})
    word, authority = _examined(outfit, found)
    off = kill_switch_reason(authority.kill_switch) if authority is not None else "nobody can tell who has a say"
    said, asked = (f"it stays as it is on the device: {off}" if off else ""), False
    if isinstance(word, Allowed) and not off:
        receipt = _contained(outfit, word, found)
        said = receipt if isinstance(receipt, str) else ""
        if isinstance(receipt, Receipt):
            with outfit.store.change() as conn:
                kept.record_receipt(conn, key, receipt, outfit.now())
        asked = True
    elif isinstance(word, Denied):
        said = f"it stays as it is on the device: {word.reason}"
    with outfit.store.change() as conn:
        now = outfit.now()
        if record_superseded(conn, found.model_copy(update={"state": "extending"}), asked, now):
            return "over"
        until = now + timedelta(seconds=found.step.ttl_s)
        if kept.change_state(conn, key, ("extending",), "active", now, until=until, trouble=said):
            text = f"Kept until {until:%Y-%m-%d %H:%M} UTC: {why}" + (f" ({said})" if said else "")
            comment_on_ticket(conn, found, f"kept:{until.isoformat()}", text, now)
            notify_people(conn, found, f"kept:{until.isoformat()}", "Isolation kept", text, now)
    return "done"


def _examined(outfit: ExecutionContext, found: ContainmentRecord) -> tuple[Allowed | Denied, Authority | None]:
    """The gate's word of today; when nobody can tell who has a say, nothing passes."""
    try:
        authority = outfit.authority()
    except ConfigError as fault:
        return Denied(found.step.kind, f"the configuration cannot be read: {fault}"), None
    with outfit.store.reading() as conn:
        judged = case_rows.judged_of(conn, found.case_id)
    return preflight_check(found.step, judged, authority), authority


def _why_not(
    conn: sa.Connection,
    outfit: ExecutionContext,
    found: ContainmentRecord,
    word: Allowed | Denied,
    authority: Authority | None,
    now: datetime,
    counted: bool = False,
) -> str | None:
    if found.release_by:
        return f"{found.release_by} asked for its release"
    if isinstance(word, Denied) or authority is None:
        return word.reason if isinstance(word, Denied) else "nobody can tell who has a say"
    if found.step.connector not in outfit.devices:
        return f"no configured containment is called {found.step.connector!r}"
    row = case_rows.row_of(conn, found.case_id)
    if row is None or (row.closed_at is not None and row.person_disposition != "TRUE_POSITIVE"):
        return "the case is closed"
    attempts = 0 if counted else kept.attempts_within(conn, found.step.kind, now)
    return (
        approval_fault(found.step, _approved(conn, found), word, authority.policy_version, now)
        or (None if counted else rate_cap_reason(found.step, attempts, authority.caps))
        or kill_switch_reason(authority.kill_switch)
    )


def _approved(conn: sa.Connection, found: ContainmentRecord) -> ApprovedRequest | None:
    request = approval_requests.find_request(conn, found.request_id)
    if request is None or request.state != "approved" or request.decided_at is None:
        return None
    plan = next((offer for offer in request.offers if offer.digest == found.digest == request.digest), None)
    given = approvals.still_valid(conn, approvals.answers(conn, request.request_id))
    votes = [one for one in given if one.approve and one.digest == found.digest]
    people = {one.who for one in votes} - {request.requester}
    if plan is None:
        return None
    return ApprovedRequest(request.case_id, request.host, plan, len(people), request.decided_at)


def _contained(outfit: ExecutionContext, word: Allowed, found: ContainmentRecord) -> Receipt | str:
    """The one place that sets anything: takes the gate's word, which only the gate can give."""
    device = outfit.devices.get(found.step.connector)
    if device is None or (word.kind, word.target) != (found.step.kind, found.step.target):
        return f"no configured containment is called {found.step.connector!r}"
    try:
        return device.contain(found.step, found.key)
    except PlaybookError as fault:
        return f"{device.name}: {fault}"


def _asked(
    outfit: ExecutionContext, found: ContainmentRecord, what: Literal["verify", "release", "verify_released"]
) -> Receipt | str:
    device = outfit.devices.get(found.step.connector)
    if device is None:
        return f"no configured containment is called {found.step.connector!r}"
    call: Callable[[Step, str], Receipt] = getattr(device, what)
    try:
        return call(found.step, found.key)
    except PlaybookError as fault:
        return f"{device.name}: {fault}"


def _released(outfit: ExecutionContext, key: str, what: Literal["release", "verify_released"]) -> Word:
    with outfit.store.reading() as conn:
        found, times_set = kept.find(conn, key), kept.times_set(conn, key)
    if found is None or found.state != "releasing":
        return "over"
    receipt = _asked(outfit, found, what)
    with outfit.store.change() as conn:
        now = outfit.now()
        if isinstance(receipt, Receipt):
            kept.record_receipt(conn, key, receipt, now)
        if record_superseded(conn, found, what == "release" and (isinstance(receipt, str) or receipt.changed), now):
            return "over"
        if isinstance(receipt, str):
            return record_failure(conn, found, receipt, now)
        if not receipt.ok:
            return record_failure(conn, found, f"{receipt.connector} did not let go: {receipt.said[:300]}", now)
        if what == "release":
            return "done"
        if kept.times_set(conn, key) != times_set:
            # Set late by a worker that was taken for dead, perhaps after the device was read.
            return "again"
        after: State = "failed" if found.until is None else "released"
        if kept.change_state(conn, key, ("releasing",), after, now, trouble=found.trouble if after == "failed" else ""):
            comment_on_ticket(conn, found, after, "Released, and verified to be gone", now)
    return "done"


def _stopped(outfit: ExecutionContext, found: ContainmentRecord, why: str) -> Word:
    with outfit.store.change() as conn:
        earlier = len(attempts(conn, found)) > 1
        return record_stop(conn, found, why, earlier, outfit.now())
