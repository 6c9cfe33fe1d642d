"""Several windows of one source -> one set of detections: a tuple seen in many windows is one detection."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from playbook.errors import BadAnswer
from playbook.model.detection import AddressHolder, Detection, Fetched, Finding, SourceHealth, TimeWindow


class MergedDetections(NamedTuple):
    """Detections without repeats, over the whole time that was read."""

    detections: tuple[Detection, ...]
    window: TimeWindow
    holders: tuple[AddressHolder, ...]
    health: SourceHealth
    findings: tuple[Finding, ...] = ()


def merge_windows(fetched: Sequence[Fetched]) -> MergedDetections:
    """All windows as one; of a tuple's rows the loudest stays, with the windows' health summed and worst first."""
    if not fetched:
        raise BadAnswer("the source returned no window at all")
    loudest: dict[str, Detection] = {}
    for detection in (d for f in fetched for d in f.detections):
        known = loudest.get(detection.detection_id)
        if known is None or _loudness(detection) > _loudness(known):
            loudest[detection.detection_id] = detection
    return MergedDetections(
        detections=tuple(loudest.values()),
        window=TimeWindow(start=min(f.window.start for f in fetched), end=max(f.window.end for f in fetched)),
        holders=tuple(dict.fromkeys(h for f in fetched for h in f.holders)),
        health=_together([f.health for f in fetched]),
        findings=tuple(dict.fromkeys(one for f in fetched for one in f.findings)),
    )


def _loudness(detection: Detection) -> tuple[bool, int, int, float]:
    """What got through speaks before what a device denied: a denied row would take the block out of the plan."""
    return not detection.blocked, detection.beaconing_score, detection.connections, detection.last_seen.timestamp()


def _together(healths: Sequence[SourceHealth]) -> SourceHealth:
    newest = [h.newest_event for h in healths if h.newest_event is not None]
    oldest = [h.oldest_event for h in healths if h.oldest_event is not None]
    return SourceHealth(
        rows_read=sum(h.rows_read for h in healths),
        rows_rejected=sum(h.rows_rejected for h in healths),
        rejected_examples=tuple(dict.fromkeys(e for h in healths for e in h.rejected_examples))[:5],
        rows_passed=_sums(h.rows_passed for h in healths),
        newest_event=max(newest, default=None),
        oldest_event=min(oldest, default=None),
        silent_hours=tuple(sorted({hour for h in healths for hour in h.silent_hours})),
        complete=all(h.complete for h in healths),
        warnings=tuple(dict.fromkeys(w for h in healths for w in h.warnings)),
    )


def _sums(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total.most_common())
