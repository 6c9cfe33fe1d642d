"""What a run has to say about its own configuration: networks that do not fit the traffic, exceptions that ended."""

from collections.abc import Sequence

from playbook.model.address import within
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
    if len(outside) > len(unknown):
        strangers = len(outside) - len(unknown)
        found.append(f"{strangers} {'source lies' if strangers == 1 else 'sources lie'} outside networks.home")
    if site.networks.lab:
        found.append("networks.lab is set: documentation ranges count as Internet addresses")
    return tuple(found)


def about_exceptions(site: Site) -> tuple[str, ...]:
    """Each exception that has ended, in one sentence."""
    today = site.now.date()
    return tuple(
        f"exception {e.exception_id} of {e.owner} ended on {e.ends}: {e.reason}"
        for e in site.exceptions if e.ends < today
    )
