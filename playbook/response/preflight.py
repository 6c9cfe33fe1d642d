"""What may stop an approved step at the moment of acting: the gate's word of today, people, age, caps, kill switch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from playbook.config import Config, ContainPerHour
from playbook.errors import PlaybookError
from playbook.model.address import parse
from playbook.model.case import JudgedDetection
from playbook.model.detection import TimeWindow
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import Enrichment
from playbook.model.observable import Observable, observables_of
from playbook.model.response import Plan, Step
from playbook.model.site import Site
from playbook.ports import Enricher
from playbook.response.guardrails import Allowed, Denied, NeverBlockPolicy, evaluate_step, pair_of
from playbook.response.plan import with_digest

# What the gate asks address lists about; they are local, so they are asked again when acting.
TOPICS = frozenset({"lists", "operator"})


@dataclass(frozen=True)
class Authority:
    """Who has a say when a step is carried out, as configured today; ``lists`` are the local address lists."""

    site: Site
    barriers: NeverBlockPolicy
    caps: ContainPerHour
    policy_version: int
    lists: tuple[Enricher, ...] = ()
    kill_switch: Path | None = None


@dataclass(frozen=True)
class ApprovedRequest:
    """What people approved: the plan, how many of them did, and when."""

    case_id: str
    host: str
    plan: Plan
    people: int
    at: datetime


def preflight_check(step: Step, judged: Sequence[JudgedDetection], authority: Authority) -> Allowed | Denied:
    """The gate's word on a stored step, from the stored evidence under today's networks and lists.

    Every detection that names the target must pass, and one of them must still be a TRUE_POSITIVE.
    """
    words = []
    guilty = False
    for one in judged:
        today = _as_of_today(one.enriched, authority)
        if _names(step, today):
            guilty = guilty or one.verdict.disposition == "TRUE_POSITIVE"
            words.append(evaluate_step(step.kind, today, authority.barriers))
    if not guilty:
        return Denied(step.kind, "no detection of this case that is a TRUE_POSITIVE names this target any more")
    refused = next((word for word in words if isinstance(word, Denied)), None)
    passed = [word for word in words if isinstance(word, Allowed) and word.target == step.target]
    if refused is not None or len(passed) != len(words):
        return refused or Denied(step.kind, "the evidence names another target now")
    return max(passed, key=lambda word: word.people)


def approval_fault(
    step: Step, approved: ApprovedRequest | None, word: Allowed, version: int, now: datetime
) -> str | None:
    """Why the approval does not carry this step now, or None when it does."""
    if approved is None or step not in approved.plan.steps:
        return "no approved plan holds this step"
    plan = approved.plan
    if with_digest(approved.case_id, approved.host, plan.steps, version, plan.people).digest != plan.digest:
        return "the plan is not the one that was approved, or the policy has changed since"
    needed = max(word.people, plan.people)
    if approved.people < needed:
        return f"{needed} people must approve this now, and {approved.people} did"
    if now > approved.at + timedelta(seconds=step.ttl_s):
        return "it was approved longer ago than the step would have lasted"
    return None


def kill_switch_reason(kill_switch: Path | None) -> str | None:
    """Why nothing may be applied: the kill switch is on when its file is there, or when nobody can tell."""
    if kill_switch is None:
        return None
    try:
        kill_switch.lstat()
    except FileNotFoundError:
        there = kill_switch.parent.is_dir()
        return None if there else f"the kill switch's folder {kill_switch.parent} is not there, which counts as on"
    except OSError as fault:
        return f"the kill switch {kill_switch} cannot be read ({fault.strerror}), which counts as on"
    return f"the kill switch is on: {kill_switch} is there"


def stopped_reason(config: Config) -> str:
    """Why nothing can be contained now: containment is off, or the kill switch is on; "" when it can."""
    if config.off:
        return f"containment is off, {config.off}"
    switch = kill_switch_reason(config.kill_switch)
    return f"kill switch: {switch}" if switch else ""


def rate_cap_reason(step: Step, attempts: int, caps: ContainPerHour) -> str | None:
    """Why no more of this kind may be tried within this hour; ``attempts`` are those of the last hour."""
    most = getattr(caps, step.kind)
    if attempts < most:
        return None
    kind = step.kind.replace("_", " ")
    return f"{attempts} attempts of {kind} within an hour; limits.max_containments_per_hour allows {most}"


def _names(step: Step, enriched: EnrichedDetection) -> bool:
    if step.kind == "block_pair":
        return step.target == pair_of(enriched)
    if step.kind == "block_address":
        return enriched.destination is not None and step.target == str(enriched.destination)
    return enriched.holder is not None and step.target == enriched.holder.host_id


def _as_of_today(enriched: EnrichedDetection, authority: Authority) -> EnrichedDetection:
    """The stored evidence with today's networks, and with what the lists say today in place of what they said."""
    names = {enricher.name for enricher in authority.lists}
    kept = tuple(e for e in enriched.enrichments if e.topic not in TOPICS or e.enricher not in names)
    asked = tuple(
        o
        for o in observables_of(enriched.detection, enriched.host, enriched.names)
        if o.role == "destination" and (o.kind == "domain" or parse(o.value) is not None)
    )
    detection = enriched.detection
    window = TimeWindow(start=detection.first_seen, end=detection.last_seen + timedelta(seconds=1))
    said = tuple(word for enricher in authority.lists for word in _said(enricher, asked, window))
    return enriched.replaced(site=authority.site, enrichments=kept + said)


def _said(enricher: Enricher, asked: tuple[Observable, ...], window: TimeWindow) -> tuple[Enrichment, ...]:
    try:
        answers = enricher.look_up(asked, window)
    except (PlaybookError, OSError) as fault:
        return tuple(
            Enrichment(enricher=enricher.name, topic=topic, observable=o, unavailable=str(fault) or "failed")
            for topic in enricher.topics
            if topic in TOPICS
            for o in asked
        )
    return tuple(word for word in answers if word.topic in TOPICS)
