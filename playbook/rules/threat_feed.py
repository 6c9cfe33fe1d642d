"""A threat feed lists the destination or one of its names."""

from pydantic import Field

from playbook.model import Value
from playbook.model.address import why_not_global
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import Enrichment, FeedEntry, ListEntry, Operator, OwnedDestination
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence

_SHARED = frozenset({"cdn", "cloud", "resolver", "shared"})


class Params(Value):
    """``fresh_days``: an entry older than this is only strong, never conclusive."""

    fresh_days: int = Field(default=30, ge=1, le=3650)


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 1(a): conclusive for a fresh domain or URL our logs show, or a fresh address nobody else shares."""
    hits = enriched.answers(FeedEntry, "destination")
    if not hits:
        return None
    weakness, entry, enrichment = min(
        ((_weakness(entry, enriched, params), entry, enrichment) for entry, enrichment in hits),
        key=lambda hit: (*_weakest_last(hit[0], hit[1], enriched, params), hit[1].indicator),
    )
    beside = _beside(entry, enriched)
    strength = "hint" if entry.trust == "hint" else "strong" if weakness else "conclusive"
    tail = f", but {weakness}" if weakness else ""
    return Evidence(
        rule="threat_feed",
        role="indicator",
        leans="malicious",
        strength=strength,
        group="destination" if _is_corroboration(entry, enriched, params) else None,
        about="name" if beside else "destination",
        indicator=entry.indicator,
        reason=f"{entry.feed} lists {entry.indicator}{f' ({entry.malware})' if entry.malware else ''}{tail}"
        + (f"; other names lead to the same address ({', '.join(beside[:3])})" if beside else ""),
        facts=(_fact(entry, enrichment),),
        would_change=(
            f"an exception for the indicator {entry.indicator}, entered by a person, would close it"
            if not weakness
            else "a fresh entry for a name or an address that nobody shares would make it TRUE_POSITIVE"
        ),
    )


def _weakest_last(
    weakness: str | None, entry: FeedEntry, enriched: EnrichedDetection, params: Params
) -> tuple[bool, bool, bool, bool]:
    """Sort key: what convicts, then what corroborates, then hints; of each, what speaks of the address first."""
    corroborates = _is_corroboration(entry, enriched, params)
    return weakness is not None, not corroborates, entry.trust == "hint", bool(_beside(entry, enriched))


def _weakness(entry: FeedEntry, enriched: EnrichedDetection, params: Params) -> str | None:
    """Why the entry is not conclusive, or None when it is."""
    doubt = _doubt(entry, enriched, params)
    if entry.trust != "conclusive" and not entry.why_not_fresh(enriched.site.now.date(), params.fresh_days):
        only = f"this feed is trusted for {entry.trust} evidence only"
        return only if doubt is None else f"{only}, and {doubt}"
    return doubt


def _doubt(entry: FeedEntry, enriched: EnrichedDetection, params: Params) -> str | None:
    """What is wrong with the match itself, however much the feed is trusted."""
    aged = entry.why_not_fresh(enriched.site.now.date(), params.fresh_days)
    if aged:
        return aged
    unnamed = _not_named(entry, enriched) if entry.kind != "address" else _not_alone(entry, enriched)
    return unnamed or _unproven(enriched)


def _is_corroboration(entry: FeedEntry, enriched: EnrichedDetection, params: Params) -> bool:
    """Rung 4, destination (h): a feed trusted for strong evidence, and nothing else is wrong with the match."""
    return entry.trust == "strong" and _doubt(entry, enriched, params) is None


def _beside(entry: FeedEntry, enriched: EnrichedDetection) -> tuple[str, ...]:
    """Other names in use that lead to the address of a listed name: whoever owns that name may point it anywhere."""
    if entry.kind == "address":
        return ()
    listed = _host(entry.indicator) if entry.kind == "url" else entry.indicator.lower().rstrip(".")
    below = f".{listed}"
    return enriched.names_beside(name for name in enriched.names if name == listed or name.endswith(below))


def _unproven(enriched: EnrichedDetection) -> str | None:
    """Anybody can send a packet in this source's name; a conversation, a process or our resolver's answer proves it."""
    names = (enriched.traffic.names or ()) if enriched.traffic else ()
    by_resolver = any(name.by == "dns" and name.backed for name in names)
    by_process = any(owner.written_by == "us" for owner in enriched.owners)
    if by_resolver or by_process or enriched.opened_conversation:
        return None
    return "no TCP conversation that this source opened, no process and no answer of our resolver shows that it was it"


def _not_named(entry: FeedEntry, enriched: EnrichedDetection) -> str | None:
    """A listed domain that our logs show is enough; its subdomains, or the host of a URL, may be other people's."""
    indicator = entry.indicator.lower().rstrip(".")
    if entry.kind == "domain" and indicator in enriched.names:
        return None
    if entry.kind == "domain" and any(name.endswith(f".{indicator}") for name in enriched.names):
        part = "only a subdomain is seen"
    elif entry.kind == "url" and _host(indicator) in (*enriched.names, enriched.detection.dst_ip):
        part = "only the host of the URL is seen"
    else:
        return "our DNS, TLS and HTTP logs do not show the name"
    shared = _not_alone(entry, enriched)
    return f"{part}, and {shared}" if shared else None


def _not_alone(entry: FeedEntry, enriched: EnrichedDetection) -> str | None:
    if entry.port is not None and entry.port != enriched.detection.dst_port:
        return f"the feed names port {entry.port}, not {enriched.detection.dst_port}"
    ours = _ours(enriched)
    if ours:
        return ours
    shared = sorted(e.name for e, _ in enriched.answers(ListEntry, "destination") if e.category in _SHARED)
    shared += sorted(operator.name for operator, _ in enriched.answers(Operator, "destination"))
    if shared:
        return f"the address is shared ({', '.join(shared[:3])})"
    failed = (*enriched.failed("lists"), *enriched.failed("operator"))
    return f"whether others share the address is not known ({failed[0].unavailable})" if failed else None


def _ours(enriched: EnrichedDetection) -> str | None:
    """A feed that lists a private address, or one of ours, convicts every machine that works with it."""
    address, networks = enriched.destination, enriched.site.networks
    if address is None:
        return "the destination is not an address"
    private, name = why_not_global(address, networks.lab, networks.nat64), networks.naming(address)
    if private or name:
        return f"the address is {private}" if private else f"networks.{name} names the address"
    owned = enriched.answers(OwnedDestination, "destination")
    return f"the address is ours or declared ({owned[0][0].name})" if owned else None


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition(":")[0].lower()


def _fact(entry: FeedEntry, enrichment: Enrichment) -> Fact:
    return Fact(
        name="feed entry",
        value=f"{entry.indicator} ({entry.kind}), last seen {entry.last_seen}",
        source=f"{enrichment.enricher}: {entry.feed}",
        written_by="us",
        as_of=enrichment.as_of,
    )
