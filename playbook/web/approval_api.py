"""A platform's contain or correct call: it answers as one approver or asks for a release, and sets nothing itself.

It comes over the API or from the command line; both prove an account by its token and end in the same record.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa

from playbook.actions import Action, Result
from playbook.actions._response import ApprovalInput, ResponseOutput
from playbook.assembly import action_context
from playbook.cases import approval_requests, approvals, containments, queries
from playbook.cases.access import authenticate, open_case_store
from playbook.cases.accounts import Proof
from playbook.cases.approval_requests import ApprovalRequest
from playbook.cases.approvals import Enqueue
from playbook.cases.store import Store
from playbook.config import Config
from playbook.errors import NotApproved, NotProven
from playbook.model.address import parse
from playbook.model.response import Decision, Plan, Step, StepKind
from playbook.response.preflight import stopped_reason
from playbook.web.recorder import Recorder, carried
from playbook.workflows.client import WorkflowClient

_KINDS: dict[str, StepKind] = {"pair": "block_pair", "address": "block_address", "host": "isolate_host"}
# What platforms were told from the beginning; elsewhere it is "in force".
_STATES = {**containments.STEP_WORDS, "active": "applied", "extending": "applied"}
_SILENT = timedelta(seconds=90)


class ApprovalContext(Protocol):
    """What a call stands on: the record, why nothing can be contained now ("" when it can), the clock, the work."""

    @property
    def store(self) -> Store:
        """The record."""

    @property
    def stopped(self) -> str:
        """Containment is off, or the kill switch is on; "" when neither."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock."""

    @property
    def enqueue(self) -> Enqueue:
        """How work is set going."""


@dataclass(frozen=True)
class _LocalContext:
    store: Store
    stopped: str
    now: Callable[[], datetime]
    enqueue: Enqueue


def answer_or_release_here(
    config: Config, file: str, action: Action, given: dict[str, Any], now: Callable[[], datetime]
) -> Result:
    """``carry`` for the account that BOTNET_PLAYBOOK_TOKEN proves. Raises NotProven (exit 3) when it proves none."""
    action.read(given)
    with open_case_store(config, file) as store:
        proof = authenticate(store, None, action.role, now())
        if not proof.reaches(action.scope):
            raise NotProven(
                f"{action.identifier} takes the scope {action.scope}; the token has {', '.join(proof.scopes)}"
            )
        door = WorkflowClient(store)
        try:
            result = _carried_here(
                _LocalContext(store, stopped_reason(config), now, door.starting), proof, action, given, (config, file)
            )
        finally:
            door.close()
        with store.reading() as conn:
            beat = queries.last_beat(conn)
    if (not action.changes and action.scope != "approve") or (beat is not None and now() - beat < _SILENT):
        return result
    return result._replace(warnings=(*result.warnings, "no worker is alive: it is done once `serve` runs"))


def _carried_here(
    here: _LocalContext, proof: Proof, action: Action, given: dict[str, Any], configured: tuple[Config, str]
) -> Result:
    if not hasattr(action.module, "carry"):
        return answer_or_release(here, proof, action, given)
    config, file = configured
    recorder = Recorder(
        here.store,
        config,
        proof,
        here.now,
        here.enqueue,
        lambda: action_context(config, file, here.now()),
        here.stopped,
        config.serve.public_url.rstrip("/"),
    )
    return carried(action, given, recorder)


def answer_or_release(parts: ApprovalContext, proof: Proof, action: Action, given: dict[str, Any]) -> Result:
    """Do what an approved plan says, as far as this token may. Raises NotApproved with the reason, ConfigError."""
    asked = action.read(given)
    assert isinstance(asked, ApprovalInput)  # noqa: S101 every contain and correct action takes an approval
    kind = _KINDS[action.identifier.rpartition("_")[2]]
    if action.kind == "contain":
        return _contain(parts, proof, asked, kind)
    return _release(parts, proof, asked, kind)


def _contain(parts: ApprovalContext, proof: Proof, asked: ApprovalInput, kind: StepKind) -> Result:
    if parts.stopped:
        raise NotApproved(f"refused: {parts.stopped}; nothing was changed")
    now = parts.now()
    with parts.store.change() as conn:
        request, plan, step = _named(conn, asked, kind)
        if request.state == "approved" and request.digest == plan.digest:
            return _state_of(conn, request, plan, step, "the plan was approved before")
        if not proof.reaches("approve"):
            raise NotApproved(
                f"refused, nothing was changed: the plan is {request.state}, and this token carries out "
                "approved plans only: approve_plan, or a person, answers it first"
            )
        decision = Decision(
            case_id=request.case_id,
            plan_id=plan.plan_id,
            digest=plan.digest,
            who=proof.name,
            via=proof.via,
            approve=True,
            at=now,
            comment=f"{asked.approved_by} approved it, says the account {proof.name}",
        )
        outcome = approvals.decide(conn, decision, now, parts.enqueue)
        if outcome.result == "counted":
            row = ResponseOutput(plan_id=plan.plan_id, target=step.target, state="waiting for another person", ends="")
            return Result((row,), outcome.text, complete=False)
        if outcome.result == "approved":
            return _state_of(conn, request, plan, step, outcome.text)
    # The refusal is journalled: it is raised only after the transaction has kept it.
    raise NotApproved(f"refused, nothing was changed: {outcome.text}")


def _release(parts: ApprovalContext, proof: Proof, asked: ApprovalInput, kind: StepKind) -> Result:
    with parts.store.change() as conn:
        request, plan, step = _named(conn, asked, kind)
        key = containments.key_of(request.case_id, step)
        known = containments.find(conn, key)
        if known is None or known.digest != plan.digest:
            raise NotApproved("refused, nothing was changed: this plan set nothing that could be released")
        reason = f"{asked.approved_by} wants it, says the account {proof.name}"
        containments.ask_release(conn, key, proof.name, parts.now(), reason)
        return _state_of(conn, request, plan, step, "the release is asked for and will be verified")


def _named(conn: sa.Connection, asked: ApprovalInput, kind: StepKind) -> tuple[ApprovalRequest, Plan, Step]:
    """The request, plan and step that the call names; NotApproved when they do not belong together."""
    request = approval_requests.find_request(conn, asked.plan_id)
    plan = next((one for one in request.offers if one.digest == asked.digest), None) if request else None
    if request is None or plan is None or plan.plan_id != asked.plan_id:
        raise NotApproved("refused, nothing was changed: no request offers a plan of this identity and digest")
    target = _target(asked, kind)
    step = next((one for one in plan.steps if (one.kind, one.target) == (kind, target)), None)
    if step is None:
        raise NotApproved(f"refused, nothing was changed: {kind} {target} is no step of the plan {plan.plan_id}")
    return request, plan, step


def _target(asked: ApprovalInput, kind: StepKind) -> str:
    """The step's target in the words of plans."""
    words = {name: str(value) for name, value in asked.model_dump().items()}
    if kind == "isolate_host":
        return words["host_id"]
    if kind == "block_address":
        return str(parse(words["address"]) or words["address"])
    return f"{words['src_ip']}>{words['dst_ip']}:{words['dst_port']}"


def _state_of(conn: sa.Connection, request: ApprovalRequest, plan: Plan, step: Step, message: str) -> Result:
    known = containments.find(conn, containments.key_of(request.case_id, step))
    state = _STATES[known.state] if known else "unknown"
    if known and known.release_by and known.state != "released":
        state = "being released"
    ends = known.until.isoformat() if known and known.until else ""
    return Result((ResponseOutput(plan_id=plan.plan_id, target=step.target, state=state, ends=ends),), message)
