"""What a page shows beside a case: the run that judged it, the last runs, and the open cases of other hosts."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from pydantic import AwareDatetime

from playbook.cases.containments import LIVE
from playbook.cases.schema import UtcTime, cases, containments, executors, runs
from playbook.model import Value
from playbook.model.case import Run

_MOST_HOSTS = 500


class RunRow(Value):
    """A filed run as listed."""

    run_id: str
    source: str
    window_start: AwareDatetime
    window_end: AwareDatetime
    complete: bool
    filed_at: AwareDatetime


def run_of(conn: sa.Connection, run_id: str) -> Run | None:
    """The run as filed, without its cases."""
    text = conn.execute(sa.select(runs.c.document).where(runs.c.run_id == run_id)).scalar_one_or_none()
    return None if text is None else Run.model_validate_json(text)


def last_runs(conn: sa.Connection, limit: int = 5) -> tuple[RunRow, ...]:
    """The runs over a source that were filed last, newest first; those over alerts are left out."""
    query = sa.select(*(runs.c[name] for name in RunRow.model_fields)).order_by(runs.c.filed_at.desc())
    query = query.where(runs.c.source.not_like("alerts:%"))
    return tuple(RunRow(**row) for row in conn.execute(query.limit(max(1, min(limit, 100)))).mappings())


def last_run_at(conn: sa.Connection) -> datetime | None:
    """When a run over a source ended last, also one over files that had not changed; None before the first."""
    query = sa.select(sa.func.max(runs.c.finished_at, type_=UtcTime)).where(runs.c.source.not_like("alerts:%"))
    return conn.execute(query).scalar_one_or_none()


def last_warnings(conn: sa.Connection, rows: Iterable[RunRow]) -> Mapping[str, tuple[str, ...]]:
    """What the newest of these runs of each source had to warn about, by source; none: left out."""
    newest = {row.source: row.run_id for row in sorted(rows, key=lambda row: row.filed_at)}
    found = {source: run_of(conn, run_id) for source, run_id in newest.items()}
    return {source: run.warnings for source, run in found.items() if run is not None and run.warnings}


def open_cases(conn: sa.Connection, hosts: Iterable[str]) -> Mapping[str, str]:
    """The open case of each of these hosts (lower case) that has one."""
    names = sorted({host.lower() for host in hosts})[:_MOST_HOSTS]
    query = sa.select(cases.c.host, cases.c.case_id).where(cases.c.host.in_(names), cases.c.closed_at.is_(None))
    return {row.host: row.case_id for row in conn.execute(query)}


def in_force(conn: sa.Connection) -> int:
    """How many containments are in force or about to be."""
    query = sa.select(sa.func.count()).select_from(containments).where(containments.c.state.in_(LIVE))
    return int(conn.execute(query).scalar_one())


def last_beat(conn: sa.Connection) -> datetime | None:
    """When any worker was last seen."""
    return conn.execute(sa.select(sa.func.max(executors.c.beat_at, type_=UtcTime))).scalar_one_or_none()


def last_filed(conn: sa.Connection, source: str, at_least: timedelta) -> datetime | None:
    """When the newest run of this source over a window of at least this length was filed, among the last 500."""
    query = sa.select(runs.c.window_start, runs.c.window_end, runs.c.filed_at).where(runs.c.source == source)
    rows = conn.execute(query.order_by(runs.c.filed_at.desc()).limit(500))
    return next((row.filed_at for row in rows if row.window_end - row.window_start >= at_least), None)
