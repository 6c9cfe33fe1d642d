"""Who is at work: one process per executor id, a heartbeat each, and the work of the dead given to the living."""

import fcntl
import os
import zlib
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from playbook.cases import audit
from playbook.cases.schema import executors
from playbook.cases.store import Store
from playbook.errors import ConfigError, Unreachable
from playbook.workflows.client import WorkflowClient

_CLASS = 0x626F7465


class ExecutorLease(Protocol):
    """The right to be one executor; it ends with the process that holds it, however that ends."""

    def leave(self) -> None:
        """Give it up."""


class _FileLease:
    def __init__(self, handle: int) -> None:
        self._handle = handle

    def leave(self) -> None:
        os.close(self._handle)


class _SessionLease:
    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn

    def leave(self) -> None:
        self._conn.invalidate()
        self._conn.close()


def is_leased(store: Store, executor_id: str) -> ExecutorLease | None:
    """The seat of this executor, or None while another process holds it.

    SQLite: a locked file beside the database. PostgreSQL: an advisory lock of one session.
    """
    if store.file is not None:
        return _file_seat(Path(f"{store.file}.{executor_id}.lock"))
    conn = store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    held = conn.execute(sa.text("SELECT pg_try_advisory_lock(:a, :b)"), {"a": _CLASS, "b": _number(executor_id)})
    if held.scalar_one():
        return _SessionLease(conn)
    conn.close()
    return None


def _file_seat(path: Path) -> ExecutorLease | None:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise Unreachable(f"{path}: {fault.strerror}") from fault
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return _FileLease(handle)


def _number(executor_id: str) -> int:
    return zlib.crc32(executor_id.encode()) - 2**31


def acquire_lease(store: Store, executor_id: str) -> ExecutorLease:
    """The seat; ConfigError when another process is this executor already."""
    seat = is_leased(store, executor_id)
    if seat is None:
        raise ConfigError(f"another process works as executor {executor_id!r} already: give each its own id")
    return seat


def heartbeat(store: Store, executor_id: str, now: datetime, started: datetime) -> None:
    """Say that this executor is alive."""
    with store.change() as conn:
        done = conn.execute(
            executors.update().where(executors.c.executor_id == executor_id).values(started_at=started, beat_at=now)
        )
        if done.rowcount == 0:
            conn.execute(executors.insert().values(executor_id=executor_id, started_at=started, beat_at=now))


class FailoverMonitor:
    """Gives the unfinished workflows of dead executors to the living.

    ``seconds`` is a clock that nobody sets: how long a heart has been still is counted here, never read off a wall.
    Where no lock can tell (a machine that lost its power, a process that stands still), a heart that has not beaten for
    ``silent_s`` seconds is taken for dead. Should it beat again, both act: what that can do is mended (contain.py).
    """

    def __init__(
        self,
        store: Store,
        door: WorkflowClient,
        own_id: str,
        seconds: Callable[[], float],
        silent_s: float = 120.0,
        orphan_s: float = 30.0,
    ) -> None:
        self._store, self._door, self._own_id, self._seconds = store, door, own_id, seconds
        self._silent_s, self._orphan_s = silent_s, orphan_s
        self._orphans: dict[str, float] = {}
        self._seen: dict[str, tuple[datetime, float]] = {}

    def take_over(self, now: datetime) -> tuple[str, ...]:
        """The workflows that were taken over from executors that are dead now."""
        with self._store.reading() as conn:
            others = conn.execute(sa.select(executors.c.executor_id, executors.c.beat_at)).all()
        found: list[str] = []
        for other, beat_at in others:
            if other == self._own_id:
                continue
            still = self._still(other, beat_at)
            seat = is_leased(self._store, other)
            if seat is None and (self._store.file is not None or still < self._silent_s):
                continue
            try:
                found += self._inherit(other, now)
            finally:
                if seat is not None:
                    seat.leave()
        return tuple(found)

    def take_up_again(self, running: Collection[str], now: datetime) -> tuple[str, ...]:
        """The workflows of our own that no thread carries out any more, for a while, and that go on now.

        The engine drops one whose database went away under it, and leaves it as if it were at work.
        """
        moment = self._seconds()
        dropped = [one for one in self._door.unfinished_of(self._own_id) if one not in running]
        self._orphans = {one: self._orphans.get(one, moment) for one in dropped}
        found = tuple(one for one, since in self._orphans.items() if moment - since >= self._orphan_s)
        if found:
            self._go_on(found, self._own_id, now)
        return found

    def _still(self, other: str, beat_at: datetime) -> float:
        known = self._seen.get(other)
        if known is None or known[0] != beat_at:
            known = self._seen[other] = (beat_at, self._seconds())
        return self._seconds() - known[1]

    def _inherit(self, other: str, now: datetime) -> tuple[str, ...]:
        """Everything that it left; its row goes once nothing of it is left."""
        workflows = self._door.unfinished_of(other)
        if workflows:
            self._go_on(workflows, other, now)
        else:
            with self._store.change() as conn:
                conn.execute(executors.delete().where(executors.c.executor_id == other))
        return workflows

    def _go_on(self, workflows: tuple[str, ...], whose: str, now: datetime) -> None:
        """Journal first, then resume."""
        with self._store.change() as conn:
            audit.append(
                conn,
                now,
                "",
                self._own_id,
                "work taken over",
                {
                    "from": whose,
                    "workflows": list(workflows[:50]),
                    "count": len(workflows),
                },
            )
        self._door.resume(workflows)
