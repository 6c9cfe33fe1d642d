"""Whether the service can do its work, and its numbers for Prometheus."""

import shutil
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.responses import JSONResponse, Response

from playbook.cases import (
    approval_requests,
    audit,
    case_rows,
    case_search,
    containments,
    outbox,
    queries,
    write_back_outbox,
)
from playbook.cases.accounts import Proof
from playbook.errors import PlaybookError
from playbook.web.action_api import holder
from playbook.web.auth import P
from playbook.web.dependencies import Dependencies

router = APIRouter(include_in_schema=False)
_LEAST_FREE = 50 * 2**20


@router.get("/health")
def health(parts: P) -> Response:
    """200 when the record can be read and the work behind goes on; 503 otherwise. Names nothing of ours."""
    checks = {
        "record": "ok",
        "worker": "trouble" if parts.troubles() else "ok",
        "containment": "off" if parts.off else "on",
        "kill_switch": "on" if parts.kill_switch else "off",
    }
    try:
        with parts.store.reading() as conn:
            conn.execute(sa.text("SELECT 1"))
            audit.head(conn)
        if parts.restored():
            checks["record"] = "restored, not confirmed"
    except PlaybookError:
        checks["record"] = "cannot be read"
    checks["disk"] = _disk(parts)
    good = all(checks[name] == "ok" for name in ("record", "worker", "disk"))
    return JSONResponse({"status": "ok" if good else "failing", "checks": checks}, 200 if good else 503)


def _disk(parts: Dependencies) -> str:
    """Whether there is room where the SQLite file lies; a database of another machine looks after its own."""
    if parts.store.file is None:
        return "ok"
    try:
        free = shutil.disk_usage(parts.store.file.parent).free
    except OSError:
        return "cannot be read"
    return "ok" if free >= _LEAST_FREE else "full"


@router.get("/metrics")
def metrics(request: Request, parts: P, proof: Annotated[Proof, Depends(holder)]) -> Response:
    """The numbers; any token may read them."""
    registry = CollectorRegistry()
    now = parts.now()
    with parts.store.reading() as conn:
        _gauge(registry, "requests_waiting", "Requests that wait for people", approval_requests.pending_count(conn))
        _gauge(registry, "containments_in_force", "Containments in force or about to be", queries.in_force(conn))
        due = len(containments.due(conn, now))
        _gauge(registry, "containments_due", "Containments that a sweep has to look at", due)
        _gauge(registry, "audit_lines", "Lines of the audit trail", audit.head(conn)[0])
        _gauge(registry, "notices_untold", "Notices that nobody took yet", len(outbox.pending_notifications(conn)))
        _gauge(registry, "tickets_unopened", "Tickets that no desk has yet", len(outbox.pending_tickets(conn)))
        waiting = write_back_outbox.pending_count(conn)
        _gauge(registry, "outcomes_unwritten", "Outcomes that no SIEM has yet", waiting)
        stands = Gauge("botnet_playbook_case_states", "Cases by where they stand", ["state"], registry=registry)
        states = Gauge("botnet_playbook_cases", "Cases by status", ["status"], registry=registry)
        for status, number in case_rows.counts(conn).items():
            states.labels(status).set(number)
        last = queries.last_run_at(conn)
        for state, number in case_search.by_state(conn).items():
            stands.labels(state).set(number)
    age = (now - last).total_seconds() if last else float("nan")
    _gauge(registry, "last_run_age_seconds", "Seconds since a run ended, also one over unchanged files", age)
    _gauge(registry, "containment_off", "1 when containment is off", float(bool(parts.off)))
    _gauge(registry, "kill_switch_on", "1 when the kill switch stops all applying", float(bool(parts.kill_switch)))
    text = generate_latest(request.app.state.registry) + generate_latest(registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def _gauge(registry: CollectorRegistry, name: str, said: str, value: float) -> None:
    Gauge(f"botnet_playbook_{name}", said, registry=registry).set(value)
