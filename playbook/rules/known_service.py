"""The destination is a vendor's own single-tenant service: nobody else can rent an address there."""

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import Enrichment, VendorService
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence


class Params(Value):
    """``purposes`` that explain machine-made traffic; a backup vendor's network needs a declared job instead."""

    purposes: tuple[str, ...] = ("connectivity", "push", "antivirus", "update", "telemetry", "time", "partner")


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 3, known service. Silent for multi-tenant services, other ports, and names no resolver of ours gave."""
    usable = [
        (service, by)
        for service, by in enriched.answers(VendorService, "destination")
        if service.single_tenant
        and service.purpose in params.purposes
        and (not service.ports or enriched.detection.dst_port in service.ports)
        and (by.observable.kind == "address" or by.observable.value in enriched.backed_names)
    ]
    for service, by in usable:
        if not _proven(service, usable):
            continue
        return Evidence(
            rule="known_service",
            role="explanation",
            leans="benign",
            strength="conclusive",
            reason=f"{service.vendor}'s own {service.purpose} service ({service.matched}), which nobody else can use",
            facts=(
                Fact(
                    name="vendor service",
                    value=f"{service.vendor}: {service.matched}",
                    source=by.enricher,
                    written_by="us",
                    as_of=by.as_of,
                ),
            ),
            would_change="a threat feed entry for the address would reopen it",
        )
    return _unasked(enriched)


def _unasked(enriched: EnrichedDetection) -> Evidence | None:
    """The vendors' table could not be read: then nobody may say that this is no vendor's own service."""
    failed = enriched.failed("vendor")
    if not failed:
        return None
    return Evidence(
        rule="known_service",
        role="explanation",
        leans="benign",
        strength="hint",
        reason=f"it may be a vendor's own service: {failed[0].enricher} could not be read ({failed[0].unavailable})",
        missing=("the table of vendors' own services",),
        waiting_on=(failed[0].enricher,),
    )


def _proven(service: VendorService, usable: list[tuple[VendorService, Enrichment]]) -> bool:
    """Whether what the service needs has matched: its network, a backed name, or both."""
    same = {
        by.observable.kind for other, by in usable if (other.vendor, other.purpose) == (service.vendor, service.purpose)
    }
    needed = {"network": {"address"}, "name": {"domain"}, "network_and_name": {"address", "domain"}}
    return needed[service.needs] <= same
