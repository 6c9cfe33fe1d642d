"""A person entered an exception for exactly this, with owner, reason, scope and an end date."""

from ipaddress import ip_network

from pydantic import Field

from playbook.model import Value
from playbook.model.address import parse
from playbook.model.enriched import EnrichedDetection
from playbook.model.measurement import Fact
from playbook.model.site import ExceptionEntry
from playbook.model.verdict import Evidence


class Params(Value):
    """``longest_days`` bounds the time from entering to end; a longer entry is not believed."""

    longest_days: int = Field(default=180, ge=1, le=366)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 2. Silent on an expired, over-long, unscoped or not yet entered exception."""
    today = enriched.site.now.date()
    for entry in enriched.site.exceptions:
        if not entry.entered <= today <= entry.ends or (entry.ends - entry.entered).days > params.longest_days:
            continue
        if not _covers(entry, enriched):
            continue
        scope = entry.indicator or f"{entry.source} to {entry.destination}{f':{entry.port}' if entry.port else ''}"
        return Evidence(
            rule="exception", role="exception", leans="benign", strength="conclusive", indicator=entry.indicator,
            reason=f"exception {entry.exception_id} of {entry.owner} until {entry.ends}: {entry.reason}",
            facts=(
                Fact(name="exception", value=f"{scope}, entered {entry.entered}, ends {entry.ends}",
                     source=f"exceptions: {entry.exception_id}", written_by="us"),
            ),
            would_change=f"the end of exception {entry.exception_id} on {entry.ends}",
        )
    return None


def _covers(entry: ExceptionEntry, enriched: EnrichedDetection) -> bool:
    detection = enriched.detection
    if entry.port is not None and entry.port != detection.dst_port:
        return False
    places = (detection.dst_ip, *enriched.backed_names)
    if entry.indicator:
        if not any(_same(entry.indicator, place) for place in places):
            return False
        return not entry.source or _is_source(entry.source, enriched)
    if not entry.source or not entry.destination:
        return False
    return _is_source(entry.source, enriched) and any(_same(entry.destination, place) for place in places)


def _is_source(scope: str, enriched: EnrichedDetection) -> bool:
    return any(_same(scope, place) for place in enriched.proven_names)


def _same(scope: str, place: str) -> bool:
    """Whether the scope (address, CIDR or exact name) is the place."""
    address = parse(place)
    if address is None:
        return scope.strip().lower().rstrip(".") == place.lower().rstrip(".")
    try:
        network = ip_network(scope.strip(), strict=False)
    except ValueError:
        return False
    return network.version == address.version and address in network
