"""When each source runs by itself: one row a source and length of time, so that of several workers one runs it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from playbook.cases import outbox, queries
from playbook.cases.schema import errands
from playbook.model.response import Notice

DAY, WEEK = timedelta(days=1), timedelta(days=7)
_SOONEST_AGAIN = timedelta(minutes=1)
# A run that was cut off for good (its worker's disk is gone) is not missed for longer than this.
_LONGEST_MISSED = timedelta(hours=1)


@dataclass(frozen=True)
class ScheduledJob:
    """One source over one length of time, every so often."""

    source: str
    length: timedelta
    every: timedelta

    @property
    def name(self) -> str:
        """What it is called in the record."""
        return f"{self.source} {int(self.length.total_seconds())}"


def jobs_of_sources(sources: tuple[str, ...], interval_s: int) -> tuple[ScheduledJob, ...]:
    """Each source over a day every ``interval_s`` seconds, and over a week once a day."""
    often = timedelta(seconds=interval_s)
    return tuple(one for name in sources for one in (ScheduledJob(name, DAY, often), ScheduledJob(name, WEEK, DAY)))


def is_due(conn: sa.Connection, one: ScheduledJob, now: datetime) -> bool:
    """Whether its time has come; before its first row the runs in the record say when it was done last."""
    due = conn.execute(sa.select(errands.c.due_at).where(errands.c.name == one.name)).scalar_one_or_none()
    if due is None:
        # A window over log files may be a little shorter than what was asked for.
        last = queries.last_filed(conn, one.source, one.length * 0.9)
        due = now if last is None else last + one.every
    # A clock that was set back does not silence a source.
    return due <= now or due - now > one.every


def acquire(conn: sa.Connection, one: ScheduledJob, now: datetime) -> bool:
    """Take an errand that is due, in a transaction that starts it too (``Store.change``); False when it is not due."""
    if not is_due(conn, one, now):
        return False
    _put(conn, one, now + min(one.every, _LONGEST_MISSED))
    return True


def done(conn: sa.Connection, one: ScheduledJob, begun: datetime) -> None:
    """It was carried out: due again ``every`` after its beginning, and nothing is wrong with its source."""
    _put(conn, one, begun + one.every, trouble="")


def failed(conn: sa.Connection, one: ScheduledJob, why: str, now: datetime) -> None:
    """It could not be carried out: due again soon, shown on the pages until it works; people are told once a day."""
    told = f"The detection over {one.source} failed at {now:%H:%M}: {why[:300]}"
    _put(conn, one, now + min(one.every, _SOONEST_AGAIN), trouble=told)
    outbox.enqueue_notification(
        conn,
        "",
        Notice(
            key=f"source:{one.source}:{now:%Y-%m-%d}",
            title=f"Nothing could be detected in {one.source}",
            text=f"Silence is not safety: {why[:1000]}",
            link="/",
            urgent=True,
        ),
        now,
    )


def failures(conn: sa.Connection, configured: tuple[ScheduledJob, ...]) -> tuple[str, ...]:
    """What is wrong with the configured sources now."""
    query = sa.select(errands.c.trouble).where(
        errands.c.trouble != "", errands.c.name.in_([one.name for one in configured])
    )
    return tuple(dict.fromkeys(conn.execute(query.order_by(errands.c.name)).scalars()))


def _put(conn: sa.Connection, one: ScheduledJob, due_at: datetime, **more: str) -> None:
    known = conn.execute(errands.update().where(errands.c.name == one.name).values(due_at=due_at, **more))
    if known.rowcount == 0:
        conn.execute(errands.insert(), {"name": one.name, "due_at": due_at, "trouble": ""} | more)
