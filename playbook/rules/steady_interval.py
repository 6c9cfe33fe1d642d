"""The connections come as regularly as a machine makes them."""

from pydantic import Field

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import Evidence


class Params(Value):
    """``least_score``: mean of the four regularity sub-scores, 0 to 1."""

    least_score: float = Field(default=0.5, ge=0, le=1)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 4, rhythm (a). Regular means automated, not malicious: the most regular traffic is antivirus push."""
    score = enriched.known("beacon_score")
    measurement = enriched.measurement("beacon_score")
    if score is None or measurement is None or score < params.least_score:
        return None
    return Evidence(
        rule="steady_interval",
        role="corroboration",
        group="rhythm",
        leans="malicious",
        strength="strong",
        reason=f"regular like a machine: beacon score {score:.2f} of 1 in its best day",
        facts=(measurement.fact,),
        would_change=f"a beacon score under {params.least_score:g} would take the rhythm away",
    )
