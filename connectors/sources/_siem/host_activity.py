"""What the hosts of the detections did besides, asked of a SIEM: floods, scans, and attempts that nobody answered.

One search for each 200 tuples, fewer where the window is long: each may give a row for every quarter of an hour of it.
A quarter with fewer connections or pairs than ``languages._external_addresses`` names is not asked for: no rule looks
at those. A number that the log does not tell for every connection is unknown.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from connectors.sources._siem.coverage import LATEST_S, Read
from playbook.detections.beaconing import moment
from playbook.detections.hunts import QUARTER_S
from playbook.detections.languages._external_addresses import LEAST_FLOOD, LEAST_PAIRS, NOT_FLOODED, UNANSWERED_SHARE
from playbook.errors import ConnectorError
from playbook.model import address
from playbook.model.detection import Detection
from playbook.model.site import Networks
from playbook.model.traffic import Burst, HostTraffic, Spread, TupleTraffic

# Twelve quarters are three hours at least: whether something comes again in a third hour is never cut off.
MOST = 12
MOST_KEYS = 200
MOST_ROWS = 45_000
EVERYWHERE = "*"
_QUARTERS_AN_HOUR = 3600 // QUARTER_S
R = TypeVar("R", bound=Mapping[str, Any])


class Quarter(NamedTuple):
    """What a source did in one quarter of an hour: at one place (address and port), or everywhere (``*``).

    ``pairs`` are distinct outside addresses and ports, ``refused_pairs`` those that never answered, ``untold_pairs``
    those of which no row says. Of the connections ``stated`` have a state or were denied, ``sure`` one that tells
    whether they were answered, and ``failed`` were not. ``shut_pairs`` are refused ones at ports that no browser opens
    (null: not told).
    """

    src_ip: str
    quarter: int
    place: str
    connections: int
    pairs: int
    refused_pairs: int
    untold_pairs: int
    stated: int
    sure: int
    failed: int
    shut_pairs: int | None = None


class Attempts(NamedTuple):
    """All attempts of a tuple, those that were not answered (null: unknown), and the hours these fell in."""

    attempts: int
    unanswered: int | None
    hours: int | None


class Activity(NamedTuple):
    """What is known by source address and by (source, destination, port), and a sentence on each thing that is not."""

    hosts: tuple[HostTraffic, ...]
    attempts: Mapping[tuple[str, str, int], Attempts]
    unknown: tuple[str, ...]


KeyOf = Callable[[str, str, int], str]
# Rows as Quarter values, of these keys; the text says why rows are missing ("": none are). Raises ConnectorError.
Ask = Callable[[tuple[str, ...]], tuple[Read[Quarter], str]]


def quarter_of(row: R, text: Callable[[R, str], str], whole: Callable[[R, str], int]) -> Quarter:
    """A row of the search by the functions that read its cells; ValueError names the column that cannot be read."""
    quarter = whole(row, "quarter")
    if quarter * QUARTER_S > LATEST_S:
        raise ValueError("quarter: out of range")
    place = text(row, "place")
    if place != EVERYWHERE and _place(place) is None:
        raise ValueError("place: expected an address and a port")
    names = ("connections", "pairs", "refused_pairs", "untold_pairs", "stated", "sure", "failed")
    connections, pairs, refused, untold, stated, sure, failed = (whole(row, name) for name in names)
    shut = whole(row, "shut_pairs") if "shut_pairs" in row else None
    return Quarter(text(row, "src_ip"), quarter, place, connections, pairs, refused, untold, stated, sure, failed, shut)


def _place(text: str) -> tuple[str, int] | None:
    address_text, _, port = text.rpartition("/")
    known = address.parse(address_text) is not None and port.isascii() and port.isdigit() and int(port) < 65536
    return (address_text, int(port)) if known else None


def activity(detections: Sequence[Detection], days: float, networks: Networks, key_of: KeyOf, ask: Ask) -> Activity:
    """Ask for the sources of the detections; a search that fails leaves only its own sources unknown."""
    plain = [d for d in detections if address.parse(d.src_ip) is not None and address.parse(d.dst_ip) is not None]
    by_source: dict[str, list[Detection]] = defaultdict(list)
    for detection in plain:
        by_source[detection.src_ip].append(detection)
    most = max(1, min(MOST_KEYS, int(MOST_ROWS / max(1.0, days * 24 * _QUARTERS_AN_HOUR))))
    rows: list[Quarter] = []
    known: list[str] = []
    unknown: list[str] = []
    for batch in _batches(by_source, most):
        keys = tuple(dict.fromkeys(key_of(d.src_ip, d.dst_ip, d.dst_port) for src in batch for d in by_source[src]))
        try:
            read, missing = ask(keys)
        except ConnectorError as fault:
            read, missing = Read[Quarter](), str(fault)
        if missing or read.rejected:
            why = missing or f"{read.rejected} rows could not be read: {'; '.join(read.examples)}"
            unknown.append(f"floods, scans and attempts of {len(batch)} hosts are unknown: {why}")
            continue
        known += batch
        rows += read.values
    hosts, dumb = _hosts(known, rows, networks)
    if dumb:
        unknown.append(f"whether {dumb} hosts scan is unknown: the rows do not tell who was answered")
    return Activity(hosts, _attempts(plain, known, rows), tuple(unknown))


def _batches(by_source: Mapping[str, Sequence[Detection]], most: int) -> Iterable[list[str]]:
    """Whole sources, together of at most ``most`` detections; one that has more goes alone."""
    batch: list[str] = []
    size = 0
    for src, own in by_source.items():
        if batch and size + len(own) > most:
            yield batch
            batch, size = [], 0
        batch.append(src)
        size += len(own)
    if batch:
        yield batch


def _hosts(known: Iterable[str], rows: Sequence[Quarter], networks: Networks) -> tuple[tuple[HostTraffic, ...], int]:
    """The busiest quarters of each source, and of how many sources the answers are not told."""
    by_source: dict[str, list[Quarter]] = defaultdict(list)
    for row in rows:
        by_source[row.src_ip].append(row)
    hosts = [
        HostTraffic(src_ip=src, bursts=_bursts(by_source[src], networks), spreads=_spreads(by_source[src]))
        for src in sorted(known)
    ]
    return tuple(hosts), sum(host.spreads is None for host in hosts)


def _bursts(own: Sequence[Quarter], networks: Networks) -> tuple[Burst, ...]:
    found = []
    for row in own:
        place = _place(row.place)
        if place is None or row.connections < LEAST_FLOOD or place[1] in NOT_FLOODED:
            continue
        there = address.parse(place[0])
        if there is not None and address.why_not_global(there, networks.lab, networks.nat64) is None:
            found.append((-row.connections, row.quarter, *place))
    return tuple(
        Burst(start=moment(quarter * QUARTER_S), dst_ip=dst_ip, dst_port=port, connections=-negative)
        for negative, quarter, dst_ip, port in sorted(found)[:MOST]
    )


def _spreads(own: Sequence[Quarter]) -> tuple[Spread, ...] | None:
    """None when the rows do not tell of every pair whether it answered: half of a scan is none."""
    wide = [row for row in own if row.place == EVERYWHERE and row.pairs >= LEAST_PAIRS]
    if any(row.untold_pairs for row in wide):
        return None
    scans = sorted(wide, key=lambda row: (row.refused_pairs < UNANSWERED_SHARE * row.pairs, -row.pairs, row.quarter))
    failing = {*sorted(wide, key=lambda row: (-row.refused_pairs, row.quarter))[:MOST]}
    return tuple(
        Spread(
            start=moment(row.quarter * QUARTER_S),
            pairs=row.pairs,
            unanswered_share=row.refused_pairs / row.pairs,
            refused_ports_share=None if row.shut_pairs is None else row.shut_pairs / max(row.refused_pairs, 1),
        )
        for place, row in enumerate(scans)
        if place < MOST or row in failing
    )


def _attempts(
    plain: Sequence[Detection], known: Iterable[str], rows: Sequence[Quarter]
) -> dict[tuple[str, str, int], Attempts]:
    """By tuple; not of those that several host names share, as the rows do not tell whose attempts they are."""
    asked = Counter((d.src_ip, d.dst_ip, d.dst_port) for d in plain if d.src_ip in set(known))
    by_tuple: dict[tuple[str, str, int], list[Quarter]] = defaultdict(list)
    for row in rows:
        if (place := _place(row.place)) is not None and asked[row.src_ip, *place] == 1:
            by_tuple[row.src_ip, *place].append(row)
    return {key: _totals(own) for key, own in by_tuple.items()}


def _totals(own: Sequence[Quarter]) -> Attempts:
    attempts, stated, sure, failed = (
        sum(counts)
        for counts in zip(*((row.connections, row.stated, row.sure, row.failed) for row in own), strict=True)
    )
    if not sure or stated < attempts:
        return Attempts(attempts, None, None)
    return Attempts(attempts, failed, len({row.quarter // _QUARTERS_AN_HOUR for row in own if row.failed}))


def told(tuples: Sequence[TupleTraffic], detections: Sequence[Detection], known: Activity) -> tuple[TupleTraffic, ...]:
    """The traffic of each detection with its attempts, where these are known."""
    keys = {d.detection_id: (d.src_ip, d.dst_ip, d.dst_port) for d in detections}
    return tuple(_with(one, known.attempts.get(keys[one.detection_id])) for one in tuples)


def _with(one: TupleTraffic, own: Attempts | None) -> TupleTraffic:
    if own is None:
        return one
    return one.model_copy(
        update={"attempts": own.attempts, "unanswered": own.unanswered, "unanswered_hours": own.hours}
    )
