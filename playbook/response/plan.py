"""Verdicts of one host -> the plan that is proposed: the narrowest kind of step that passes the gate, with a TTL."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785

from playbook.model.case import JudgedDetection
from playbook.model.response import NotBlockable, Plan, Proposal, Step, StepKind
from playbook.model.verdict import About
from playbook.response.guardrails import Allowed, Denied, NeverBlockPolicy, evaluate_step, why_not_blockable

NARROWEST_FIRST: tuple[StepKind, ...] = ("block_pair", "block_address", "isolate_host")
_MOST_STEPS = 50
# A step names only what the evidence is about.
_STEPS_ABOUT: dict[About, frozenset[str]] = {
    "destination": frozenset({"block_pair", "block_address", "block_domain", "isolate_host"}),
    "name": frozenset({"block_domain", "isolate_host"}),
    "host": frozenset({"isolate_host"}),
}
_WHY_NOT: dict[About, str] = {
    "destination": "",
    "name": "a name is listed, not the address, and other names lead there too",
    "host": "what the host did elsewhere convicts the host, not this destination",
}


@dataclass(frozen=True)
class ResponseCapabilities:
    """What can be done here: TTLs, barriers, the policy's version, and which containment offers which kind.

    ``offers`` maps a kind to the name of the configured containment; empty means none is configured, and then the
    plan says what a person should do and names no connector.
    """

    block_ttl_s: int
    isolate_ttl_s: int
    policy_version: int
    barriers: NeverBlockPolicy
    offers: Mapping[StepKind, str]


def propose_plan(case_id: str, host: str, judged: Sequence[JudgedDetection], means: ResponseCapabilities) -> Proposal:
    """Steps for those detections that are themselves TRUE_POSITIVE; none for any other."""
    steps: dict[tuple[str, str], Step] = {}
    people = 1
    by_hand: list[str] = []
    not_blockable: dict[str, str] = {}
    for one in judged:
        if one.verdict.disposition != "TRUE_POSITIVE":
            continue
        why = why_not_blockable(one.enriched, means.barriers)
        detection = one.enriched.detection
        target = detection.dst_name or detection.dst_ip
        if why is not None and not detection.dst_name:
            not_blockable[detection.dst_ip] = why
        step, needed, refusals = _narrowest(one, means)
        if step is None:
            reasons = "; ".join(f"{r.kind.replace('_', ' ')}: {r.reason}" for r in refusals)
            named = detection.src_ip if one.verdict.about == "host" else target
            by_hand.append(f"contain {named} by hand ({reasons})")
        elif step.kind == "isolate_host" and _isolates_another(steps, step):
            by_hand.append(f"contain {detection.src_ip} by hand (one plan isolates one host, not two)")
        elif len(steps) < _MOST_STEPS or (step.kind, step.target) in steps:
            steps[step.kind, step.target] = step
            people = max(people, needed)
        else:
            by_hand.append(f"more than {_MOST_STEPS} steps: contain {target} by hand")
    chosen = tuple(steps.values())
    return Proposal(
        plan=with_digest(case_id, host, chosen, means.policy_version, people) if chosen else None,
        not_blockable=tuple(NotBlockable(address=a, reason=r) for a, r in not_blockable.items()),
        by_hand=tuple(dict.fromkeys(by_hand)),
    )


def _narrowest(one: JudgedDetection, means: ResponseCapabilities) -> tuple[Step | None, int, tuple[Denied, ...]]:
    """The step, how many people must agree to it, and why narrower kinds (or all of them) did not pass."""
    refusals: list[Denied] = []
    for kind in NARROWEST_FIRST:
        if means.offers and kind not in means.offers:
            refusals.append(Denied(kind, "no configured containment offers it"))
            continue
        if kind not in _STEPS_ABOUT[one.verdict.about]:
            refusals.append(Denied(kind, _WHY_NOT[one.verdict.about]))
            continue
        word = evaluate_step(kind, one.enriched, means.barriers)
        if isinstance(word, Allowed):
            ttl = means.isolate_ttl_s if kind == "isolate_host" else means.block_ttl_s
            scope = word.scope + (", two people must approve" if word.people > 1 else "")
            step = Step(kind=kind, target=word.target, scope=scope, ttl_s=ttl, connector=means.offers.get(kind, ""))
            return step, word.people, ()
        refusals.append(word)
    return None, 0, tuple(refusals)


def _isolates_another(steps: Mapping[tuple[str, str], Step], step: Step) -> bool:
    return any(kind == "isolate_host" and target != step.target for kind, target in steps)


def with_digest(case_id: str, host: str, steps: tuple[Step, ...], version: int, people: int = 1) -> Plan:
    """The plan with its digest; whoever approves, approves exactly this (no clock is in it)."""
    content: dict[str, Any] = {
        "case_id": case_id,
        "host": host,
        "policy_version": version,
        "steps": [step.model_dump() for step in steps],
    }
    digest = hashlib.sha256(rfc8785.dumps(content)).hexdigest()
    return Plan(plan_id=f"P-{digest[:12]}", digest=digest, steps=steps, people=people)


def with_ttl(plan: Plan, case_id: str, host: str, version: int, ttl_s: int) -> Plan:
    """The same steps for another length of time: a plan of its own, with a digest of its own."""
    steps = tuple(step.model_copy(update={"ttl_s": ttl_s}) for step in plan.steps)
    return with_digest(case_id, host, steps, version, plan.people)
