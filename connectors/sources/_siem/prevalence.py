"""How many of our hosts use the destinations of the detections, asked of a SIEM: one search for each 200 destinations.

The search counts; whose an IPv6 source is, is judged here. What is not whole is unknown and said, never a number.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from connectors.sources._siem.coverage import LATEST_S, Read
from playbook.detections.beaconing import moment
from playbook.errors import ConnectorError
from playbook.model import address
from playbook.model.address import Network
from playbook.model.detection import Detection
from playbook.model.traffic import TupleTraffic

DESTINATIONS_PER_QUERY = 200
EVERYWHERE = "*"
R = TypeVar("R")


class Users(NamedTuple):
    """Hosts that sent anything to a destination, or to ``*``: all IPv4 ones of ours, or one IPv6 source by name.

    ``reached`` of them were not left without an answer, ``held`` had a conversation, ``untold`` have a row that does
    not say.
    """

    place: str
    source6: str
    hosts: int
    reached: int
    held: int
    untold: int
    first: datetime


class Prevalence(NamedTuple):
    """Our active hosts (null: unknown), what is known by destination, and a sentence on each thing that is not."""

    active_hosts: int | None
    by_destination: Mapping[str, "Use"]
    unknown: tuple[str, ...]


class Use(NamedTuple):
    """As ``TupleTraffic`` has it: hosts that use a destination, provably so, and since when."""

    hosts_using: int = 0
    hosts_answered: int | None = 0
    first: datetime | None = None


# Rows as Users values, of these destinations; the text says why rows are missing ("": none are). Raises ConnectorError.
Ask = Callable[[tuple[str, ...]], tuple[Read[Users], str]]


def prevalence(detections: Sequence[Detection], home: Sequence[Network], ask: Ask) -> Prevalence:
    """Ask for the destinations of the detections; a search that fails leaves only its own destinations unknown."""
    wanted = tuple(dict.fromkeys(d.dst_ip for d in detections if address.parse(d.dst_ip) is not None))
    active: int | None = None
    known: dict[str, Use] = {}
    unknown: list[str] = []
    for start in range(0, len(wanted), DESTINATIONS_PER_QUERY):
        batch = wanted[start : start + DESTINATIONS_PER_QUERY]
        try:
            read, why = ask(batch)
        except ConnectorError as fault:
            read, why = Read[Users](), str(fault)
        if read.rejected and not why:
            why = f"{read.rejected} rows could not be read: {'; '.join(read.examples)}"
        if why:
            unknown.append(f"the number of hosts that use {len(batch)} destinations is unknown: {why}")
            continue
        used = uses(read.values, home)
        active = used.get(EVERYWHERE, Use()).hosts_using
        known |= {destination: used.get(destination, Use()) for destination in batch}
    return Prevalence(active, known, tuple(unknown))


def users_of(row: R, text: Callable[[R, str], str], whole: Callable[[R, str], int]) -> Users:
    """A row of the search by the functions that read its cells; ValueError names the column that cannot be read."""
    source, first_ms = text(row, "source6"), whole(row, "first_ms")
    if first_ms > LATEST_S * 1000:
        raise ValueError("first_ms: out of range")
    hosts, reached, held, untold = (whole(row, name) for name in ("hosts", "reached", "held", "untold"))
    place, inner = text(row, "place"), source if ":" in source else ""
    return Users(place, inner, hosts, reached, held, untold, moment(first_ms / 1000))


def uses(rows: Iterable[Users], home: Sequence[Network]) -> dict[str, Use]:
    """The rows of our own hosts, by place; for ``*`` every host is one that uses it, whatever it was answered."""
    by_place: dict[str, list[Users]] = defaultdict(list)
    for row in rows:
        source = address.parse(row.source6) if row.source6 else None
        if not row.source6 or (source is not None and address.within(source, home)):
            by_place[row.place].append(row)
    return {place: _use(own, everywhere=place == EVERYWHERE) for place, own in by_place.items()}


def _use(own: Sequence[Users], everywhere: bool) -> Use:
    """Where nobody was answered, all who tried are counted; what no row tells is null, unless another row told it."""
    hosts, reached, held, untold = (sum(counts) for counts in zip(*(row[2:6] for row in own), strict=True))
    return Use(
        hosts if everywhere else reached or hosts, held if held or not untold else None, min(row.first for row in own)
    )


def told(
    tuples: Sequence[TupleTraffic], detections: Sequence[Detection], known: Prevalence
) -> tuple[TupleTraffic, ...]:
    """The traffic of each detection with what is known of its destination; one that had none has only that."""
    of_tuple = {one.detection_id: one for one in tuples}
    made = []
    for detection in detections:
        own, use = of_tuple.get(detection.detection_id), known.by_destination.get(detection.dst_ip)
        if use is not None:
            own = (own or TupleTraffic(detection_id=detection.detection_id)).model_copy(
                update={
                    "hosts_using": use.hosts_using,
                    "hosts_answered": use.hosts_answered,
                    "destination_first_seen": use.first,
                }
            )
        made += [own] if own is not None else []
    return tuple(made)
