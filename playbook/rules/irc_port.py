"""The port is one that botnets use for IRC, though nothing shows that IRC was spoken."""

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence


class Params(Value):
    """``services`` that show IRC was spoken; then this rule leaves the word to irc_spoken."""

    services: tuple[str, ...] = ("irc", "irc-base")


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """A hint only: 1080 is also SOCKS and 4444 many things."""
    detection = enriched.detection
    if not detection.irc_port or set(detection.services) & set(params.services):
        return None
    return Evidence(
        rule="irc_port",
        role="context",
        leans="malicious",
        strength="hint",
        reason=f"port {detection.dst_port} is used by IRC bots, but no log shows the IRC protocol",
        facts=(Fact(name="port", value=str(detection.dst_port), source=detection.source, written_by="host"),),
        would_change="a protocol analyser's record of IRC on TCP would make it TRUE_POSITIVE",
    )
