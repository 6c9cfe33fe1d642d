"""The protocol itself says that no name is behind this address: its requests or handshakes carry none."""

from pydantic import Field

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import Evidence

_KINDS = (("requests", "HTTP requests name no host"), ("handshakes", "TLS handshakes carry no server name"))


class Params(Value):
    """``least_share`` of at least ``least_count`` HTTP requests or TLS handshakes of the tuple."""

    least_share: float = Field(default=0.9, gt=0, le=1)
    least_count: int = Field(default=20, ge=1)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 4, destination (c), without any DNS log. Silent where a DNS answer to this source holds the address."""
    for kind, what in _KINDS:
        share, count = enriched.known(f"unnamed_{kind}"), enriched.known(kind)
        if share is None or count is None or count < params.least_count or share < params.least_share:
            continue
        facts = tuple(m.fact for name in (f"unnamed_{kind}", kind) if (m := enriched.measurement(name)))
        return Evidence(
            rule="unnamed_protocol",
            role="corroboration",
            group="destination",
            leans="malicious",
            strength="strong",
            reason=f"{share:.0%} of {count:g} {what}",
            facts=facts,
            would_change="a logged DNS answer that holds the address, or requests that name their host, would take "
            "this away",
        )
    return None
