"""The destination is a vendor's own single-tenant service: nobody else can rent an address there."""

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import VendorService
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence


class Params(Value):
    """``purposes`` that explain machine-made traffic; a backup vendor's network needs a declared job instead."""

    purposes: tuple[str, ...] = ("connectivity", "push", "antivirus", "update", "telemetry", "time", "partner")


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 3, known service. Silent for multi-tenant services, other ports, and names no resolver of ours gave."""
    for service, by in enriched.answers(VendorService, "destination"):
        if not service.single_tenant or service.purpose not in params.purposes:
            continue
        if service.ports and enriched.detection.dst_port not in service.ports:
            continue
        if by.observable.kind == "domain" and by.observable.value not in enriched.backed_names:
            continue
        return Evidence(
            rule="known_service", role="explanation", leans="benign", strength="conclusive",
            reason=f"{service.vendor}'s own {service.purpose} service ({service.matched}), which nobody else can use",
            facts=(
                Fact(name="vendor service", value=f"{service.vendor}: {service.matched}", source=by.enricher,
                     written_by="us", as_of=by.as_of),
            ),
            would_change="a threat feed entry for the address would reopen it",
        )
    return None
