"""The columns that tell of a case: its verdict with severity and technique, its plan, and where a person answers."""

from typing import Any

from playbook.actions import Flat, slot
from playbook.actions._record import CaseState, PlanState, StepState

RULE_SEVERITY, RULE_CONFIDENCE = "high", "medium"


class Severity(Flat):
    """What a platform routes by: the rule's severity and confidence, ours, and the techniques."""

    severity: str = slot("Our severity: critical, high, medium, low, informational or none", "", example="critical")
    rule_severity: str = slot("Severity of the detection rule", RULE_SEVERITY, example="high")
    rule_confidence: str = slot("Confidence of the detection rule", RULE_CONFIDENCE, example="medium")
    techniques: str = slot(
        "ATT&CK techniques, one a line: identifier, name, tactic, observed or inferred, link",
        "",
        example="T1584.005 Compromise Infrastructure: Botnet (TA0042 Resource Development; "
        "inferred) "
        "https://attack.mitre.org/techniques/T1584/005/",
    )


class Verdict(Severity):
    """The case and what was made of it."""

    case_id: str = slot(
        "Identity of the case, empty when a static filter took the alert out",
        "",
        contains=("case id",),
        example="C-0123456789ab",
    )
    host: str = slot("Host the case is about", "", contains=("host name",), example="cam-lobby-01")
    status: str = slot("proposed, ticket, watch or closed", "", example="proposed")
    case_state: str = slot(
        "Where the case stands, in the words of the pages",
        "",
        example="contained until 2026-11-24 10:00 UTC",
    )
    disposition: str = slot(
        "TRUE_POSITIVE, BENIGN_POSITIVE, FALSE_POSITIVE or UNDETERMINED", "", example="TRUE_POSITIVE"
    )
    confidence: str = slot("low, medium or high", "", example="high")
    reasons: str = slot("Why, one sentence a line", "")
    missing: str = slot("What could not be known, one a line", "")
    plan_id: str = slot(
        "Identity of the plan that waits or was answered, empty when there is none",
        "",
        contains=("plan id",),
        example="P-000000000001",
    )
    digest: str = slot("SHA-256 of exactly this plan, in hex", "", contains=("plan digest",))
    plan_state: str = slot("waiting, approved, denied, expired, superseded, withdrawn or empty", "", example="waiting")
    steps: str = slot(
        "Steps of the plan, one a line: kind, target, seconds, state",
        "",
        example="block_address 203.0.113.66 14400 waiting",
    )
    people: int = slot("How many people must approve", 0, example=1)
    votes: int = slot("How many have approved", 0, example=0)
    approval_url: str = slot("Where a person reads the case and answers", "", contains=("url",))
    expires_at: str = slot("When silence denies the plan, ISO 8601 in UTC", "", example="2026-11-25T06:00:00+00:00")


def verdict_columns(case: CaseState) -> dict[str, Any]:
    """The values of ``Verdict`` for a case."""
    return {
        "case_id": case.case_id,
        "host": case.host,
        "status": case.status,
        "case_state": case.state,
        "disposition": case.disposition,
        "confidence": case.confidence,
        "severity": case.severity,
        "techniques": case.techniques,
        "reasons": "\n".join(case.reasons),
        "missing": "\n".join(case.missing),
        "approval_url": case.url,
    } | (_plan(case.plan) if case.plan is not None else {})


def _plan(plan: PlanState) -> dict[str, Any]:
    return {
        "plan_id": plan.plan_id,
        "digest": plan.digest,
        "plan_state": plan.state,
        "people": plan.people,
        "votes": plan.votes,
        "steps": "\n".join(map(step_line, plan.steps)),
        "expires_at": plan.expires_at.isoformat() if plan.state == "waiting" else "",
    }


def step_line(step: StepState) -> str:
    """``block_address 203.0.113.66 14400 waiting``."""
    return f"{step.kind} {step.target} {step.ttl_s} {step.state}"
