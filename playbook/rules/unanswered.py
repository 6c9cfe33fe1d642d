"""Most attempts get no answer, hour after hour: something keeps calling a place that is gone or closed."""

from pydantic import Field

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import Evidence


class Params(Value):
    """``least_share`` of the attempts unanswered, refused or denied, in at least ``least_hours`` hours."""

    least_share: float = Field(default=0.5, gt=0, le=1)
    least_hours: int = Field(default=3, ge=1)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 4, rhythm (b)."""
    share, hours = enriched.known("unanswered_share"), enriched.known("unanswered_hours")
    if share is None or hours is None or share < params.least_share or hours < params.least_hours:
        return None
    facts = tuple(m.fact for n in ("unanswered_share", "unanswered_hours") if (m := enriched.measurement(n)))
    return Evidence(
        rule="unanswered",
        role="corroboration",
        group="rhythm",
        leans="malicious",
        strength="strong",
        reason=f"{share:.0%} of the attempts were unanswered, refused or denied, in {hours:g} different hours",
        facts=facts,
        would_change="answers to most attempts would take this away",
    )
