"""IRC was really spoken over TCP, the classic command channel of a botnet."""

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence


class Params(Value):
    """``services``: names by which logs record the protocol (Zeek service, irc.log, PAN-OS App-ID)."""

    services: tuple[str, ...] = ("irc", "irc-base")


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 1(c): conclusive when a protocol analyser saw IRC on TCP; a port number alone is another rule's hint."""
    detection = enriched.detection
    spoken = sorted(set(detection.services) & set(params.services))
    if not spoken or "tcp" not in detection.transports or detection.blocked:
        return None
    return Evidence(
        rule="irc_spoken",
        role="indicator",
        leans="malicious",
        strength="conclusive",
        indicator=detection.dst_ip,
        reason=f"IRC is spoken over TCP to {detection.dst_ip} port {detection.dst_port}",
        facts=(
            Fact(
                name="protocol",
                value=f"{', '.join(spoken)} over tcp, {detection.connections} connections",
                source=f"{detection.source}: protocol analyser",
                written_by="us",
                as_of=detection.last_seen,
            ),
        ),
        would_change=f"an exception for the indicator {detection.dst_ip}, entered by a person, would close it",
    )
