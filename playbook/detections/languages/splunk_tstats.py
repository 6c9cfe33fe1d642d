"""The Splunk searches over the accelerated data model, as a language of its own for ``query splunk-tstats``."""

from collections.abc import Mapping, Sequence

from playbook.detections.beaconing import Profile
from playbook.detections.languages import splunk
from playbook.model.address import Network

SOURCE_KIND, SOURCE_PRESET = "splunk", "tstats"


def query(
    hunt: str | None = None,
    purpose: splunk.Purpose = "paste",
    profile: Profile = "default",
    scope: str = "",
    fields: Mapping[str, str] | None = None,
    lab: Sequence[Network] = (),
) -> str:
    """The detection over Network_Traffic, or a hunt over it; KeyError for a hunt over DNS rows."""
    return splunk.query("tstats", hunt, purpose, profile, scope, fields, lab)


PROOF: Mapping[str, tuple[str, str, str]] = {"beaconing": ("yes: tstats", "as splunk", "as splunk, preset tstats")}
