"""The same host tries places that do not answer, though fewer than a scan would."""

from pydantic import Field

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import Evidence


class Params(Value):
    """``failures``: unanswered pairs of destination and port in a quarter of an hour; from ``scan`` on it is a scan."""

    failures: int = Field(default=20, ge=1)
    scan: int = Field(default=200, ge=2)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """A hint: dead peers and moved services look the same. A real scan is host_attack's to tell."""
    failures = enriched.known("scan_failures")
    measurement = enriched.measurement("scan_failures")
    if failures is None or measurement is None or not params.failures <= failures < params.scan:
        return None
    return Evidence(
        rule="slow_scan",
        role="context",
        leans="malicious",
        strength="hint",
        reason=f"the same host tried {failures:g} places in 15 minutes that did not answer, like a slow scan",
        facts=(measurement.fact,),
        would_change=f"{params.scan} places in 15 minutes would make it a scan",
    )
