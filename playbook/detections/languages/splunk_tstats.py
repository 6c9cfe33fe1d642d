"""The Splunk searches over the accelerated data model, as a language of its own for ``query splunk-tstats``."""

from playbook.detections.languages import splunk


def query(hunt: str | None = None) -> str:
    """The detection over Network_Traffic, or a hunt over it; KeyError for a hunt over DNS rows."""
    return splunk.query("tstats", hunt)
