"""The destination is not a place on the Internet, so this is no command and control there."""

from playbook.model import Value
from playbook.model.address import why_not_global
from playbook.model.enriched import EnrichedDetection
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence

# Judged before any remote enricher is asked, from offline facts alone.
FILTER = True


class Params(Value):
    """No parameters: the special-purpose registries decide."""


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Filter G1. Silent when the destination is globally routable unicast or on a feed or sinkhole list."""
    if enriched.destination is None or enriched.on_threat_list:
        return None
    networks = enriched.site.networks
    why = why_not_global(enriched.destination, networks.lab, networks.nat64)
    if why is None:
        return None
    return Evidence(
        rule="not_global_destination",
        role="filter",
        filter="G1",
        leans="benign",
        strength="conclusive",
        disposition="FALSE_POSITIVE",
        reason=f"{enriched.detection.dst_ip} is not globally routable: {why}; the query should not have counted it",
        facts=(
            Fact(
                name="destination",
                value=f"{enriched.destination}: {why}",
                written_by="us",
                source="IANA special-purpose address registries",
            ),
        ),
    )
