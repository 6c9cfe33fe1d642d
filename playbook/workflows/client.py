"""Starting workflows and looking after them from any process: a client, which never runs any itself."""

import sqlite3
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions
from dbos import error as dbos_error

from playbook.cases import schedules
from playbook.cases.approval_requests import ApprovalRequest
from playbook.cases.schedules import ScheduledJob
from playbook.cases.store import KEEPALIVES, Store, set_up_postgresql
from playbook.errors import ConfigError
from playbook.model.response import Plan

NAME, VERSION = "botnet-playbook", "1"
ACT, SWEEP, TRIAGE = "act", "sweep", "triage"
_SCHEMA = "dbos"
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON")
_FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

# DBOS on Python 3.12 and later stamps its rows with unixepoch('subsec'), which is null before this SQLite.
_SQLITE_OF_312 = (3, 42)

# Never pickle: whoever can write the database could run code with it.
SERIALIZER = DBOSPortableJSONSerializer()


def sqlite_fault(python: tuple[int, ...], sqlite: tuple[int, ...]) -> str:
    """Why this interpreter's SQLite cannot hold the workflows; "" when it can."""
    if python < (3, 12) or sqlite >= _SQLITE_OF_312:
        return ""
    return (
        f"state.url: Python {python[0]}.{python[1]} needs SQLite {_SQLITE_OF_312[0]}.{_SQLITE_OF_312[1]} or later for "
        f"serve, and has {'.'.join(map(str, sqlite))}: use PostgreSQL, Python 3.11, or a Python with a newer SQLite"
    )


def workflow_engine(store: Store) -> sa.Engine:
    """Connections of the workflow engine to the record's database; it begins transactions in its own way.

    Raises ConfigError where this interpreter's SQLite is too old for it.
    """
    if store.file is not None and (fault := sqlite_fault(sys.version_info[:2], sqlite3.sqlite_version_info)):
        raise ConfigError(fault)
    if store.file is None:
        engine = sa.create_engine(
            store.engine.url, pool_size=10, max_overflow=5, pool_pre_ping=True, connect_args=KEEPALIVES
        )
        sa.event.listen(engine, "connect", lambda connection, _: set_up_postgresql(connection))
        return engine
    engine = sa.create_engine(store.engine.url)
    sa.event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.isolation_level = "IMMEDIATE"


class WorkflowClient:
    """What the service, the command line and the worker use to start work and to look after it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._engine = workflow_engine(store)
        schema = None if store.file else _SCHEMA
        if not sa.inspect(self._engine).has_table("workflow_status", schema=schema):
            DBOS.migrate(store.engine.url.render_as_string(hide_password=False))
        self._client = DBOSClient(
            system_database_engine=self._engine,
            serializer=SERIALIZER,
            application_name=NAME,
            lazy=True,
            retry_connection_errors=False,
        )

    def close(self) -> None:
        """Let go of every connection."""
        self._client.destroy()
        self._engine.dispose()

    def enqueue(self, conn: sa.Connection, request_id: str) -> None:
        """Start carrying out an approved request, in the transaction that approves it."""
        self._client.enqueue_in_transaction(conn, self._options("contain_case", ACT, request_id), request_id)

    def starting(self, conn: sa.Connection, request: ApprovalRequest, plan: Plan, keys: tuple[str, ...]) -> None:
        """``enqueue`` as ``approvals.decide`` calls it."""
        self.enqueue(conn, request.request_id)

    def start_run(self, one: ScheduledJob, now: datetime) -> bool:
        """Claim an errand and start its run in one transaction; False when it was claimed or is still running."""
        options = self._options("triage", TRIAGE, one.name, f":{now.isoformat()}")
        try:
            with self._store.change() as conn:
                if not schedules.acquire(conn, one, now):
                    return False
                self._client.enqueue_in_transaction(conn, options, one.name, now.isoformat())
        except dbos_error.DBOSQueueDeduplicatedError:
            return False
        return True

    def start(self, workflow: str, subject: str, queue: str = ACT, once: str = "", *more: str) -> bool:
        """Start a workflow on a subject (and what ``more`` it takes); False while one of that name on it is under way.

        With ``once`` a second start of the same ever does nothing. Without it the identity is new each time, never a
        clock's: an identity that came up again (a clock set back) would silently start nothing.
        """
        options = self._options(workflow, queue, subject, f":{once or uuid4().hex}")
        try:
            self._client.enqueue(options, *((subject,) if subject else ()), *more)
        except dbos_error.DBOSQueueDeduplicatedError:
            return False
        return True

    def _options(self, workflow: str, queue: str, subject: str, moment: str = "") -> EnqueueOptions:
        return {
            "workflow_name": workflow,
            "queue_name": queue,
            "workflow_id": f"{workflow}:{subject}{moment}",
            "deduplication_id": f"{workflow}:{subject}",
            "app_version": VERSION,
        }

    def unfinished_of(self, executor_id: str) -> tuple[str, ...]:
        """The workflows that an executor has begun and not finished."""
        found = self._client.list_workflows(
            status="PENDING", executor_id=executor_id, load_input=False, load_output=False, limit=10_000
        )
        return tuple(one.workflow_id for one in found)

    def resume(self, workflows: Sequence[str]) -> None:
        """Let any worker go on with these."""
        if workflows:
            self._client.resume_workflows(list(workflows))

    def unfinished(self) -> int:
        """How many workflows wait or run."""
        states = ["PENDING", "ENQUEUED", "DELAYED"]
        return len(self._client.list_workflows(status=states, load_input=False, load_output=False, limit=10_000))

    def forget_finished(self, before: datetime, limit: int = 500) -> int:
        """Delete at most ``limit`` workflows that finished before this; how many."""
        found = self._client.list_workflows(
            status=_FINISHED, completed_before=before.isoformat(), load_input=False, load_output=False, limit=limit
        )
        ids = [one.workflow_id for one in found]
        if ids:
            self._client.delete_workflows(ids)
        return len(ids)
