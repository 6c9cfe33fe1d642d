"""What a run has to say about its own configuration: networks that do not fit the traffic, exceptions that ended."""

from collections import Counter
from collections.abc import Iterable, Sequence
from ipaddress import ip_network

from playbook.model.address import Address, within
from playbook.model.enriched import EnrichedDetection
from playbook.model.site import Site
from playbook.rules.source_not_ours import home_is_unknown

_MOST_NAMED = 50


def about_networks(identified: Sequence[EnrichedDetection], site: Site) -> tuple[str, ...]:
    """Sources that ``networks.home`` does not name: who is filtered, who is judged, and the line to set."""
    strange = {e.source for e in identified if e.source is not None and e.stranger}
    sources = {e.source for e in identified if e.source is not None}
    private = {s for s in sources - strange if not within(s, site.networks.home)}
    unknown = {s for s in strange if home_is_unknown(s, site.networks)}
    found = []
    if unknown:
        found.append(
            f"{_several(len(unknown), 'public source is', 'public sources are')} not named by networks.home and may be "
            f"anybody's, so nothing convicts them; if they are yours, set {home_line(unknown, site)}"
        )
    none = sources and len(strange | private) == len(sources) and not unknown
    if private and not none:
        found.append(
            f"{_several(len(private), 'private source lies', 'private sources lie')} outside networks.home and "
            f"{'is' if len(private) == 1 else 'are'} judged all the same"
        )
    if none:
        found.append(
            f"networks.home holds none of the {len(sources)} sources seen, so that public ones are filtered as "
            f"strangers and private ones judged unasked; set it to your own networks (most sources "
            f"lie in {', '.join(_most_common(sources))})"
        )
    elif strange - unknown:
        strangers = len(strange - unknown)
        found.append(f"{_several(strangers, 'public source lies', 'public sources lie')} outside networks.home")
    if site.networks.lab:
        found.append("networks.lab is set: documentation ranges count as Internet addresses")
    return tuple(found)


def home_line(sources: Iterable[Address], site: Site) -> str:
    """The line of the configuration that would name these sources as ours, beside what is home already."""
    ours = [str(network) for network in site.networks.home]
    named = sorted(sources, key=lambda s: (s.version, int(s)))
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    listed = ", ".join(f'"{one}"' for one in (*ours, *named[:_MOST_NAMED]))
    return f"[networks] home = [{listed}]{more}"


def _several(count: int, one: str, many: str) -> str:
    """The count with the right words behind it."""
    return f"{count} {one if count == 1 else many}"


def _most_common(sources: Iterable[Address]) -> list[str]:
    """The two networks (/16, or /48 of IPv6) that hold most of the sources."""
    held = Counter(str(ip_network((s, 16 if s.version == 4 else 48), strict=False)) for s in sorted(sources, key=str))
    return [network for network, _ in held.most_common(2)]


def about_exceptions(site: Site) -> tuple[str, ...]:
    """Each exception that has ended, in one sentence."""
    today = site.now.date()
    return tuple(
        f"exception {e.exception_id} of {e.owner} ended on {e.ends}: {e.reason}"
        for e in site.exceptions
        if e.ends < today
    )
