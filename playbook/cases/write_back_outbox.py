"""What is still to be written back to a SIEM: one row a finding, the worst of the cases it came with, said once."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from playbook.cases.schema import cases, outcome_cases, outcomes
from playbook.model import Value
from playbook.model.case import Case, Run
from playbook.model.detection import Finding
from playbook.model.finding_update import Fault, FindingUpdate
from playbook.model.verdict import WORST_FIRST, Disposition, FilteredDetection

# A writer that died holds its row for this long; a finding that refuses is left alone after so many tries.
_HELD = timedelta(minutes=10)
_MOST_TRIES = 20
_REASONS = 3
_MOST_NAMED = 5
_CHUNK = 500


class PendingUpdate(Value):
    """A finding whose outcome is to be written; ``round`` counts how often its disposition changed."""

    key: str
    round: int
    finding_id: str
    reference: str
    whole: bool
    tries: int
    outcome: FindingUpdate


class _Said(NamedTuple):
    """What one case, or one filtered detection, says of a finding."""

    case_id: str
    disposition: Disposition
    reason: str
    fault: Fault = "query"


def enqueue_run(conn: sa.Connection, run: Run, cases_of: Mapping[str, str], now: datetime) -> int:
    """Keep where the detections of a filed run came from and what is to be said there; how many findings change.

    ``cases_of`` names the record's case of each case of the run. Call it when they are in the record: cases that this
    run judged anew speak for the findings of earlier runs, too.
    """
    case_of = {
        one.enriched.detection.detection_id: cases_of[case.case_id]
        for case in run.cases
        for one in case.detections
        if case.case_id in cases_of
    }
    filtered = {one.detection_id: _of_filter(one) for one in run.filtered}
    said = _words_of(conn, cases_of.values())
    touched: dict[str, Finding | None] = dict.fromkeys(_refreshed(conn, said))
    for finding in run.findings:
        one = said.get(case_of.get(finding.detection_id, "")) or filtered.get(finding.detection_id)
        if one is not None:
            key = _key(run.source, finding)
            touched[key] = finding
            _tie(conn, key, run.source, finding, one, now)
    return sum(_settle(conn, key, now) for key in touched)


def enqueue_case(conn: sa.Connection, case_id: str, now: datetime) -> int:
    """A case has another disposition now, such as a person's; how many findings are to be told."""
    return sum(_settle(conn, key, now) for key in _refreshed(conn, _words_of(conn, (case_id,))))


class OfCase(NamedTuple):
    """A finding that a case came with, and whether its SIEM has been told: written, waiting or refused."""

    source: str
    finding_id: str
    disposition: str
    state: str
    note: str


def of_case(conn: sa.Connection, case_id: str) -> tuple[OfCase, ...]:
    """The findings that a case came with."""
    query = sa.select(outcomes).join(outcome_cases, outcome_cases.c.key == outcomes.c.key)
    rows = conn.execute(query.where(outcome_cases.c.case_id == case_id).order_by(outcomes.c.key)).mappings()
    return tuple(
        OfCase(
            row["source"],
            row["finding_id"],
            row["disposition"],
            "written" if row["written_at"] else "refused" if row["tries"] >= _MOST_TRIES else "waiting",
            row["trouble"],
        )
        for row in rows
    )


def pending_updates(conn: sa.Connection, source: str, now: datetime, limit: int) -> tuple[PendingUpdate, ...]:
    """What is to be written to this source, the least tried first, then the oldest."""
    query = sa.select(outcomes).where(
        outcomes.c.source == source, outcomes.c.written_at.is_(None), outcomes.c.tries < _MOST_TRIES, _free(now)
    )
    query = query.order_by(outcomes.c.tries, outcomes.c.updated_at, outcomes.c.key).limit(limit)
    return tuple(_due(row) for row in conn.execute(query).mappings())


def pending_count(conn: sa.Connection) -> int:
    """How many outcomes wait for their SIEM, also those that it refused for good."""
    query = sa.select(sa.func.count()).select_from(outcomes).where(outcomes.c.written_at.is_(None))
    return int(conn.execute(query).scalar_one())


def reserve(conn: sa.Connection, one: PendingUpdate, now: datetime) -> bool:
    """Take a row, so that no other writer says the same at the same time; False when somebody has it."""
    taken = conn.execute(
        outcomes.update().where(_is(one), outcomes.c.written_at.is_(None), _free(now)).values(held_until=now + _HELD)
    )
    return taken.rowcount == 1


def mark_written(conn: sa.Connection, one: PendingUpdate, now: datetime) -> None:
    """The SIEM has it. What changed meanwhile stays due."""
    conn.execute(outcomes.update().where(_is(one)).values(written_at=now, held_until=None, trouble=""))


def mark_failed(conn: sa.Connection, one: PendingUpdate, trouble: str, counts: bool) -> bool:
    """It was tried in vain; ``counts`` when the fault is this finding's. Whether it was for the last time."""
    tries = one.tries + int(counts)
    conn.execute(outcomes.update().where(_is(one)).values(held_until=None, tries=tries, trouble=trouble[:2000]))
    return tries >= _MOST_TRIES


def _key(source: str, finding: Finding) -> str:
    return hashlib.sha256(json.dumps([source, finding.finding_id]).encode()).hexdigest()


def _is(one: PendingUpdate) -> Any:
    return sa.and_(outcomes.c.key == one.key, outcomes.c.round == one.round)


