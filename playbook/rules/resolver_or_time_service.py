"""This is a machine asking a resolver for names or a time server for the time."""

from playbook.model import Value
from playbook.model.address import within
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import ListEntry
from playbook.model.measurement import Fact
from playbook.model.verdict import Evidence

DNS_PORTS = frozenset({53, 853})
NTP_PORT = 123

# Judged before any remote enricher is asked, from offline facts alone.
FILTER = True


class Params(Value):
    """No parameters: what looks like NTP may carry anything, and a resolver's questions may too (blind-spots.md)."""


def judge(enriched: EnrichedDetection, params: Params) -> Evidence | None:
    """Filter G3. Silent on any other port, to a DNS server nobody declared, and to what only claims to be NTP."""
    if enriched.on_threat_list:
        return None
    why = _resolver(enriched) or _time(enriched)
    if why is None:
        return None
    return Evidence(
        rule="resolver_or_time_service",
        role="filter",
        filter="G3",
        leans="benign",
        strength="conclusive",
        disposition="BENIGN_POSITIVE",
        reason=why.value,
        facts=(why,),
    )


def _resolver(enriched: EnrichedDetection) -> Fact | None:
    port = enriched.detection.dst_port
    if port not in DNS_PORTS:
        return None
    resolvers = enriched.site.networks.resolvers
    sides = [("destination", enriched.destination)]
    if _asks_as_resolver(enriched):
        sides.insert(0, ("source", enriched.source))
    for side, address in sides:
        if address is not None and within(address, resolvers):
            return Fact(
                name="resolver",
                value=f"port {port}, and the {side} {address} is one of our resolvers",
                source="networks.resolvers",
                written_by="us",
            )
    for entry, enrichment in enriched.answers(ListEntry, "destination"):
        if entry.category == "resolver":
            return Fact(
                name="resolver",
                value=f"port {port} to {enriched.detection.dst_ip}, a public resolver ({entry.name})",
                source=enrichment.enricher,
                written_by="us",
                as_of=enrichment.as_of,
            )
    return None


def _asks_as_resolver(enriched: EnrichedDetection) -> bool:
    """Whether this is how a resolver asks: over UDP, or over TCP a server that answered in DNS and nothing else.

    DNS over TLS, and TCP of which no log tells the protocol, may be anybody's tunnel from a resolver that was taken.
    """
    detection = enriched.detection
    if detection.dst_port != 53:
        return False
    return detection.transports == ("udp",) or detection.services == ("dns",)


def _time(enriched: EnrichedDetection) -> Fact | None:
    detection = enriched.detection
    if detection.dst_port != NTP_PORT:
        return None
    declared = enriched.destination is not None and within(enriched.destination, enriched.site.networks.time_servers)
    if declared:
        return Fact(
            name="time server",
            value=f"{detection.dst_ip} is one of our time servers",
            source="networks.time_servers",
            written_by="us",
        )
    if detection.transports != ("udp",) or enriched.site.networks.time_servers:
        return None
    # One NTP connection among many would else vouch for all of them: the others may carry anything.
    if detection.services == ("ntp",) and detection.ntp_sized is not False:
        return Fact(
            name="time service",
            value="the log recorded the NTP protocol on UDP 123; a channel that looks like it is not seen, unless "
            "networks.time_servers names yours",
            source=f"{detection.source}: services",
            written_by="us",
        )
    if detection.ntp_sized:
        return Fact(
            name="time service",
            value="every packet on UDP 123 has the size of NTP (76 to 116 bytes of IP); a channel of that size is not "
            "seen, unless networks.time_servers names yours",
            source=f"{detection.source}: packet sizes",
            written_by="us",
        )
    return None
