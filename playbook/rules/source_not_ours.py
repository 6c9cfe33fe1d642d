"""The source is not one of our machines, so no machine of ours beacons here."""

from playbook.model import Value
from playbook.model.address import Address, why_not_global, within
from playbook.model.enriched import EnrichedDetection
from playbook.model.measurement import Fact
from playbook.model.site import Networks
from playbook.model.verdict import Evidence

# Judged before any remote enricher is asked, from offline facts alone.
FILTER = True


class Params(Value):
    """No parameters: ``networks.home`` decides."""


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Filter G2. Silent when the source is home, private, unknown (``home_is_unknown``), or the destination listed.

    What this leaves through of a global source that is not home is never convicted (``EnrichedDetection.stranger``).
    """
    source, destination, networks = enriched.source, enriched.destination, enriched.site.networks
    if source is None or enriched.on_threat_list or not enriched.stranger:
        return None
    inbound = destination is not None and within(destination, networks.home)
    if not inbound and home_is_unknown(source, networks):
        return None
    what = "inbound: a stranger contacted us" if inbound else "not a machine of ours"
    return Evidence(
        rule="source_not_ours",
        role="filter",
        filter="G2",
        leans="benign",
        strength="conclusive",
        disposition="FALSE_POSITIVE",
        reason=f"the source {enriched.detection.src_ip} is outside networks.home ({what})",
        facts=(Fact(name="source", value=f"{source}, {what}", source="networks.home", written_by="us"),),
    )


def home_is_unknown(source: Address, networks: Networks) -> bool:
    """A global source of a family for which ``home`` names no global prefix may well be ours: nobody told us."""
    if why_not_global(source, networks.lab, networks.nat64) is not None:
        return False
    return not any(
        network.version == source.version
        and why_not_global(network.network_address, networks.lab, networks.nat64) is None
        for network in networks.home
    )
