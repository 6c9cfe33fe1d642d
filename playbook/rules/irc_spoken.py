"""IRC was really spoken over TCP, the classic command channel of a botnet."""

from typing import Literal, NamedTuple

from pydantic import Field

from playbook.model import Value
from playbook.model.enriched import EnrichedDetection
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence


class Params(Value):
    """``services``: names by which logs record the protocol (Zeek service, irc.log, PAN-OS App-ID).

    ``least_share``: part of the connections in which both sides sent data that must be IRC and nothing else.
    """

    services: tuple[str, ...] = ("irc", "irc-base")
    least_share: float = Field(default=0.5, gt=0, le=1)


class _Recognised(NamedTuple):
    strength: Literal["hint", "strong", "conclusive"]
    counted: str


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Rung 1(c): conclusive when most conversations were recognised as IRC; a port number is another rule's hint."""
    detection = enriched.detection
    spoken = sorted(set(detection.services) & set(params.services))
    if not spoken or "tcp" not in detection.transports or detection.blocked:
        return None
    recognised = _recognised(enriched, params)
    return Evidence(
        rule="irc_spoken",
        role="indicator",
        leans="malicious",
        strength=recognised.strength,
        indicator=detection.dst_ip,
        reason=f"IRC is spoken over TCP to {detection.dst_ip} port {detection.dst_port}"
        if recognised.strength == "conclusive"
        else f"a log names IRC to {detection.dst_ip} port {detection.dst_port}, but {recognised.counted}",
        facts=(
            Fact(
                name="protocol",
                value=f"{', '.join(detection.services)} over tcp, {detection.connections} connections; "
                f"{recognised.counted}",
                source=f"{detection.source}: protocol analyser",
                written_by="us",
                as_of=detection.last_seen,
            ),
        ),
        would_change=f"an exception for the indicator {detection.dst_ip}, entered by a person, would close it"
        if recognised.strength == "conclusive"
        else f"IRC alone in {params.least_share:.0%} of the conversations would make it TRUE_POSITIVE",
    )


def _recognised(enriched: EnrichedDetection, params: Params) -> _Recognised:
    """How much the record proves: a row that names IRC beside another protocol, or a few rows among many, is a guess.

    A source that does not count conversations names its services once: then all of them must be IRC.
    """
    traffic = enriched.traffic
    both, alone = (traffic.both_sided, traffic.irc_alone) if traffic is not None else (None, None)
    if both is not None and alone is not None:
        counted = f"{alone:,} of {both:,} conversations are recognised as IRC alone"
        if not both or not alone:
            return _Recognised("hint", counted)
        return _Recognised("conclusive" if alone >= params.least_share * both else "hint", counted)
    if set(enriched.detection.services) <= set(params.services):
        return _Recognised("conclusive", "no other protocol is recorded")
    return _Recognised("strong", "other protocols are recorded there too, and the source does not count either")
