"""The run as one JSON document, in the shape that scripts rely on (docs/run.schema.json)."""

from collections import Counter
from typing import Any

from playbook.detections.beaconing import row
from playbook.detections.rows import beside
from playbook.model.case import Case, JudgedDetection, Run
from playbook.report import wording

Document = dict[str, Any]


def _detection(judged: JudgedDetection) -> Document:
    found, verdict = judged.enriched.detection, judged.verdict
    return {
        "detection_id": found.detection_id,
        **row(found),
        "bytes_known": found.bytes_known,
        "denied": found.denied,
        "blocked": found.blocked,
        "rule": found.rule,
        **beside(found),
        "evidence": [evidence.model_dump(mode="json") for evidence in verdict.evidence],
        "verdict": {
            "disposition": verdict.disposition,
            "rung": verdict.rung,
            "trace": [rung.model_dump(mode="json") for rung in verdict.trace],
        },
    }


def case_document(case: Case) -> Document:
    """One case as plain JSON values, as in ``cases`` of the run."""
    plan = case.plan
    return {
        "case_id": case.case_id,
        "host": case.host,
        "addresses": list(case.addresses),
        "status": case.status,
        "verdict": case.verdict.model_dump(mode="json"),
        "detections": [_detection(judged) for judged in case.detections],
        "enrichments": [enrichment.model_dump(mode="json") for enrichment in case.enrichments],
        "plan": None if plan is None else plan.model_dump(mode="json", exclude={"people"}),
        "not_blockable": [refused.model_dump(mode="json") for refused in case.not_blockable],
        "ticket": None if case.ticket is None else case.ticket.model_dump(mode="json"),
        "severity": wording.severity(case),
        "rule": {"severity": wording.RULE_SEVERITY, "confidence": wording.RULE_CONFIDENCE},
        "techniques": [
            one.model_dump(mode="json") | {"url": wording.technique_link(one.technique)}
            for one in wording.case_techniques(case)
        ],
        "context": wording.CONTEXT,
    }


def _counts(run: Run) -> dict[str, int]:
    """Numbers of what the document holds and of what the source read; statuses and dispositions by name."""
    status = Counter(case.status for case in run.cases)
    disposition = Counter(case.verdict.disposition for case in run.cases)
    return {
        "rows_read": run.health.rows_read,
        "rows_rejected": run.health.rows_rejected,
        "cases": len(run.cases),
        "detections": sum(len(case.detections) for case in run.cases),
        "filtered": len(run.filtered),
        "tickets": len(run.tickets),
        **{name: status[name] for name in ("proposed", "ticket", "watch", "closed")},
        **{name: disposition[name] for name in ("TRUE_POSITIVE", "UNDETERMINED", "BENIGN_POSITIVE", "FALSE_POSITIVE")},
    }


def document(run: Run) -> Document:
    """The whole run as plain JSON values, in an order that depends on the run alone.

    Text from logs is kept as it was read: print it with ``json.dumps`` and its default ASCII escapes, which also
    make control characters harmless.
    """
    return {
        "run_id": run.run_id,
        "source": run.source,
        "window": run.window.model_dump(mode="json"),
        "complete": run.complete,
        "warnings": [*run.warnings, *(f"rejected: {example}" for example in run.health.rejected_examples)],
        "filtered": [
            {
                "host": g.host,
                "dst_ip": g.dst_ip,
                "dst_port": g.dst_port,
                "filter": g.filter,
                "disposition": g.disposition,
                "reason": g.reason,
            }
            for g in run.filtered
        ],
        "cases": [case_document(case) for case in run.cases],
        "counts": _counts(run),
        "rows_passed": dict(run.health.rows_passed),
    }
