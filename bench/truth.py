"""The case-level result over the public captures: seed rule -> filters -> ladder, and what each threshold would flip.

``python -m bench truth``; needs the captures (PLAYBOOK_REAL_DATA, or ../shared/data beside the checkout).
``python -m bench.truth FOLDER`` runs over captures of your own (docs/tuning.md). Some thresholds (failed names, beacon
score) were chosen after looking at the public captures: those are in-sample.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench import captures
from bench.bots import Bot, bot_of, too_little
from bench.captures import BY_PAGE, Capture, Key, Label
from bench.thresholds import of_detection, variants
from playbook.detections.beaconing import Aggregate
from playbook.model.address import parse, within
from playbook.model.case import Run
from playbook.model.detection import Detection

_STAGES = (
    "labelled",
    "seed fires",
    "default keeps",
    "G1",
    "G2",
    "G3",
    "judged",
    "TRUE_POSITIVE",
    "ticket",
    "watch",
    "BENIGN_POSITIVE",
    "FALSE_POSITIVE",
)
_SILENT = "not detected"


class State(NamedTuple):
    """What became of one tuple: filtered, or judged with a rung and a status; ``why`` in one sentence."""

    filter: str = ""
    disposition: str = ""
    status: str = ""
    rung: int = 0
    why: str = ""

    def __str__(self) -> str:
        return f"filtered {self.filter}" if self.filter else f"{self.disposition} (rung {self.rung}, {self.status})"


class Move(NamedTuple):
    """One threshold moved: its name, the value it had and got, and the flips it caused, one sentence each."""

    name: str
    was: Any
    became: Any
    flips: tuple[str, ...]
    benign_convicted: int


@dataclass(frozen=True)
class Truth:
    """Every capture with its run under the default thresholds."""

    captures: tuple[Capture, ...]
    runs: tuple[Run | None, ...]

    @property
    def pairs(self) -> Iterator[tuple[Capture, Run]]:
        """The captures that could be read, with their runs."""
        return ((c, r) for c, r in zip(self.captures, self.runs, strict=True) if r is not None)


def read_all(data: Path = captures.DATA) -> Truth:
    """Every capture, read once and run once; FileNotFoundError when they are not there."""
    told = captures.labels(data)
    found = [captures.read(name, told.get(name, ()), _union, data) for name in captures.names(data)]
    return Truth(tuple(found), tuple(_run(one) for one in found))


def states(run: Run) -> dict[Key, State]:
    """What became of every tuple that the detection kept."""
    filtered = {
        (g.src_ip, g.dst_ip, g.dst_port): State(g.filter, g.disposition, "filtered", 0, g.reason) for g in run.filtered
    }
    judged = {
        _key(one.enriched.detection): State(
            "", one.verdict.disposition, one.verdict.status, one.verdict.rung, one.verdict.reasons[0]
        )
        for case in run.cases
        for one in case.detections
    }
    return filtered | judged


def confusion(truth: Truth) -> dict[str, Counter[str]]:
    """Truth value -> how many tuples reach each stage (``_STAGES``); unlabelled ones are under ``(no label)``."""
    found: dict[str, Counter[str]] = {}
    for capture, run in truth.pairs:
        became, told = states(run), {label.key: label for label in capture.labels}
        for key in told.keys() | became.keys():
            label = told.get(key)
            found.setdefault(label.truth if label else "(no label)", Counter()).update(_reached(label, became.get(key)))
    return found


def convicted(truth: Truth) -> tuple[tuple[str, str], ...]:
    """(capture, host) of every case that is TRUE_POSITIVE, as often as there are such cases."""
    return tuple(
        (c.name, case.host)
        for c, run in truth.pairs
        for case in run.cases
        if case.verdict.disposition == "TRUE_POSITIVE"
    )


def bot_hosts(capture: Capture) -> frozenset[str]:
    """The hosts that are bots by the tuples' labels or by the capture's own page."""
    found = {label.key[0] for label in capture.labels if label.truth == "malicious"}
    for name, port, _ in BY_PAGE:
        if name == capture.name:
            found |= {one.src_ip for one in capture.aggregates if _ours(one, capture) and port in (None, one.dst_port)}
    return frozenset(found)


def bots(truth: Truth) -> tuple[Bot, ...]:
    """Every labelled bot host with the reason for what became of it; one line for a capture without such a host."""
    found = []
    for capture, run in zip(truth.captures, truth.runs, strict=True):
        hosts = bot_hosts(capture)
        found += [bot_of(capture, run, host) for host in sorted(hosts)]
        if not hosts and any(name == capture.name for name, _, _ in BY_PAGE):
            nearest = too_little((one.connections, one.hourly_buckets, one.bytes_total) for one in capture.aggregates)
            found.append(Bot(capture.name, "(no host of ours talks to the Internet)", False, nearest))
    return tuple(found)


def moves(truth: Truth) -> Iterator[Move]:
    """Every threshold of the detection, the coverage and every rule's numbers, 20 % down and up."""
    before = {capture.name: states(run) for capture, run in truth.pairs}
    for one in variants():
        with one.context:
            after = {c.name: states(c.run(one.params)) for c, _ in truth.pairs if c.known.tuples}
        yield Move(one.name, one.was, one.became, tuple(_flips(truth, before, after)), _benign_convicted(truth, after))


