"""What a run has to say about its own configuration: networks that do not fit the traffic, exceptions that ended."""

from collections import Counter
from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network

from playbook.model.address import Address, within
from playbook.model.enriched import EnrichedDetection
from playbook.model.site import Site
from playbook.rules.source_not_ours import home_is_unknown


def about_networks(identified: Sequence[EnrichedDetection], site: Site) -> tuple[str, ...]:
    """Sources outside ``networks.home``, and global sources of a family for which home names no prefix."""
    sources = {e.source for e in identified if e.source is not None}
    outside = {s for s in sources if not within(s, site.networks.home)}
    unknown = sorted(str(s) for s in outside if home_is_unknown(s, site.networks))
    found = []
    if unknown:
        found.append(
            f"{len(unknown)} public {'source is' if len(unknown) == 1 else 'sources are'} judged as if ours, as "
            f"networks.home names no public prefix; set it, or strangers are blamed: {', '.join(unknown[:3])}"
        )
    if sources and len(outside - set(map(ip_address, unknown))) == len(sources):
        found.append(
            f"networks.home holds none of the {len(sources)} sources seen, so every detection is filtered as a "
            f"stranger's: set it to your own networks (most sources lie in {', '.join(_most_common(sources))})"
        )
    elif len(outside) > len(unknown):
        strangers = len(outside) - len(unknown)
        found.append(f"{strangers} {'source lies' if strangers == 1 else 'sources lie'} outside networks.home")
    if site.networks.lab:
        found.append("networks.lab is set: documentation ranges count as Internet addresses")
    return tuple(found)


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
