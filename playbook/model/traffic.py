"""Raw traffic of a detection as its source recorded it; only playbook/triage/measure.py turns it into numbers."""

from collections.abc import Sequence
from typing import Literal

from pydantic import AwareDatetime, Field

from playbook.model import Value

LogKind = Literal["conn", "dns", "tls", "http", "irc"]


class NamedBy(Value):
    """A name that this source connected to the destination address, and the record that says so.

    ``by`` is ``dns`` (a logged DNS answer held the address), ``sni`` or ``http_host``; ``backed`` is whether a
    logged DNS answer for this name to this very source held the destination and came from a server in
    ``networks.resolvers``. An unbacked SNI is only what the host claims, and a bot can ask a name server of its own
    for any name it likes: such an answer is ``by`` dns and not backed.
    """

    name: str
    by: Literal["dns", "sni", "http_host"]
    backed: bool = False


# Share of the starts whose size must be known; the same as of the hours that a log must cover.
_KNOWN_SHARE = 0.8


def sized(starts: Sequence[tuple[int, int | None]]) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Start times and sizes from (epoch second, bytes or null when the log has no counter).

    A few starts without a counter are left out: a packet that nobody answers must not hide the sizes of all others.
    Where more than a fifth has none, the times are all there and the sizes null.
    """
    known = [(second, size) for second, size in starts if size is not None]
    if not known or len(known) < _KNOWN_SHARE * len(starts):
        return tuple(second for second, _ in starts), None
    return tuple(second for second, _ in known), tuple(size for _, size in known)


class HourOfTraffic(Value):
    """Connections and bytes of one tuple in one UTC hour; bytes null when a connection had no counter."""

    hour: AwareDatetime
    connections: int = Field(ge=0)
    bytes_sent: int | None = None
    bytes_rcvd: int | None = None


class Unnamed(Value):
    """Of the HTTP requests (with a method) and TLS handshakes of one tuple, how many name no host.

    A bare address is no name, nor is an absent Host header or SNI.
    """

    requests: int = Field(default=0, ge=0)
    requests_unnamed: int = Field(default=0, ge=0)
    handshakes: int = Field(default=0, ge=0)
    handshakes_unnamed: int = Field(default=0, ge=0)


class LookUps(Value):
    """Whether the DNS look-ups of one source are in the log, so that the absence of a name means something.

    ``visible``: the log holds at least half as many of its look-ups as it made connections to port 53, and one;
    ``hidden_hours`` (hours since 1970, UTC) are those in which it asked otherwise, over TLS or HTTPS and for a day
    after that, or in which look-ups are missing; ``web_visible``: its TLS server names or HTTP hosts are in the log to
    the same share. ``detail`` says in one sentence what is not visible and why.
    """

    visible: bool = False
    hidden_hours: tuple[int, ...] = ()
    web_visible: bool = False
    detail: str = ""


class TupleTraffic(Value):
    """What a source knows of the connections of one detection; every null is "unknown", never zero.

    ``start_times``: the newest (at most 5,000) distinct start times in whole epoch seconds, ascending;
    ``sizes``: the originator's IP bytes of the connection at each of those times (aligned; see ``sized``);
    ``starts_complete`` false when older starts were left out. ``attempts`` counts all attempts, ``unanswered`` those
    without an answer, refused or denied, ``unanswered_hours`` the distinct hours they fell in. ``hosts_using`` counts
    our hosts that contacted the destination address in the window, ``hosts_answered`` those that held a TCP exchange
    with it, and ``hosts_returning`` of these the machines that are alive otherwise and came back (null: not told).

    ``names_cut`` counts names beyond those in ``names``; ``unnamed`` is null when no TLS or HTTP log tells names.
    ``established`` counts TCP conversations that the source opened and in which both sides sent more than a
    handshake; ``both_sided`` the connections in which both sides sent data, and ``irc_alone`` those of them that the
    log recognised as IRC and as nothing else.
    """

    detection_id: str
    start_times: tuple[int, ...] | None = None
    sizes: tuple[int, ...] | None = None
    starts_complete: bool = True
    longest_s: float | None = None
    attempts: int | None = None
    unanswered: int | None = None
    unanswered_hours: int | None = None
    names: tuple[NamedBy, ...] | None = None
    names_cut: int = 0
    unnamed: Unnamed | None = None
    established: int | None = None
    both_sided: int | None = None
    irc_alone: int | None = None
    hosts_using: int | None = None
    hosts_answered: int | None = None
    hosts_returning: int | None = None
    destination_first_seen: AwareDatetime | None = None
    hourly: tuple[HourOfTraffic, ...] = ()
    other_hosts: tuple[str, ...] = ()


class Burst(Value):
    """The connections of one host to one destination and port in one quarter of an hour (UTC, aligned)."""

    start: AwareDatetime
    dst_ip: str
    dst_port: int
    connections: int = Field(ge=0)


class Spread(Value):
    """The distinct destination and port pairs of one host in one quarter of an hour, and the unanswered share.

    ``refused_ports_share``: of the unanswered pairs, the share to ports that no browser opens; null: not told.
    """

    start: AwareDatetime
    pairs: int = Field(ge=0)
    unanswered_share: float = Field(ge=0, le=1)
    refused_ports_share: float | None = Field(default=None, ge=0, le=1)


class NameBurst(Value):
    """The DNS questions of one host in one quarter of an hour: distinct registered domains, and those that failed."""

    start: AwareDatetime
    names: int = Field(ge=0)
    failed_names: int = Field(ge=0)
    domains: int = Field(ge=0)
    failed_domains: int = Field(ge=0)


class HostTraffic(Value):
    """The busiest quarters of an hour of one source address; empty tuples mean none was busy, null means unknown.

    A few entries each: ``bursts`` the busiest first, ``spreads`` the widest first, those that look like a scan before
    the others, and those with the most pairs left unanswered. ``distinct_outside`` counts distinct global addresses.
    ``look_ups`` null: the source has no DNS log.
    """

    src_ip: str
    bursts: tuple[Burst, ...] | None = None
    spreads: tuple[Spread, ...] | None = None
    name_bursts: tuple[NameBurst, ...] | None = None
    distinct_outside: int | None = None
    look_ups: LookUps | None = None


class LogCoverage(Value):
    """The UTC hours in which a kind of log has at least one row, from any host."""

    kind: LogKind
    hours: tuple[AwareDatetime, ...]


class Traffic(Value):
    """Answer of ``DetectionSource.traffic``; ``unknown`` says in one sentence each what could not be told."""

    tuples: tuple[TupleTraffic, ...] = ()
    hosts: tuple[HostTraffic, ...] = ()
    coverage: tuple[LogCoverage, ...] = ()
    active_hosts: int | None = None
    history_days: float | None = None
    unknown: tuple[str, ...] = ()
