"""The destination is a sinkhole: somebody already took this botnet's address over."""

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import ListEntry
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence


class Params(Value):
    """No parameters."""


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 1(b): conclusive when our own resolver answered with our own sinkhole; a public list is only strong."""
    hits = [(e, by) for e, by in enriched.answers(ListEntry, "destination") if e.category == "sinkhole"]
    if not hits:
        return None
    entry, enrichment = max(hits, key=lambda hit: hit[0].ours)
    answered = enriched.traffic is not None and any(n.by == "dns" and n.backed for n in enriched.traffic.names or ())
    conclusive = entry.ours and answered
    name = f" for {enriched.backed_names[0]}" if conclusive else ""
    return Evidence(
        rule="sinkhole",
        role="indicator",
        leans="malicious",
        strength="conclusive" if conclusive else "strong",
        indicator=enriched.detection.dst_ip,
        reason=(
            f"our resolver answered with our sinkhole{name}"
            if conclusive
            else f"{enriched.detection.dst_ip} is a listed sinkhole ({entry.name})"
        ),
        facts=(
            Fact(
                name="sinkhole", value=entry.name, source=enrichment.enricher, written_by="us", as_of=enrichment.as_of
            ),
        ),
        would_change="a feed entry for the name behind it would make it TRUE_POSITIVE"
        if not conclusive
        else f"an exception for the indicator {enriched.detection.dst_ip}, entered by a person, would close it",
    )
