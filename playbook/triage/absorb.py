"""A tuple to one address of a name is left out beside the detection of that name, where it says nothing more."""

from collections.abc import Sequence

from playbook.detections import by_name
from playbook.model.case import JudgedDetection
from playbook.model.verdict import WORST_FIRST, CaseStatus

_STATUS_FIRST: tuple[CaseStatus, ...] = ("proposed", "ticket", "watch", "closed")


def absorb(judged: Sequence[JudgedDetection]) -> tuple[JudgedDetection, ...]:
    """What stays: a tuple that was judged worse than the detection of its name keeps its own row and its own steps."""
    names = [one for one in judged if one.enriched.detection.rule == by_name.NAME]
    if not names:
        return tuple(judged)
    return tuple(one for one in judged if not any(_says_it_all(name, one) for name in names))


def _says_it_all(name: JudgedDetection, other: JudgedDetection) -> bool:
    return by_name.absorbs(name.enriched.detection, other.enriched.detection) and _rank(name) <= _rank(other)


def _rank(one: JudgedDetection) -> tuple[int, int]:
    verdict = one.verdict
    return WORST_FIRST.index(verdict.disposition), _STATUS_FIRST.index(verdict.status)
