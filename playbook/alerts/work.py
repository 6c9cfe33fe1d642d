"""Work on alerts that wait: held, judged in groups, and filed in the transaction that settles them, so none twice."""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from playbook.alerts.entries import Entry
from playbook.alerts.rescoring import moment
from playbook.alerts.road import JudgedAlerts, Outside, judge_alerts
from playbook.cases import alerts, audit, outbox, repository
from playbook.cases.alerts import Alert
from playbook.cases.repository import Filing, filing_of
from playbook.cases.store import Store
from playbook.errors import ConfigError, ConnectorError, PlaybookError
from playbook.model.case import Case, Run
from playbook.model.response import Notice
from playbook.model.verdict import FilteredDetection

MOST_AT_ONCE = 200
_CASES = 20
_WEEK_S = 7 * 86400
# A source that does not answer is asked again this often before its alerts are judged on what they have.
_ASKED_AGAIN = 2
_WAIT = timedelta(minutes=1)
_LOG = logging.getLogger(__name__)
# What a value that nobody thought of raises; it must cost one alert, never the queue.
_FAULTS = (PlaybookError, ArithmeticError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Ground:
    """What work on alerts stands on: the record, what the road may reach as configured now, and the clock."""

    store: Store
    outside: Callable[[], Outside]
    now: Callable[[], datetime]


def work(ground: Ground, holder: str, most: int = MOST_AT_ONCE) -> int:
    """Judge and file alerts that wait; how many were taken. Nothing that goes wrong with one costs another."""
    with ground.store.reading() as conn:
        if not alerts.waiting(conn, ground.now()):
            return 0
    with ground.store.change() as conn:
        taken = alerts.claim(conn, holder, ground.now(), most)
    for group in _grouped(taken):
        _handled(ground, group, holder)
    return len(taken)


def at_once(ground: Ground, ids: Sequence[str], holder: str) -> None:
    """Judge and file these, which this holder has held since they were accepted, on what their source says now."""
    with ground.store.reading() as conn:
        to_do = alerts.still_held(conn, ids, holder)
        every = (alerts.alert_of(conn, key) for key in ids if key in to_do)
        taken = [one for one in every if one is not None]
    for group in _grouped(taken):
        _handled(ground, group, holder, asked_again=False)


def _grouped(taken: Iterable[Alert]) -> list[list[Alert]]:
    """By who sent them, the source to ask, and the week of their traffic, so that one question serves many."""
    groups: dict[tuple[str, str, int], list[Alert]] = defaultdict(list)
    for one in taken:
        week = int(moment(entry_of(one).columns.last_seen).timestamp()) // _WEEK_S
        groups[one.account, one.source, week].append(one)
    return list(groups.values())


def entry_of(alert: Alert) -> Entry:
    """The alert's content as it was kept."""
    return Entry.model_validate_json(alert.document)


def _handled(ground: Ground, group: Sequence[Alert], holder: str, asked_again: bool = True) -> None:
    """One group; when it fails, each of its alerts alone, and one that fails alone is put off."""
    try:
        verdicts = judge_alerts([entry_of(one) for one in group], group[0].source, ground.outside())
        fresh = asked_again and max(one.tries for one in group) < _ASKED_AGAIN
        if fresh and verdicts.unmeasured and group[0].source:
            _put_off(ground, group, holder, verdicts.unmeasured)
            return
        _filed(ground, group, verdicts, holder)
    except _FAULTS as fault:
        if len(group) > 1:
            for one in group:
                _handled(ground, (one,), holder, asked_again)
            return
        _LOG.error("alert %s: %s", group[0].alert_id[:12], fault)
        # What the configuration or a product lacks is mended there; the alerts wait for it, however long that takes.
        ours = isinstance(fault, ConfigError | ConnectorError)
        _put_off(ground, group, holder, f"{type(fault).__name__}: {fault}", counts=not ours)


def _put_off(ground: Ground, group: Sequence[Alert], holder: str, why: str, counts: bool = True) -> None:
    with ground.store.change() as conn:
        now = ground.now()
        for one in group:
            if alerts.put_off(conn, one.alert_id, holder, why, now, _WAIT * 2**one.tries, counts):
                outbox.enqueue_notification(
                    conn,
                    "",
                    Notice(
                        key=f"alert:{one.alert_id}"[:255],
                        title="An alert could not be judged",
                        urgent=True,
                        link="/",
                        text=f"Alert {one.alert_id[:12]} of {one.account} was given up after {alerts.MOST_TRIES} "
                        f"tries: {why[:500]}",
                    ),
                    now,
                )


def _filed(ground: Ground, group: Sequence[Alert], verdicts: JudgedAlerts, holder: str) -> None:
    """File the cases in parts, each with its alerts in one transaction; then settle those that are no case."""
    config = ground.outside().config
    filing = filing_of(verdicts.terms.means, config.policy, config.limits)
    by_detection: dict[str, list[Alert]] = defaultdict(list)
    for one in group:
        by_detection[verdicts.detections[one.alert_id]].append(one)
    for start in range(0, len(verdicts.run.cases), _CASES):
        _file_part(ground, verdicts.run.cases[start : start + _CASES], by_detection, verdicts, filing, holder)
    filtered = {one.detection_id: one for one in verdicts.run.filtered}
    with ground.store.change() as conn:
        rest = [one for key, some in by_detection.items() if key in filtered for one in some]
        to_do = alerts.still_held(conn, [one.alert_id for one in rest], holder)
        for one in rest:
            if one.alert_id in to_do:
                _filter(conn, one, filtered[verdicts.detections[one.alert_id]], verdicts, ground.now())


def _file_part(
    ground: Ground,
    cases: Sequence[Case],
    by_detection: Mapping[str, list[Alert]],
    verdicts: JudgedAlerts,
    filing: Filing,
    holder: str,
) -> None:
    of_case = {
        case.case_id: [
            one for judged_one in case.detections for one in by_detection[judged_one.enriched.detection.detection_id]
        ]
        for case in cases
    }
    with ground.store.change() as conn:
        now = ground.now()
        to_do = alerts.still_held(conn, [one.alert_id for some in of_case.values() for one in some], holder)
        mine = tuple(case for case in cases if any(one.alert_id in to_do for one in of_case[case.case_id]))
        if not mine:
            return
        run = _part(verdicts.run, mine, sorted(to_do))
        account = next(one.account for some in of_case.values() for one in some)
        filed = repository.file_run(conn, run, filing, now, account)
        for one in filed.cases:
            for alert in of_case[one.run_case_id]:
                _settle(conn, alert, one.case_id, one.request_id, verdicts, now)


def _part(run: Run, cases: tuple[Case, ...], ids: Sequence[str]) -> Run:
    """The part of the run that these alerts make, known by them: filed again it is the same."""
    identity = hashlib.sha256("".join(ids).encode()).hexdigest()[:12]
    return run.model_copy(update={"run_id": f"R-{identity}", "cases": cases, "filtered": ()})


def _settle(
    conn: sa.Connection, alert: Alert, case_id: str, request_id: str, verdicts: JudgedAlerts, now: datetime
) -> None:
    notes = list(verdicts.notes[alert.alert_id])
    alerts.settle(
        conn,
        alert.alert_id,
        "filed",
        now,
        case_id=case_id,
        detection_id=verdicts.detections[alert.alert_id],
        result=json.dumps({"notes": notes, "request_id": request_id, "unmeasured": verdicts.unmeasured}),
    )
    sent = entry_of(alert).sent
    audit.append(
        conn,
        now,
        case_id,
        alert.account,
        "alert filed",
        {
            "alert_id": alert.alert_id,
            "name": alert.name,
            "source": alert.source,
            "notes": notes[:10],
            **{key: value for key, value in sent.items() if key in ("title", "severity", "reference")},
        },
    )


def _filter(
    conn: sa.Connection, alert: Alert, filtered: FilteredDetection, verdicts: JudgedAlerts, now: datetime
) -> None:
    alerts.settle(
        conn,
        alert.alert_id,
        "filtered",
        now,
        detection_id=filtered.detection_id,
        result=json.dumps(
            {
                "notes": list(verdicts.notes[alert.alert_id]),
                "filter": filtered.filter,
                "disposition": filtered.disposition,
                "reason": filtered.reason,
                "host": filtered.host,
            }
        ),
    )
    audit.append(
        conn,
        now,
        "",
        alert.account,
        "alert filtered",
        {"alert_id": alert.alert_id, "filter": filtered.filter, "reason": filtered.reason},
    )
