"""The workflows, each a few lines over steps; a step is a plain function over ``Works`` that may run twice."""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from threading import Lock
from typing import TypeVar

import sqlalchemy as sa
from dbos import DBOS

from playbook.cases import schedules
from playbook.cases.schema import containments
from playbook.errors import PlaybookError
from playbook.workflows import executor, isolation, outbox_relay, scheduler
from playbook.workflows.context import WorkflowContext

T = TypeVar("T")
_LOG = logging.getLogger(__name__)

# Every step by name. Each is looked up here when it runs, so that a test can stand around any of them.
STEPS: dict[str, Callable[..., object]] = {}
_at_work: list[WorkflowContext] = []
_running = Counter[str]()
_lock = Lock()


def register_workflows(works: WorkflowContext) -> None:
    """Let the workflows of this process run over these works; there is one of them per process."""
    _at_work[:] = [works]


def _step(name: str, function: Callable[..., T]) -> Callable[..., T]:
    STEPS[name] = function

    def bound(*subjects: str) -> T:
        return STEPS[name](_at_work[0], *subjects)  # type: ignore[return-value]

    bound.__name__ = bound.__qualname__ = name
    return DBOS.step(name=name)(bound)


def keys_of(works: WorkflowContext, request_id: str) -> list[str]:
    """The containments that this request intended and that are still to be carried out."""
    query = sa.select(containments.c.key).where(
        containments.c.request_id == request_id, containments.c.state == "intended"
    )
    with works.outfit.store.reading() as conn:
        return list(conn.execute(query.order_by(containments.c.key)).scalars())


def file_now(works: WorkflowContext, name: str, moment: str) -> list[str]:
    """Carry out the errand of this name as of a moment (ISO 8601); the requests that were asked.

    The moment comes with the work, so that a run that is repeated is the same run and files nothing twice.
    """
    if works.carry is None:
        return []
    one = next((one for one in works.errands if one.name == name), None)
    begun = datetime.fromisoformat(moment)
    try:
        asked = works.carry(name, begun)
    except Exception as fault:
        _LOG.error("run of %s failed: %s", name, fault)
        if one is not None:
            with works.outfit.store.change() as conn:
                schedules.failed(conn, one, str(fault) or type(fault).__name__, works.outfit.now())
        if isinstance(fault, PlaybookError):
            return []
        raise
    if one is not None:
        with works.outfit.store.change() as conn:
            schedules.done(conn, one, begun)
    return list(asked)


_file_now = _step("file_now", file_now)
_keys_of = _step("keys_of", keys_of)
_intend = _step("intend", lambda works, key: executor.prepare(works.outfit, key))
_apply = _step("apply", lambda works, key: executor.apply(works.outfit, key))
_confirm = _step("confirm", lambda works, key: executor.verify(works.outfit, key))
_claim = _step("claim", lambda works, key: executor.claim(works.outfit, key))
_undo = _step("undo", lambda works, key: executor.release(works.outfit, key))
_confirm_undone = _step("confirm_undone", lambda works, key: executor.verify_released(works.outfit, key))
_why_kept = _step("why_kept", isolation.why_kept)
_extend = _step("extend", lambda works, key, why: executor.extend(works.outfit, key, why))
_SWEEP = tuple(
    _step(name, function)
    for name, function in (
        ("start_runs", scheduler.start_runs),
        ("expire", scheduler.expire),
        ("remind", scheduler.remind),
        ("start_due", scheduler.start_due),
        ("open_tickets", outbox_relay.open_tickets),
        ("send_comments", outbox_relay.send_comments),
        ("tell_people", outbox_relay.tell_people),
        ("send_events", outbox_relay.send_events),
        ("forget", scheduler.forget),
        ("anchor", scheduler.anchor),
    )
)


def running() -> frozenset[str]:
    """The workflows that a thread of this process is carrying out."""
    with _lock:
        for identity in [identity for identity, number in _running.items() if not number]:
            del _running[identity]
        return frozenset(_running)


def _workflow(name: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """A workflow of this name that is known to run here while it does."""

    def bind(function: Callable[..., T]) -> Callable[..., T]:
        @wraps(function)
        def known(*subjects: str) -> T:
            identity = DBOS.workflow_id or ""
            with _lock:
                _running[identity] += 1
            try:
                return function(*subjects)
            finally:
                # Counted, because one that was cut off may still be ending while it runs again.
                with _lock:
                    _running[identity] -= 1

        # No limit of recovery attempts: every restart counts as one, and a restart storm must not end waiting work.
        return DBOS.workflow(name=name, max_recovery_attempts=None)(known)

    return bind


@_workflow("triage")
def triage(name: str, moment: str) -> list[str]:
    """Detect, judge and file; gives the requests that wait."""
    return _file_now(name, moment)


@_workflow("contain_case")
def contain_case(request_id: str) -> dict[str, str]:
    """Carry out every step of an approved request; what became of each."""
    return {key: _carried_out(key) for key in _keys_of(request_id)}


def _carried_out(key: str) -> str:
    word = _intend(key)
    if word == "go":
        word = _apply(key)
    return _confirm(key) if word == "done" else word


@_workflow("release")
def release(key: str) -> str:
    """Undo one containment and see that it is gone."""
    word = _claim(key)
    if word == "go":
        word = _undo(key)
    return _confirm_undone(key) if word == "done" else word


@_workflow("reconsider")
def reconsider(key: str) -> str:
    """An isolation near its end: look again, keep it, tell a person why."""
    why = _why_kept(key)
    return _extend(key, why) if why else "over"


@_workflow("sweep")
def sweep_once() -> list[int]:
    """Everything that time brings about and the outbox, one thing after the other."""
    return [int(one()) for one in _SWEEP]
