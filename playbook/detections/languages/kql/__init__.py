"""The detection and the hunts in Kusto's language: Defender's DeviceNetworkEvents, Sentinel's CommonSecurityLog.

Nobody re-scores what is pasted into a portal, so these texts carry the score, in whole numbers: no rounding decides.
"""

from collections.abc import Mapping, Sequence

from playbook.detections.beaconing import Profile
from playbook.detections.hunts import HUNTS
from playbook.detections.languages.kql import hunts, paste
from playbook.detections.languages.kql.presets import PRESETS, WINDOW
from playbook.detections.layout import Part, laid_out
from playbook.model.address import Network

__all__ = ["PRESETS", "WINDOW", "query"]


def query(
    preset: str = "defender",
    hunt: str | None = None,
    profile: Profile = "default",
    lab: Sequence[Network] = (),
) -> str:
    """The text that ``query kql`` prints: the detection with its score, or one of the hunts.

    ``lab`` are documentation networks that count as outside. Raises KeyError for an unknown preset or hunt.
    """
    chosen = PRESETS[preset]
    parts: tuple[Part, ...]
    if hunt is not None:
        parts = (Part(f"{HUNTS[hunt].title}. {chosen.caveat}", hunts.stages(HUNTS[hunt], chosen)),)
    else:
        parts = paste.parts(chosen, profile, lab)
    return laid_out(parts, lambda line: f"// {line}")


# What is proven of the texts, for the table in manifests/queries: rendered, read by, equal by.
PROOF: Mapping[str, tuple[str, str, str]] = {
    "beaconing": ("yes: defender, sentinel", "vendor", "duckdb-kql, both tables, both profiles, and 20 wrong texts"),
    "ddos-burst": ("yes: defender, sentinel", "vendor", "duckdb-kql, both"),
    "dga-burst": ("yes: defender, sentinel", "vendor", "duckdb-kql, both"),
    "irc": ("yes: defender, sentinel", "vendor", "duckdb-kql, both"),
}