def _free(now: datetime) -> Any:
    return sa.or_(outcomes.c.held_until.is_(None), outcomes.c.held_until <= now)


def _of_filter(filtered: FilteredDetection) -> _Said:
    """A filtered detection has no case; the query let a destination through, or the data names a source of others."""
    name = f"D-{filtered.detection_id[:12]}"
    return _Said(name, filtered.disposition, filtered.reason, "data" if filtered.filter == "G2" else "query")


def _words_of(conn: sa.Connection, case_ids: Iterable[str]) -> dict[str, _Said]:
    """What each of these cases says: a person's word if there is one, else ours."""
    names = sorted(set(case_ids))
    columns = (
        cases.c.case_id,
        cases.c.disposition,
        cases.c.person_disposition,
        cases.c.person_by,
        cases.c.person_reason,
        cases.c.person_fault,
        cases.c.document,
    )
    said = {}
    for chunk in _chunks(names):
        for row in conn.execute(sa.select(*columns).where(cases.c.case_id.in_(chunk))):
            if row.person_disposition:
                reason = f"{row.person_by}: {row.person_reason}"
                fault: Fault = row.person_fault if row.person_disposition == "FALSE_POSITIVE" else "query"
                said[row.case_id] = _Said(row.case_id, row.person_disposition, reason, fault)
            else:
                reasons = Case.model_validate_json(row.document).verdict.reasons[:_REASONS]
                said[row.case_id] = _Said(row.case_id, row.disposition, "; ".join(reasons))
    return said


def _refreshed(conn: sa.Connection, said: Mapping[str, _Said]) -> list[str]:
    """Bring what these cases say of known findings up to date; the findings that hear another disposition."""
    keys: dict[str, None] = {}
    for chunk in _chunks(sorted(said)):
        for row in conn.execute(sa.select(outcome_cases).where(outcome_cases.c.case_id.in_(chunk))).mappings().all():
            one = said[row["case_id"]]
            if (row["disposition"], row["fault"]) != (one.disposition, one.fault):
                _put(conn, row["key"], one)
                keys[row["key"]] = None
    return list(keys)


def _tie(conn: sa.Connection, key: str, source: str, finding: Finding, one: _Said, now: datetime) -> None:
    place = {"reference": finding.reference, "whole": finding.whole}
    if conn.execute(outcomes.update().where(outcomes.c.key == key).values(place)).rowcount == 0:
        conn.execute(
            outcomes.insert(),
            place
            | {
                "key": key,
                "source": source,
                "finding_id": finding.finding_id,
                "case_id": "",
                "disposition": "",
                "fault": "query",
                "reason": "",
                "round": 0,
                "created_at": now,
                "updated_at": now,
                "tries": 0,
                "trouble": "",
            },
        )
    _put(conn, key, one)


def _put(conn: sa.Connection, key: str, one: _Said) -> None:
    which = sa.and_(outcome_cases.c.key == key, outcome_cases.c.case_id == one.case_id)
    values = {"disposition": one.disposition, "reason": one.reason, "fault": one.fault}
    if conn.execute(outcome_cases.update().where(which).values(values)).rowcount == 0:
        conn.execute(outcome_cases.insert(), values | {"key": key, "case_id": one.case_id})


def _settle(conn: sa.Connection, key: str, now: datetime) -> bool:
    """Let the worst of a finding's cases speak for it; said again only when what it says is another."""
    rows = conn.execute(sa.select(outcome_cases).where(outcome_cases.c.key == key)).mappings()
    said = [_Said(row["case_id"], row["disposition"], row["reason"], row["fault"]) for row in rows]
    said.sort(key=lambda one: (WORST_FIRST.index(one.disposition), one.case_id))
    before = conn.execute(
        sa.select(outcomes.c.disposition, outcomes.c.fault, outcomes.c.round).where(outcomes.c.key == key)
    ).one()
    worst = said[0]
    if (worst.disposition, worst.fault) == (before.disposition, before.fault):
        return False
    conn.execute(
        outcomes.update()
        .where(outcomes.c.key == key)
        .values(
            case_id=worst.case_id,
            disposition=worst.disposition,
            fault=worst.fault,
            reason=_reason(said, before.disposition, now),
            round=before.round + 1,
            updated_at=now,
            written_at=None,
            held_until=None,
            tries=0,
            trouble="",
        )
    )
    return True


def _reason(said: Sequence[_Said], before: str, now: datetime) -> str:
    """Why, which other cases the finding has, and what was said before: dated, so that a return to it is said too."""
    others = ", ".join(f"{one.case_id} {one.disposition}" for one in said[1:_MOST_NAMED])
    more = f" and {len(said) - _MOST_NAMED} more" if len(said) > _MOST_NAMED else ""
    parts = [said[0].reason]
    parts += [f"other cases of it: {others}{more}"] if others else []
    another = before not in ("", said[0].disposition)
    parts += [f"no longer {before} since {now:%Y-%m-%d %H:%M} UTC"] if another else []
    return " | ".join(parts)


def _chunks(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[n : n + _CHUNK] for n in range(0, len(names), _CHUNK))


def _due(row: Any) -> PendingUpdate:
    outcome = FindingUpdate(
        case_id=row["case_id"], disposition=row["disposition"], reason=row["reason"], fault=row["fault"]
    )
    return PendingUpdate(
        outcome=outcome, **{name: row[name] for name in PendingUpdate.model_fields if name != "outcome"}
    )
