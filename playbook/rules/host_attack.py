"""The same host floods or scans, which is not its trade."""

from typing import NamedTuple

from pydantic import Field

from playbook.model import Value
from playbook.model.address import within
from playbook.model.enriched import EnrichedDetection
from playbook.model.measurement import Measurement
from playbook.model.verdict import Evidence

_MANY_CONNECTIONS = ("mail", "proxy", "nat", "vpn", "gateway", "load_balancer", "security_tool", "runner", "qa")


class Params(Value):
    """Thresholds per quarter of an hour; roles whose trade is many connections.

    What no web page can make a browser do: ``sure_flood`` connections to one address, or a scan of which the share
    ``refused_ports`` goes to ports that browsers do not open.
    """

    flood: int = Field(default=1000, ge=1)
    sure_flood: int = Field(default=5000, ge=1)
    scan_pairs: int = Field(default=200, ge=1)
    scan_unanswered: float = Field(default=0.9, gt=0, le=1)
    refused_ports: float = Field(default=0.5, gt=0, le=1)
    connection_roles: tuple[str, ...] = _MANY_CONNECTIONS


class _Attack(NamedTuple):
    """What the host did: in words, whether it was done to this destination, and whether it is surely the host's."""

    text: str
    here: bool
    surely: bool
    facts: tuple[Measurement, ...]


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 4, host (e). Silent for a shared source (whose traffic is many hosts') and within a role's trade.

    Of another destination than the attacked one it says something only when it comes again in three separate hours, or
    when no web page can make it; then it speaks of the host, and no step names this destination.
    """
    if enriched.source is not None and within(enriched.source, enriched.site.networks.shared_sources):
        return None
    if enriched.roles & set(params.connection_roles):
        return None
    found = [hit for hit in (_flood(enriched, params), _scan(enriched, params)) if hit]
    if not found:
        return None
    here, counts = any(hit.here for hit in found), any(hit.here or hit.surely for hit in found)
    passing = "" if counts else ", once: a web page can make a browser do so, and it says nothing of this destination"
    return Evidence(
        rule="host_attack",
        role="corroboration",
        group="host",
        leans="malicious",
        strength="strong" if counts else "hint",
        hunt=True,
        about="destination" if here else "host",
        reason="the same host " + " and ".join(hit.text for hit in found) + passing,
        facts=tuple(m.fact for hit in found for m in hit.facts),
        would_change="a role or a scheduled test that explains the burst would take this away"
        if counts
        else "the same in three separate hours would count against the host",
    )


def _taken(enriched: EnrichedDetection, *names: str) -> tuple[Measurement, ...]:
    return tuple(m for name in names if (m := enriched.measurement(name)))


def _flood(enriched: EnrichedDetection, params: Params) -> _Attack | None:
    most = enriched.known("flood")
    if most is None or most <= params.flood:
        return None
    here, again = enriched.known("flood_here") or 0, enriched.known("flood_third_hour") or 0
    return _Attack(
        f"floods one destination ({most:,.0f} connections in 15 minutes)",
        here > params.flood,
        most > params.sure_flood or again > params.flood,
        _taken(enriched, "flood"),
    )


def _scan(enriched: EnrichedDetection, params: Params) -> _Attack | None:
    pairs, share = enriched.known("scan_pairs"), enriched.known("scan_unanswered")
    if pairs is None or share is None or pairs < params.scan_pairs or share < params.scan_unanswered:
        return None
    again, refused = enriched.known("scan_third_hour") or 0, enriched.known("scan_refused_ports") or 0
    return _Attack(
        f"scans ({pairs:,.0f} destination and port pairs in 15 minutes, {share:.0%} unanswered)",
        False,
        again >= params.scan_pairs or refused >= params.refused_ports,
        _taken(enriched, "scan_pairs", "scan_unanswered"),
    )
