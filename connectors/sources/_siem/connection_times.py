"""The follow-up of a SIEM: which start times are asked for, in a budget of rows that no host can use up for others.

One row is one second of one tuple. While all fit, all are asked for. Beyond that the rows are shared out evenly, the
least busy first: what is too much for its share gives its newest seconds and, by a second search, its count per hour,
from which its rhythm is measured all the same. Otherwise a bot could hide its beacon behind decoys or noise.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from connectors.sources._siem.coverage import HOUR, Read, Start, tuple_traffic
from playbook.errors import ConnectorError, Incomplete
from playbook.model import address
from playbook.model.detection import Detection
from playbook.model.traffic import TupleTraffic

KEYS_PER_QUERY = 200
HOUR_S = int(HOUR.total_seconds())
# Fewer seconds than these hold too few starts of anything.
LEAST_S = 600
# Searches that a look-up may cost beside two a batch, whatever the server answers: one loud host takes 16 to set apart.
HALVING_SEARCHES = 32


class Share(NamedTuple):
    """A detection and the first second of which its starts are asked for; null: all of them."""

    detection: Detection
    since: int | None = None


class BudgetExceeded(Incomplete):
    """A search has more rows than it may give; any other reason for missing rows is not mended by asking for less."""


class Followed(NamedTuple):
    """The traffic of the detections that could be asked for, and a sentence on each thing that could not."""

    tuples: tuple[TupleTraffic, ...]
    unknown: tuple[str, ...]


KeyOf = Callable[[str, str, int], str]
# Rows as Start values, one per so many seconds of each key, none of a key before its second; raises ConnectorError.
Ask = Callable[[tuple[str, ...], Mapping[str, int], int], Read[Start]]


def followed(detections: Sequence[Detection], budget: int, key_of: KeyOf, ask: Ask) -> Followed:
    """Ask for the start times of the detections; a search that fails leaves only its own tuples unknown."""
    asked, rest = shares(detections, budget)
    said = f"start times of {rest} detections are not asked for: past {budget} rows, or no addresses"
    unknown = [said] if rest else []
    found: list[TupleTraffic] = []
    ask = _bounded(ask, 2 * -(-len(asked) // KEYS_PER_QUERY) + HALVING_SEARCHES)
    for start in range(0, len(asked), KEYS_PER_QUERY):
        found += _batch(asked[start : start + KEYS_PER_QUERY], key_of, ask, unknown)
    return Followed(tuple(found), tuple(unknown))


def whole(read: Read[Start], truncated: str, over: bool, name: str) -> Read[Start]:
    """``read``; BudgetExceeded when there were more rows than are taken, Incomplete when others are missing."""
    if truncated:
        raise (BudgetExceeded if over else Incomplete)(f"{name}: start times are missing: {truncated}")
    return read


def _bounded(ask: Ask, most: int) -> Ask:
    """``ask`` that is carried out ``most`` times; Incomplete after that."""
    numbers = count(1)

    def asked(keys: tuple[str, ...], since: Mapping[str, int], step_s: int) -> Read[Start]:
        if next(numbers) > most:
            raise Incomplete(f"the {most} searches for start times that a run may make are used up")
        return ask(keys, since, step_s)

    return asked


def shares(detections: Sequence[Detection], budget: int) -> tuple[tuple[Share, ...], int]:
    """The rows that each detection may cost, least busy first, and how many detections get none."""
    plain = [d for d in detections if address.parse(d.src_ip) is not None and address.parse(d.dst_ip) is not None]
    asked: list[Share] = []
    for place, detection in enumerate(sorted(plain, key=_rows)):
        fair = budget // (len(plain) - place)
        cut = _rows(detection) > fair
        if cut and fair < LEAST_S:
            continue
        budget -= min(_rows(detection), fair)
        asked.append(Share(detection, int(detection.last_seen.timestamp()) - fair + 1 if cut else None))
    return tuple(asked), len(detections) - len(asked)


def _rows(detection: Detection) -> int:
    """The most rows its starts can have: one a connection, and one a second."""
    seconds = int(detection.last_seen.timestamp()) - int(detection.first_seen.timestamp()) + 1
    return min(detection.connections, seconds)


def _batch(batch: Sequence[Share], key_of: KeyOf, ask: Ask, unknown: list[str]) -> tuple[TupleTraffic, ...]:
    """One search, in halves when it has too many rows (other host names may share its addresses)."""
    keyed = [(key_of(d.src_ip, d.dst_ip, d.dst_port), d, since) for d, since in batch]
    cut: dict[str, int] = {}
    for key, _, since in keyed:
        if since is not None:
            cut[key] = max(since, cut.get(key, since))
    try:
        seen = _taken(ask(tuple(dict.fromkeys(key for key, _, _ in keyed)), cut, 1), unknown)
        hours = _taken(ask(tuple(cut), {}, HOUR_S), unknown) if cut else []
    except BudgetExceeded as fault:
        if len(batch) > 1:
            middle = len(batch) // 2
            halves = (batch[:middle], batch[middle:])
            return tuple(one for half in halves for one in _batch(half, key_of, ask, unknown))
        unknown.append(str(fault))
        return ()
    except ConnectorError as fault:
        unknown.append(f"the traffic of {len(batch)} detections could not be asked for: {fault}")
        return ()
    # Two hosts behind one address share a key: where one is cut, the other is.
    complete = tuple_traffic([d for key, d, _ in keyed if key not in cut], seen)
    return (*complete, *tuple_traffic([d for key, d, _ in keyed if key in cut], seen, hours))


def _taken(read: Read[Start], unknown: list[str]) -> list[Start]:
    if read.rejected:
        unknown.append(f"{read.rejected} rows of start times could not be read: {'; '.join(read.examples)}")
    return list(read.values)
