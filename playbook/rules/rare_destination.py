"""Almost nobody here uses the destination, and nobody did until this week."""

from pydantic import Field

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import Evidence


class Params(Value):
    """At most max(``most_hosts``, ``most_share`` of the active hosts), new within ``new_days`` of ``least_history``."""

    most_hosts: int = Field(default=2, ge=1)
    most_share: float = Field(default=0.01, gt=0, le=1)
    least_hosts: int = Field(default=50, ge=2)
    new_days: float = Field(default=7, gt=0)
    least_history_days: float = Field(default=14, gt=0)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 4, destination (d). Silent without 14 days of history: new is only what the past shows to be new."""
    using, active = enriched.known("hosts_using"), enriched.known("active_hosts")
    age, history = enriched.known("destination_age"), enriched.known("history")
    if using is None or active is None or age is None or history is None:
        return None
    if active < params.least_hosts or history < params.least_history_days or age > params.new_days:
        return None
    if using > max(params.most_hosts, params.most_share * active):
        return None
    facts = tuple(
        m.fact for n in ("hosts_using", "active_hosts", "destination_age", "history") if (m := enriched.measurement(n))
    )
    return Evidence(
        rule="rare_destination",
        role="corroboration",
        group="destination",
        leans="malicious",
        strength="strong",
        reason=f"{using:g} of {active:g} hosts use it, first seen {age:g} days ago in {history:g} days of logs",
        facts=facts,
        would_change="more hosts that use it, or an earlier sighting, would take this away",
    )
