"""A detection with everything known about it: the one thing a rule may look at."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cached_property
from math import ceil
from typing import Any, TypeVar

from playbook.model import Value
from playbook.model.address import Address, parse, unwrap, why_not_global, within
from playbook.model.detection import Detection, TimeWindow
from playbook.model.enrichment import Enrichment, FeedEntry, HostRecord, ListEntry, SocketOwner
from playbook.model.measurement import Measurement
from playbook.model.observable import Observable, Role
from playbook.model.site import Site
from playbook.model.traffic import HostTraffic, TupleTraffic

A = TypeVar("A", bound=Value)

# An export is a snapshot: its record may be a little older or younger than the connections it speaks of.
_NEARBY = timedelta(days=1)
# Bytes of a connection, both sides: a handshake, its repetitions and its end take less.
_MORE_THAN_A_HANDSHAKE = 200


class EnrichedDetection(Value):
    """A detection with everything known about it; the one thing a rule may look at."""

    detection: Detection
    host: str
    site: Site
    observables: tuple[Observable, ...] = ()
    enrichments: tuple[Enrichment, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    traffic: TupleTraffic | None = None
    host_traffic: HostTraffic | None = None

    def replaced(self, **change: Any) -> "EnrichedDetection":
        """A copy with these fields changed and nothing remembered (``model_copy`` would keep the cached answers)."""
        changed = self.model_copy(update=change)
        for name in _REMEMBERED:
            changed.__dict__.pop(name, None)
        return changed

    @cached_property
    def destination(self) -> Address | None:
        """The destination address, unwrapped from a transition form; None when the text is no address."""
        address = parse(self.detection.dst_ip)
        return None if address is None else unwrap(address, self.site.networks.nat64)

    @cached_property
    def source(self) -> Address | None:
        """The source address, unwrapped; None when the text is no address."""
        address = parse(self.detection.src_ip)
        return None if address is None else unwrap(address, self.site.networks.nat64)

    @cached_property
    def stranger(self) -> bool:
        """Whether the source is a global address that ``networks.home`` does not name: it may be anybody's machine."""
        source, networks = self.source, self.site.networks
        if source is None or within(source, networks.home):
            return False
        return why_not_global(source, networks.lab, networks.nat64) is None

    def answers(self, kind: type[A], role: Role | None = None) -> tuple[tuple[A, Enrichment], ...]:
        """Every answer of one type with the enrichment it came in, optionally about one side of the connection."""
        return tuple(
            (answer, enrichment)
            for enrichment in self.enrichments
            if role is None or enrichment.observable.role == role
            for answer in enrichment.answers
            if isinstance(answer, kind)
        )

    def configured(self, topic: str) -> bool:
        """Whether any enricher was asked about this topic, answered or not."""
        return any(e.topic == topic for e in self.enrichments)

    def failed(self, topic: str) -> tuple[Enrichment, ...]:
        """The enrichments of this topic that are unavailable."""
        return tuple(e for e in self.enrichments if e.topic == topic and e.unavailable is not None)

    def measurement(self, name: str) -> Measurement | None:
        """The measurement of this name, known or not."""
        return next((m for m in self.measurements if m.name == name), None)

    def known(self, name: str) -> float | bool | None:
        """The value of a measurement that covers enough of the detection's time, else None."""
        found = self.measurement(name)
        return None if found is None else found.known

    @property
    def names(self) -> tuple[str, ...]:
        """Names that our logs connect to the destination for this source; empty when there are none or unknown."""
        known = self.traffic.names if self.traffic is not None and self.traffic.names is not None else ()
        return tuple(dict.fromkeys(n.name.lower().rstrip(".") for n in known))

    @property
    def on_threat_list(self) -> bool:
        """Whether the destination or its name is on a feed or sinkhole list; then no static filter may hold."""
        entries = self.answers(ListEntry, "destination")
        return bool(self.answers(FeedEntry, "destination")) or any(e.category == "sinkhole" for e, _ in entries)

    @cached_property
    def backed_names(self) -> tuple[str, ...]:
        """Names for which a resolver of ours (or a public one) gave the destination; all others are only claims."""
        known = self.traffic.names if self.traffic is not None and self.traffic.names is not None else ()
        return tuple(dict.fromkeys(n.name.lower().rstrip(".") for n in known if n.backed))

    def names_beside(self, places: Iterable[str]) -> tuple[str, ...]:
        """Other names that this source connected to the same address; what it carried there cannot be told apart."""
        own = set(places)
        return tuple(name for name in self.names if name not in own)

    @property
    def opened_conversation(self) -> bool | None:
        """Whether this source opened a TCP conversation there in which both sides spoke; None when no log tells.

        A packet with a forged sender is answered to the machine that holds the address: an answer alone proves nothing.
        Where connections are not told apart, totals of both sides that are more than handshakes stand for one, if all
        that is counted was TCP.
        """
        if self.traffic is not None and self.traffic.established is not None:
            return self.traffic.established > 0
        detection = self.detection
        if "tcp" not in detection.transports:
            return False if detection.transports else None
        if len(detection.transports) > 1:
            return None
        sent, received, average = detection.total_bytes_sent, detection.total_bytes_rcvd, detection.avg_bytes_per_conn
        if sent is None or received is None or average is None:
            return None
        return sent > 0 and received > 0 and average >= _MORE_THAN_A_HANDSHAKE

    @cached_property
    def holder(self) -> HostRecord | None:
        """The one host that an inventory says held the source address for the whole active period, else None.

        A record that does not say when it held the address proves nothing, nor does one found only by a host name,
        which the machine itself claimed (DHCP, NTLM, a SIEM row). Two inventories that name the same host are one;
        one inventory with two identities under the same name has two machines, and then no identity is given.
        """
        first, last = self.detection.first_seen, self.detection.last_seen
        by_inventory = tuple(
            (enrichment.enricher, record)
            for enrichment in self.enrichments
            if enrichment.observable.kind == "address" and enrichment.observable.role == "source"
            for record in enrichment.answers
            if isinstance(record, HostRecord) and any(p.start <= first and last < p.end for p in record.address_periods)
        )
        held = tuple(dict.fromkeys(record for _, record in by_inventory))
        if len({record.hostname.lower().rstrip(".") for record in held}) != 1:
            return None
        ids = {(enricher, record.host_id.lower()) for enricher, record in by_inventory if record.host_id}
        clear = len(ids) == len({enricher for enricher, _ in ids})
        return (
            held[0]
            if len(held) == 1
            else held[0].model_copy(
                update={
                    "host_id": next((r.host_id for r in held if r.host_id), "") if clear else "",
                    "roles": tuple(dict.fromkeys(role for r in held for role in r.roles)),
                    "owner": next((r.owner for r in held if r.owner), ""),
                }
            )
        )

    @cached_property
    def proven_names(self) -> frozenset[str]:
        """Lower-case names that identify the source without its own word: inventory by address, and the address."""
        holder = self.holder
        names = {self.detection.src_ip.lower()}
        if holder is not None:
            names |= {holder.hostname.lower(), holder.hostname.lower().partition(".")[0], holder.host_id.lower()}
        return frozenset(names - {""})

    @property
    def roles(self) -> frozenset[str]:
        """The roles of the proven holder of the source address, as ``domain_controller`` however an inventory spells
        it; empty when nobody is proven.
        """
        holder = self.holder
        return frozenset() if holder is None else frozenset(_plain_role(role) for role in holder.roles)

    def share_within(self, windows: Iterable[TimeWindow]) -> float | None:
        """Share of the connections that lie in any of the windows; None when that is not known.

        When older starts were left out, the hours of all connections have their say too: the smaller share counts.
        """
        traffic = self.traffic
        if traffic is None or not traffic.start_times or not (traffic.starts_complete or traffic.hourly):
            return None
        spans = [(w.start.timestamp(), w.end.timestamp()) for w in windows]
        shares = [sum(any(a <= t < b for a, b in spans) for t in traffic.start_times) / len(traffic.start_times)]
        if not traffic.starts_complete:
            hours = [(h.hour.timestamp(), h.connections) for h in traffic.hourly]
            inside = sum(n for t, n in hours if any(a < t + 3600 and t < b for a, b in spans))
            shares.append(inside / max(1, sum(n for _, n in hours)))
        return round(min(shares), 4)

    @property
    def days(self) -> int:
        """Days the detection was active, at least one, the last one counted whole."""
        span = self.detection.span
        return 1 if span is None else max(1, ceil(span.seconds / 86400))

    @cached_property
    def owners(self) -> tuple[SocketOwner, ...]:
        """The processes that an inventory says own sockets to this destination (never a process without sockets).

        A dated record from another day than the detection's speaks of other sockets. What a source tells that others
        can write is theirs, whatever its rows say.
        """
        port = self.detection.dst_port
        earliest, latest = self.detection.first_seen - _NEARBY, self.detection.last_seen + _NEARBY
        return tuple(
            owner if by.written_by == "us" else owner.model_copy(update={"written_by": by.written_by})
            for owner, by in self.answers(SocketOwner, "source")
            if by.observable.value in self.proven_names
            and owner.dst_ip == self.detection.dst_ip
            and owner.dst_port in (None, port)
            and (owner.seen is None or earliest <= owner.seen <= latest)
        )


_REMEMBERED = tuple(name for name, what in vars(EnrichedDetection).items() if isinstance(what, cached_property))


def _plain_role(role: str) -> str:
    return "_".join(role.lower().replace("-", " ").replace("_", " ").split())
