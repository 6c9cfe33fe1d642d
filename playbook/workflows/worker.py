"""A worker: one process that runs the workflows, beats, takes over from the dead and starts a sweep now and then."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from dbos import DBOS

from playbook.cases.store import Store
from playbook.errors import PlaybookError
from playbook.workflows import executor_leases, workflows
from playbook.workflows.client import ACT, NAME, SERIALIZER, SWEEP, TRIAGE, VERSION, workflow_engine
from playbook.workflows.context import WorkflowContext

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerIntervals:
    """Seconds: between sweeps, between heartbeats, how often the queues are looked at, how long a heart is still until
    it is taken for dead (where no lock can tell), and how long work that no thread carries out any more is left alone;
    ``side_by_side`` steps run at once; alerts that wait are looked for every ``alerts_s``.
    """

    sweep_s: float = 30.0
    beat_s: float = 10.0
    poll_s: float = 0.2
    silent_s: float = 120.0
    orphan_s: float = 30.0
    side_by_side: int = 4
    alerts_s: float = 1.0


class Worker:
    """One executor: ``start`` takes its seat and launches the engine, ``tick`` is one beat, ``stop`` lets go.

    ``seconds`` is a clock that nobody sets (``time.monotonic``). Raises ConfigError when another process has the id.
    """

    def __init__(
        self,
        works: WorkflowContext,
        executor_id: str,
        seconds: Callable[[], float],
        pace: WorkerIntervals = WorkerIntervals(),
    ) -> None:
        self.works, self.executor_id, self.pace = works, executor_id, pace
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._alerts: threading.Thread | None = None
        self._arrived = threading.Event()
        self._seat: executor_leases.ExecutorLease | None = None
        self.engine: sa.Engine = workflow_engine(works.outfit.store)
        self._last_sweep = float("-inf")
        self._started: datetime = works.outfit.now()
        self._watcher = executor_leases.FailoverMonitor(
            self._store, works.door, executor_id, seconds, pace.silent_s, pace.orphan_s
        )

    @property
    def _store(self) -> Store:
        return self.works.outfit.store

    def start(self, ticking: bool = True) -> None:
        """Take the seat, launch the engine, which recovers what this executor left; with ``ticking`` beat by itself."""
        self._seat = executor_leases.acquire_lease(self._store, self.executor_id)
        workflows.register_workflows(self.works)
        DBOS(
            config={
                "name": NAME,
                "application_version": VERSION,
                "executor_id": self.executor_id,
                "system_database_engine": self.engine,
                "serializer": SERIALIZER,
                "log_level": "WARNING",
                "use_listen_notify": False,
            }
        )
        DBOS.listen_queues([ACT, SWEEP, TRIAGE])
        DBOS.launch()
        DBOS.register_queue(ACT, worker_concurrency=self.pace.side_by_side, polling_interval_sec=self.pace.poll_s)
        DBOS.register_queue(SWEEP, global_concurrency=1, polling_interval_sec=self.pace.poll_s)
        DBOS.register_queue(TRIAGE, worker_concurrency=1, polling_interval_sec=self.pace.poll_s)
        if ticking:
            self._thread = threading.Thread(target=self._tick_on, name="worker", daemon=True)
            self._thread.start()
            self._alerts = threading.Thread(target=self._take_alerts_on, name="alerts", daemon=True)
            self._alerts.start()

    def tick(self) -> None:
        """One heartbeat: be seen, take over from the dead, start a sweep when one is due."""
        now = self.works.outfit.now()
        executor_leases.heartbeat(self._store, self.executor_id, now, self._started)
        self._watcher.take_over(now)
        self._watcher.take_up_again(workflows.running(), now)
        if self._seconds() - self._last_sweep >= self.pace.sweep_s:
            self._last_sweep = self._seconds()
            self.sweep()

    def sweep(self) -> bool:
        """Ask for a sweep; False when one waits or runs already."""
        return self.works.door.start("sweep", "", SWEEP)

    def alerts_arrived(self) -> None:
        """Alerts were accepted: look for them now."""
        self._arrived.set()

    def take_alerts(self) -> int:
        """Judge and file alerts that wait; how many were taken. Each is leased, so that two workers share them."""
        take = self.works.take_alerts
        return take(f"{self.executor_id}-{self._started:%H%M%S%f}"[:64]) if take is not None else 0

    def stop(self, patience_s: int = 0) -> None:
        """Stop beating, give running steps ``patience_s`` seconds, give up the seat; what is cut off goes on later."""
        self._stopping.set()
        self._arrived.set()
        if self._alerts is not None:
            self._alerts.join(timeout=30)
        if self._thread is not None:
            self._thread.join(timeout=30)
        DBOS.destroy(workflow_completion_timeout_sec=patience_s)
        self.engine.dispose()
        if self._seat is not None:
            self._seat.leave()

    def _tick_on(self) -> None:
        while not self._stopping.is_set():
            try:
                self.tick()
            except (PlaybookError, sa.exc.SQLAlchemyError) as fault:
                # A database that is locked, full or away for a while is tried again with the next beat.
                _LOG.warning("beat failed: %s", fault)
            self._stopping.wait(self.pace.beat_s)

    def _take_alerts_on(self) -> None:
        while not self._stopping.is_set():
            self._arrived.clear()
            taken = 0
            try:
                taken = self.take_alerts()
            except (PlaybookError, sa.exc.SQLAlchemyError) as fault:
                _LOG.warning("alerts wait: %s", fault)
            if not taken:
                self._arrived.wait(self.pace.alerts_s)
