"""The same host floods or scans, which is not its trade."""

from pydantic import Field

from playbook.model import Value
from playbook.model.address import within
from playbook.model.enriched import EnrichedDetection
from playbook.model.measurement import Measurement
from playbook.model.verdict import Evidence

_MANY_CONNECTIONS = ("mail", "proxy", "nat", "vpn", "gateway", "load_balancer", "security_tool", "runner", "qa")


class Params(Value):
    """Thresholds per quarter of an hour; roles whose trade is many connections."""

    flood: int = Field(default=1000, ge=1)
    scan_pairs: int = Field(default=200, ge=1)
    scan_unanswered: float = Field(default=0.9, gt=0, le=1)
    connection_roles: tuple[str, ...] = _MANY_CONNECTIONS


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 4, host (e). Silent for a shared source (whose traffic is many hosts') and within a role's trade."""
    if enriched.source is not None and within(enriched.source, enriched.site.networks.shared_sources):
        return None
    if enriched.roles & set(params.connection_roles):
        return None
    found = [hit for hit in (_flood(enriched, params), _scan(enriched, params)) if hit]
    if not found:
        return None
    return Evidence(
        rule="host_attack",
        role="corroboration",
        group="host",
        leans="malicious",
        strength="strong",
        hunt=True,
        reason="the same host " + " and ".join(text for text, _ in found),
        facts=tuple(m.fact for _, measurements in found for m in measurements),
        would_change="a role or a scheduled test that explains the burst would take this away",
    )


def _taken(enriched: EnrichedDetection, *names: str) -> tuple[Measurement, ...]:
    return tuple(m for name in names if (m := enriched.measurement(name)))


def _flood(enriched: EnrichedDetection, params: Params) -> tuple[str, tuple[Measurement, ...]] | None:
    most = enriched.known("flood")
    if most is None or most <= params.flood:
        return None
    return f"floods one destination ({most:,.0f} connections in 15 minutes)", _taken(enriched, "flood")


def _scan(enriched: EnrichedDetection, params: Params) -> tuple[str, tuple[Measurement, ...]] | None:
    pairs, share = enriched.known("scan_pairs"), enriched.known("scan_unanswered")
    if pairs is None or share is None or pairs < params.scan_pairs or share < params.scan_unanswered:
        return None
    return (
        f"scans ({pairs:,.0f} destination and port pairs in 15 minutes, {share:.0%} unanswered)",
        _taken(enriched, "scan_pairs", "scan_unanswered"),
    )
