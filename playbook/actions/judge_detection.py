"""Judge one detection: disposition, the rung that decided, the evidence, what is missing and what would change it."""

from collections.abc import Iterable

from playbook.actions import Outside, Result, find, slot
from playbook.actions._case_columns import Severity
from playbook.actions._judge import AlertInput, judge_row
from playbook.model.case import JudgedDetection
from playbook.model.verdict import Evidence, FilteredDetection
from playbook.report.wording import detection_severity, technique_lines

KIND, READ_ONLY = "investigate", True
Input = AlertInput


class Output(Severity):
    """One row; sentences stand one a line."""

    detection_id: str = slot("Identity of the detection")
    host: str = slot(
        "Host the case is about: its proven name, else the row's, else the address",
        contains=("host name",),
        example="cam-lobby-01",
    )
    src_ip: str = slot("Address of our host", contains=("ip",), example="10.20.0.31")
    dst_ip: str = slot("Address outside", contains=("ip",), example="203.0.113.66")
    dst_port: int = slot("Destination port", contains=("port",), example=6667)
    beaconing_score: int = slot("Score computed again from the columns, 0 to 3", example=3)
    disposition: str = slot("TRUE_POSITIVE, BENIGN_POSITIVE, FALSE_POSITIVE or UNDETERMINED", example="TRUE_POSITIVE")
    confidence: str = slot("low, medium or high", example="high")
    rung: int = slot("Rung of the ladder that decided, 1 to 6; 0 when a static filter did", example=1)
    filter: str = slot("Static filter that took the detection out: G1, G2, G3 or empty", "", example="G1")
    status: str = slot("What follows: proposed, ticket, watch or closed", example="proposed")
    reasons: str = slot("Why, one sentence a line")
    missing: str = slot("What could not be known, one a line", "")
    would_change: str = slot("What would turn the verdict, one a line", "")
    evidence: str = slot("What each rule said, one a line: rule (leans, strength): reason", "")


def run(given: AlertInput, outside: Outside) -> Result:
    """One row with the verdict."""
    found = judge_row(given, outside, find("judge_detection"))
    if found.run.cases:
        row = _row(found.run.cases[0].detections[0])
    else:
        row = _filtered(found.run.filtered[0], found.detection.src_ip, found.detection.beaconing_score)
    first = row.reasons.partition("\n")[0]
    return Result((row,), f"{row.disposition}: {first}", warnings=found.run.warnings)


def _row(one: JudgedDetection) -> Output:
    detection, verdict = one.enriched.detection, one.verdict
    return Output(
        detection_id=detection.detection_id,
        host=one.enriched.host,
        src_ip=detection.src_ip,
        dst_ip=detection.dst_ip,
        dst_port=detection.dst_port,
        beaconing_score=detection.beaconing_score,
        disposition=verdict.disposition,
        confidence=verdict.confidence,
        rung=verdict.rung,
        status=verdict.status,
        reasons="\n".join(verdict.reasons),
        missing="\n".join(verdict.missing),
        would_change="\n".join(verdict.would_change),
        evidence=_said(verdict.evidence),
        severity=detection_severity(verdict),
        techniques="\n".join(technique_lines(detection)),
    )


def _filtered(filtered: FilteredDetection, src_ip: str, score: int) -> Output:
    return Output(
        detection_id=filtered.detection_id,
        host=filtered.host,
        src_ip=src_ip,
        dst_ip=filtered.dst_ip,
        dst_port=filtered.dst_port,
        beaconing_score=score,
        disposition=filtered.disposition,
        confidence="high",
        rung=0,
        filter=filtered.filter,
        status="closed",
        reasons=filtered.reason,
        severity="none",
    )


def _said(evidence: Iterable[Evidence]) -> str:
    return "\n".join(f"{e.rule} ({e.leans}, {e.strength}): {e.reason}" for e in evidence)
