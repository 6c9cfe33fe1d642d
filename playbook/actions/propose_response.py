"""Propose a response to one detection: the plan with its digest, what may not be blocked, what a person must do."""

from typing import Any

from playbook.actions import Outside, Result, find, slot
from playbook.actions._case_columns import Severity
from playbook.actions._judge import AlertInput, judge_row
from playbook.model.case import Case
from playbook.report.wording import case_technique_lines, severity

KIND, READ_ONLY = "investigate", True
Input = AlertInput


class Output(Severity):
    """One row per step, per address that may not be blocked and per thing to do by hand; at least one row.

    ``entry`` says which of these a row is. Whoever approves, approves exactly the plan of this digest.
    """

    entry: str = slot("step, not_blockable, by_hand or nothing", example="step")
    case_id: str = slot(
        "Identity of the case, empty when a static filter took the detection out", "", example="C-0123456789ab"
    )
    host: str = slot("Host the case is about", contains=("host name",), example="cam-lobby-01")
    disposition: str = slot("Disposition the proposal rests on", example="TRUE_POSITIVE")
    plan_id: str = slot(
        "Identity of the plan, empty when no step is proposed", "", contains=("plan id",), example="P-000000000001"
    )
    digest: str = slot("SHA-256 of exactly this plan, in hex", "", contains=("plan digest",))
    step: int = slot("Number of the step from 1; 0 in other rows", 0, example=1)
    kind: str = slot("block_pair, block_address or isolate_host", "", example="block_pair")
    target: str = slot(
        "Source>destination:port, an address, or a host identity", "", example="10.20.0.31>203.0.113.66:6667"
    )
    scope: str = slot("Who else is affected, and how many people must approve", "")
    ttl_s: int = slot("Seconds until the step ends", 0, example=14400)
    connector: str = slot("Configured containment that carries it out, empty when none is", "")
    note: str = slot("Why nothing is proposed, why an address may not be blocked, or what to do by hand", "")


def run(given: AlertInput, outside: Outside) -> Result:
    """The proposal as rows; nothing is stored and nothing is changed."""
    found = judge_row(given, outside, find("propose_response"))
    if not found.run.cases:
        filtered = found.run.filtered[0]
        row = Output(entry="nothing", host=filtered.host, disposition=filtered.disposition, note=filtered.reason)
        return Result((row,), f"nothing to propose: {filtered.reason}", warnings=found.run.warnings)
    case = found.run.cases[0]
    rows = _rows(case)
    steps = sum(row.entry == "step" for row in rows)
    message = f"{case.verdict.disposition}: {steps} step(s) proposed for {case.host}"
    return Result(rows, message, warnings=found.run.warnings)


def _rows(case: Case) -> tuple[Output, ...]:
    common: dict[str, Any] = {
        "case_id": case.case_id,
        "host": case.host,
        "disposition": case.verdict.disposition,
        "severity": severity(case),
        "techniques": "\n".join(case_technique_lines(case)),
    }
    rows = []
    if case.plan is not None:
        sealed = common | {"plan_id": case.plan.plan_id, "digest": case.plan.digest}
        rows = [
            Output(entry="step", step=number, **sealed, **step.model_dump())
            for number, step in enumerate(case.plan.steps, start=1)
        ]
    rows += [Output(entry="not_blockable", target=n.address, note=n.reason, **common) for n in case.not_blockable]
    rows += [Output(entry="by_hand", note=text, **common) for text in case.by_hand]
    if not rows:
        why = "; ".join(case.verdict.reasons) or "the verdict proposes no containment"
        rows = [Output(entry="nothing", note=why, **common)]
    return tuple(rows)
