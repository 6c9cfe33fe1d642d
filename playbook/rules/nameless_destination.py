"""No name leads to this address: nobody looked it up, and no certificate or web request names it."""

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import Evidence


class Params(Value):
    """No parameters: the logs must cover the time, which the measurement says."""


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 4, destination (c). Silent when the DNS log or both the TLS and HTTP logs do not cover the time."""
    measurement = enriched.measurement("nameless")
    if measurement is None or measurement.known is not True:
        return None
    claimed = f"; what is claimed ({measurement.detail}) is backed by no DNS answer" if measurement.detail else ""
    return Evidence(
        rule="nameless_destination",
        role="corroboration",
        group="destination",
        leans="malicious",
        strength="strong",
        reason=f"no name behind {enriched.detection.dst_ip} in the DNS, TLS and HTTP logs{claimed}",
        facts=(measurement.fact,),
        would_change="a logged DNS answer that holds the address would take this away",
    )
