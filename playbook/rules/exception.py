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
    covering = sorted(
        (entry for entry in enriched.site.exceptions if _live(entry, enriched, params) and _covers(entry, enriched)),
        key=lambda entry: not entry.indicator,
    )
    if not covering:
        return None
    first = covering[0]
    return Evidence(
        rule="exception",
        role="exception",
        leans="benign",
        strength="conclusive",
        indicator=_plain(first.indicator),
        overrides=tuple(_plain(entry.indicator) for entry in covering if entry.indicator),
        reason=f"exception {first.exception_id} of {first.owner} until {first.ends}: {first.reason}",
        facts=tuple(
            Fact(
                name="exception",
                value=f"{_scope(entry)}, entered {entry.entered}, ends {entry.ends}",
                source=f"exceptions: {entry.exception_id}",
                written_by="us",
            )
            for entry in covering
        ),
        would_change=f"it is judged again when the exception ends on {first.ends}",
    )


def _live(entry: ExceptionEntry, enriched: EnrichedDetection, params: Params) -> bool:
    today = enriched.site.now.date()
    return entry.entered <= today <= entry.ends and (entry.ends - entry.entered).days <= params.longest_days


def _scope(entry: ExceptionEntry) -> str:
    port = "" if entry.port is None else f":{entry.port}"
    return entry.indicator or f"{entry.source} to {entry.destination}{port}"


def _covers(entry: ExceptionEntry, enriched: EnrichedDetection) -> bool:
    detection = enriched.detection
    if entry.port is not None and entry.port != detection.dst_port:
        return False
    places = (detection.dst_ip, *enriched.backed_names)
    if entry.indicator:
        if _plain(entry.indicator) not in {_plain(place) for place in places}:
            return False
        return not entry.source or _is_source(entry.source, enriched)
    if not entry.source or not entry.destination:
        return False
    return _is_source(entry.source, enriched) and any(_same(entry.destination, place) for place in places)


def _is_source(scope: str, enriched: EnrichedDetection) -> bool:
    return any(_same(scope, place) for place in enriched.proven_names)


def _plain(text: str) -> str:
    """An address in its usual form, else the name in lower case without its final dot; a network stays no place."""
    address = parse(text)
    return text.strip().lower().rstrip(".") if address is None else str(address)


def _same(scope: str, place: str) -> bool:
    """Whether the scope (address, CIDR or exact name) is the place."""
    address = parse(place)
    if address is None:
        return _plain(scope) == _plain(place)
    try:
        network = ip_network(scope.strip(), strict=False)
    except ValueError:
        return False
    return network.version == address.version and address in network
