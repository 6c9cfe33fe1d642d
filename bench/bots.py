"""What became of a bot of the captures: convicted, or which condition of the detection its nearest tuple misses."""

from collections.abc import Iterable
from typing import NamedTuple

from bench.captures import BY_PAGE, Capture
from playbook.detections import beaconing
from playbook.model.case import Run


class Bot(NamedTuple):
    """A labelled bot host, whether its case is TRUE_POSITIVE, and why, from the data."""

    capture: str
    host: str
    found: bool
    why: str


def bot_of(capture: Capture, run: Run | None, host: str) -> Bot:
    """What the run of a capture says of one bot; ``run`` null means that the capture could not be read."""
    if run is None:
        return Bot(capture.name, host, False, f"no format of ours; {too_little(_by_label(capture, host))}")
    case = next((case for case in run.cases if host in case.addresses), None)
    if case is not None:
        return Bot(capture.name, host, case.verdict.disposition == "TRUE_POSITIVE", "; ".join(case.verdict.reasons[:2]))
    filtered = [g for g in run.filtered if g.src_ip == host]
    if filtered:
        return Bot(capture.name, host, False, f"filtered {filtered[0].filter}: {filtered[0].reason}")
    told = {label.key for label in capture.labels if label.truth == "malicious"}
    port = next((port for name, port, _ in BY_PAGE if name == capture.name), None)
    mine = [
        (one.connections, one.hourly_buckets, one.bytes_total)
        for one in capture.aggregates
        if one.src_ip == host
        and ((one.src_ip, one.dst_ip, one.dst_port) in told or (not told and port in (None, one.dst_port)))
    ]
    return Bot(capture.name, host, False, too_little(mine))


def _by_label(capture: Capture, host: str) -> list[tuple[int, int, int | None]]:
    return [
        (label.connections, label.hourly_buckets, None)
        for label in capture.labels
        if label.key[0] == host and label.truth == "malicious"
    ]


def too_little(tuples: Iterable[tuple[int, int, int | None]]) -> str:
    """Which condition of the detection the nearest tuple of a bot misses."""
    nearest = max(tuples, key=lambda one: (min(one[1], beaconing.MIN_HOURS), one[0]), default=None)
    if nearest is None:
        return "no connection to a global destination"
    connections, hours, total = nearest
    missed = []
    if connections < beaconing.MIN_CONNECTIONS:
        missed.append(f"{connections} connections, fewer than {beaconing.MIN_CONNECTIONS}")
    if hours < beaconing.MIN_HOURS:
        missed.append(f"{hours} hourly bucket{'s'[: hours != 1]}, fewer than {beaconing.MIN_HOURS}")
    if not missed and beaconing.beaconing_score(connections, hours, total, False) < 1:
        missed.append(f"score 0 with {connections} connections in {hours} hours")
    return "the nearest tuple has " + (" and ".join(missed) or "everything: a fault of ours")