def main() -> None:
    """Print the tables."""
    truth = read_all(Path(sys.argv[1]) if len(sys.argv) > 1 else captures.DATA)
    _print_confusion(truth)
    _print_hosts(truth)
    print("\neach threshold moved by 20 % (whole numbers by at least 1):")
    silent = 0
    for move in moves(truth):
        silent += not move.flips
        if move.flips:
            print(
                f"  {move.name} {move.was} -> {move.became}: {len(move.flips)} flips, "
                f"benign hosts TRUE_POSITIVE: {move.benign_convicted}"
            )
            for flip in move.flips:
                print(f"      {flip}")
    print(f"  {silent} other moves flip nothing")


def _print_confusion(truth: Truth) -> None:
    print("tuples by truth: seed rule -> filters -> ladder")
    print(f"  {'':24}" + " ".join(f"{stage:>10.10}" for stage in _STAGES))
    for value, counts in sorted(confusion(truth).items()):
        print(f"  {value:24}" + " ".join(f"{counts[stage]:>10}" for stage in _STAGES))
    unread = [c for c in truth.captures if c.unread]
    for capture in unread:
        fires = sum(label.seed_score >= 1 for label in capture.labels)
        print(f"  not read: {capture.name} (no format of ours; {len(capture.labels)} labelled, seed fires {fires})")


def _print_hosts(truth: Truth) -> None:
    print("\ncases of hosts:")
    for capture, run in truth.pairs:
        for case in run.cases:
            kind = "bot" if case.host in bot_hosts(capture) else "not a bot by any label"
            print(
                f"  {capture.name} {case.host} ({kind}): {case.verdict.disposition}, {case.status}: "
                f"{case.verdict.reasons[0]}"
            )
    print("\nlabelled bots:")
    for bot in bots(truth):
        print(f"  {bot.capture} {bot.host}: {'TRUE_POSITIVE' if bot.found else 'not found'}: {bot.why}")


def _union(capture: Capture) -> tuple[Detection, ...]:
    """What the default thresholds or any moved one would keep."""
    found: dict[str, Detection] = {one.detection_id: one for one in capture.detections()}
    for one in of_detection():
        with one.context:
            found |= {kept.detection_id: kept for kept in capture.detections()}
    return tuple(found.values())


def _run(capture: Capture) -> Run | None:
    return None if capture.unread else capture.run()


def _key(detection: Detection | Aggregate) -> Key:
    return detection.src_ip, detection.dst_ip, detection.dst_port


def _ours(one: Aggregate, capture: Capture) -> bool:
    address = parse(one.src_ip)
    return address is not None and within(address, capture.assembled.site.networks.home)


def _reached(label: Label | None, state: State | None) -> Iterator[str]:
    if label is not None:
        yield "labelled"
        if label.seed_score >= 1:
            yield "seed fires"
    if state is None:
        return
    yield "default keeps"
    if state.filter:
        yield state.filter
        return
    yield "judged"
    yield state.status if state.disposition == "UNDETERMINED" else state.disposition


def _flips(
    truth: Truth, before: Mapping[str, Mapping[Key, State]], after: Mapping[str, Mapping[Key, State]]
) -> Iterator[str]:
    for capture, _ in truth.pairs:
        old, new = before[capture.name], after.get(capture.name, {})
        told = {label.key: label.truth for label in capture.labels}
        for key in sorted(old.keys() | new.keys()):
            was, became = str(old.get(key, _SILENT)), str(new.get(key, _SILENT))
            if was != became:
                src, dst, port = key
                yield f"{capture.name} {src} -> {dst}:{port} ({told.get(key, 'no label')}): {was} -> {became}"


def _benign_convicted(truth: Truth, after: Mapping[str, Mapping[Key, State]]) -> int:
    return len(
        {
            (capture.name, key[0])
            for capture, _ in truth.pairs
            for key, state in after.get(capture.name, {}).items()
            if state.disposition == "TRUE_POSITIVE" and key[0] not in bot_hosts(capture)
        }
    )


if __name__ == "__main__":
    main()
