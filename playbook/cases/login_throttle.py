"""How fast passwords may be guessed: by account and place, and by account from anywhere, whether it exists or not."""

import hashlib
from datetime import datetime, timedelta

import sqlalchemy as sa

from playbook.cases.schema import login_failures

ANYWHERE = "*"
_FREE_HERE, _FREE_ANYWHERE = 4, 49
_LONGEST_LOCK = timedelta(minutes=15)
_FORGOTTEN = timedelta(hours=1)
_MOST_ROWS = 50_000


def locked_until(conn: sa.Connection, name: str, place: str, now: datetime) -> datetime | None:
    """Until when this name is not looked at from this place; None when it is.

    A name is locked at the place that guesses, so that others behind another address or in a known browser still come
    in; guesses from many places lock it everywhere but in a browser that is known (``place`` begins with ``device:``).
    """
    keys = [key_of(name, place), *([] if place.startswith("device:") else [key_of(name, ANYWHERE)])]
    query = sa.select(login_failures.c.locked_until).where(login_failures.c.key.in_(keys))
    return max((one for one in conn.execute(query).scalars() if one is not None and one > now), default=None)


def count_failure(conn: sa.Connection, name: str, place: str, now: datetime) -> int:
    """Count one failed try, and lock for longer and longer, up to 15 minutes; how many failed at this place."""
    _forget(conn, now)
    failures = _count(conn, key_of(name, place), _FREE_HERE, now)
    if not place.startswith("device:"):
        _count(conn, key_of(name, ANYWHERE), _FREE_ANYWHERE, now)
    return failures


def forgive(conn: sa.Connection, name: str, place: str) -> None:
    """The right password was given here: what failed at this place is forgotten, and one try from anywhere."""
    conn.execute(login_failures.delete().where(login_failures.c.key == key_of(name, place)))
    anywhere = login_failures.c.key == key_of(name, ANYWHERE)
    conn.execute(
        login_failures.update()
        .where(anywhere, login_failures.c.failures > 0)
        .values(failures=login_failures.c.failures - 1)
    )


def forgive_all(conn: sa.Connection, name: str) -> None:
    """A new password was set: nothing is locked by guesses of the old one."""
    conn.execute(login_failures.delete().where(login_failures.c.key.in_([key_of(name, ANYWHERE), key_of(name, "")])))


def key_of(name: str, place: str) -> str:
    """What is stored of a name and a place: neither can be read from it."""
    return hashlib.sha256(f"{name}\n{place}".encode("utf-8", "replace")).hexdigest()


def _count(conn: sa.Connection, key: str, free: int, now: datetime) -> int:
    table = login_failures
    known = conn.execute(sa.select(table.c.failures).where(table.c.key == key)).scalar_one_or_none()
    failures = (known or 0) + 1
    lock = min(_LONGEST_LOCK, timedelta(seconds=2 ** min(failures - free, 20))) if failures > free else None
    values = {"failures": failures, "failed_at": now, "locked_until": now + lock if lock else None}
    if known is None:
        conn.execute(table.insert(), values | {"key": key})
    else:
        conn.execute(table.update().where(table.c.key == key).values(values))
    return failures


def _forget(conn: sa.Connection, now: datetime) -> None:
    """Drop what is old, and the oldest when there are too many: names that nobody has fill no disk."""
    table = login_failures
    conn.execute(table.delete().where(table.c.failed_at < now - _FORGOTTEN))
    number = int(conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
    if number >= _MOST_ROWS:
        oldest = sa.select(table.c.key).order_by(table.c.failed_at).limit(number - _MOST_ROWS + 1)
        conn.execute(table.delete().where(table.c.key.in_(oldest)))
