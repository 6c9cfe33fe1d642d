"""A large part of our hosts is answered by this destination; a bot's command server is rarely that popular."""

from pydantic import Field

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import Evidence


class Params(Value):
    """``least_share`` of at least ``least_hosts`` active hosts."""

    least_share: float = Field(default=0.2, gt=0, le=1)
    least_hosts: int = Field(default=50, ge=2)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Strong benign evidence that keeps rung 4 from holding; alone it closes nothing."""
    share, active = enriched.known("prevalence"), enriched.known("active_hosts")
    if share is None or active is None or active < params.least_hosts or share < params.least_share:
        return None
    using = enriched.known("hosts_answered")
    facts = tuple(m.fact for n in ("hosts_answered", "active_hosts") if (m := enriched.measurement(n)))
    return Evidence(
        rule="prevalent_destination",
        role="context",
        leans="benign",
        strength="strong",
        reason=f"{using:g} of our {active:g} active hosts ({share:.0%}) hold conversations with this destination",
        facts=facts,
        would_change="a conclusive indicator would make it TRUE_POSITIVE all the same",
    )
