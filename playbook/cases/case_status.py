"""A case that a run judges again: its status, its detections, and whether there is anything new to tell."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from playbook.cases.case_builder import worst_first
from playbook.cases.ticket_rows import TICKET_STATUSES
from playbook.model.case import Case, JudgedDetection, Run
from playbook.model.verdict import WORST_FIRST

_WATCHED_DAYS = 3


def bare_detections(case: Case) -> tuple[Any, ...]:
    """The bare detections of a case."""
    return tuple(one.enriched.detection for one in case.detections)


def merge_detections(
    before: Iterable[JudgedDetection], found: Iterable[JudgedDetection]
) -> tuple[JudgedDetection, ...]:
    """All detections, worst first. A detection seen again is as judged on its newest traffic, unless older is worse.

    What only the record holds is read with the networks of today, so that never-block is today's.
    """
    fresh = {one.enriched.detection.detection_id: one for one in found}
    site = next(iter(fresh.values())).enriched.site
    for old in before:
        detection = old.enriched.detection
        new = fresh.get(detection.detection_id)
        if new is None or (
            new.enriched.detection.last_seen < detection.last_seen
            and WORST_FIRST.index(new.verdict.disposition) >= WORST_FIRST.index(old.verdict.disposition)
        ):
            kept = old.enriched.replaced(site=site)
            fresh[detection.detection_id] = old.model_copy(update={"enriched": kept})
    return tuple(sorted(fresh.values(), key=worst_first))


def next_status(built: str, known: Any, days: int) -> str:
    """The status as judged; what is watched becomes a ticket on the third day in a row, and stays one.

    A case that a person opened again is closed by a person only.
    """
    if built == "closed" and known is not None and known["person_by"]:
        return "ticket"
    if built != "watch":
        return built
    was_ticket = known is not None and known["status"] in TICKET_STATUSES
    return "ticket" if was_ticket or days >= _WATCHED_DAYS else "watch"


def days_watched(known: Any, day: date) -> tuple[int, str]:
    """For how many days in a row the case has been seen, and the last of them (days of the traffic's own clock)."""
    if known is None or not known["watch_day"]:
        return 1, day.isoformat()
    last = date.fromisoformat(known["watch_day"])
    if day <= last:
        return known["watch_days"], known["watch_day"]
    return (known["watch_days"] + 1 if day - last == timedelta(days=1) else 1), day.isoformat()


def has_news(known: Any, status: str, built: Case, number: int) -> bool:
    """Whether what is recorded of a case differs from what is to be told now."""
    before = Case.model_validate_json(known["document"])
    digests = [plan.digest if plan else "" for plan in (before.plan, built.plan)]
    return (known["status"], known["disposition"], known["detections"]) != (
        status,
        built.verdict.disposition,
        number,
    ) or digests[0] != digests[1]


def ticket_state(built: Case, status: str, run: Run, reopened_from: str) -> dict[str, Any]:
    """The columns that a case is told by."""
    told = {
        "run_id": run.run_id,
        "host": built.host,
        "status": status,
        "disposition": built.verdict.disposition,
        "reasons": list(built.verdict.reasons[:5]),
        "digest": built.plan.digest if built.plan else "",
        "detections": [one.enriched.detection.detection_id for one in built.detections[:50]],
    }
    return told | ({"reopened_from": reopened_from} if reopened_from else {})
