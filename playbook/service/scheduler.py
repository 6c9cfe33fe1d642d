"""When the detections run by themselves: each source every so often over a day, and once a day over a week."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from playbook.cases import looking, outbox
from playbook.cases.store import Store
from playbook.errors import PlaybookError
from playbook.model.response import Notice
from playbook.report.text import duration

LOG = logging.getLogger(__name__)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
_TICK_S = 5.0
_SOONEST_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Errand:
    """One source over one length of time, every so often."""

    source: str
    length: timedelta
    every: timedelta


def errands(sources: tuple[str, ...], every_s: int) -> tuple[Errand, ...]:
    """Each source over a day every ``every_s`` seconds, and over a week once a day."""
    often = timedelta(seconds=every_s)
    return tuple(one for name in sources for one in (Errand(name, DAY, often), Errand(name, WEEK, DAY)))


@dataclass
class Scheduler:
    """Runs errands one after the other in a thread of its own; a run that failed is told of and tried again.

    ``carry`` detects, judges and files; it raises PlaybookError when the source gave nothing.
    """

    store: Store
    errands: tuple[Errand, ...]
    carry: Callable[[Errand], None]
    now: Callable[[], datetime]
    _next: dict[Errand, datetime] = field(default_factory=dict)
    _troubles: dict[str, str] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def troubles(self) -> tuple[str, ...]:
        """What is wrong with the sources now."""
        return tuple(self._troubles.values())

    def due(self) -> tuple[Errand, ...]:
        """The errands whose time has come; after a start the record says when each was done last."""
        now = self.now()
        for one in self.errands:
            if one not in self._next:
                self._next[one] = self._after_the_last(one, now)
        return tuple(one for one in self.errands if self._next[one] <= now)

    def tick(self) -> int:
        """Carry out what is due; how many."""
        due = self.due()
        for one in due:
            if self._stopping.is_set():
                break
            self._next[one] = self.now() + one.every
            self._carry(one)
        return len(due)

    def start(self) -> None:
        """Tick by itself until ``stop``."""
        self._thread = threading.Thread(target=self._tick_on, name="scheduler", daemon=True)
        self._thread.start()

    def stop(self, patience_s: float = 10.0) -> None:
        """No further errand; the one under way is waited for a while."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(patience_s)

    def _after_the_last(self, one: Errand, now: datetime) -> datetime:
        # A window over log files may be a little shorter than what was asked for.
        with self.store.reading() as conn:
            last = looking.last_filed(conn, one.source, one.length * 0.9)
        return now if last is None else last + one.every

    def _carry(self, one: Errand) -> None:
        try:
            self.carry(one)
        except PlaybookError as fault:
            self._failed(one, str(fault))
        else:
            self._troubles.pop(one.source, None)

    def _failed(self, one: Errand, why: str) -> None:
        LOG.error("run of %s over %s failed: %s", one.source, duration(one.length.total_seconds()), why)
        now = self.now()
        self._next[one] = now + min(one.every, _SOONEST_AGAIN)
        self._troubles[one.source] = f"The detection over {one.source} failed at {now:%H:%M}: {why[:300]}"
        with self.store.change() as conn:
            outbox.tell(conn, "", Notice(
                key=f"source:{one.source}:{now:%Y-%m-%d}", title=f"Nothing could be detected in {one.source}",
                text=f"Silence is not safety: {why[:1000]}", link="/", urgent=True,
            ), now)

    def _tick_on(self) -> None:
        while not self._stopping.is_set():
            try:
                self.tick()
            except (PlaybookError, SQLAlchemyError) as fault:
                # The record is locked, full or away: the next tick tries again.
                LOG.warning("schedule: %s", fault)
            self._stopping.wait(_TICK_S)
