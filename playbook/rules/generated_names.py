"""The same host asks for names that do not exist, like a bot that looks for its command server of the day."""

from pydantic import Field

from playbook.model import Value
from playbook.model.address import within
from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import Evidence


class Params(Value):
    """Per quarter of an hour; ``roles`` whose trade is to ask on behalf of others.

    The thresholds were chosen after looking at public captures.
    """

    failed_domains: int = Field(default=30, ge=1)
    failed_share: float = Field(default=0.3, gt=0, le=1)
    roles: tuple[str, ...] = ("resolver", "domain_controller", "dhcp", "mail", "proxy", "security_tool")


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 4, host (e). Silent for a shared source, whose questions are many hosts', and within a role's trade.

    No benign explanation of connections (a test, approved peer-to-peer software) accounts for such questions. They are
    about no destination: they count when they come again in three separate hours, as a web page or a neighbour that
    forges a few dozen can cause them once, and then against the host.
    """
    if enriched.source is not None and within(enriched.source, enriched.site.networks.shared_sources):
        return None
    failed, share = enriched.known("failed_domains"), enriched.known("failed_names_share")
    if failed is None or share is None or failed < params.failed_domains or share < params.failed_share:
        return None
    if enriched.roles & set(params.roles):
        return None
    again = (enriched.known("failed_domains_third_hour") or 0) >= params.failed_domains
    facts = tuple(m.fact for n in ("failed_domains", "failed_names_share") if (m := enriched.measurement(n)))
    return Evidence(
        rule="generated_names",
        role="corroboration",
        group="host",
        leans="malicious",
        strength="strong" if again else "hint",
        about="host",
        facts=facts,
        reason=f"the same host asks for generated names ({failed:g} registered domains failed in 15 minutes, "
        f"{share:.0%} of its names)"
        + ("" if again else ", once: a web page can cause that, and it says nothing of this destination"),
        would_change="a role that asks on behalf of others would take this away"
        if again
        else "the same in three separate hours would count against the host",
    )
