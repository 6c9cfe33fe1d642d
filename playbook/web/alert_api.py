"""Alerts in and cases out: POST /api/alerts keeps every row before it answers 202, GET /api/cases pages the record."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import SecretStr
from starlette.responses import JSONResponse, Response

from playbook.alerts.entries import sender_of
from playbook.alerts.intake import Received, receive, row_sentence, why_not_signed
from playbook.alerts.senders import parsed
from playbook.alerts.work import Ground
from playbook.cases import alerts, case_rows, exports
from playbook.config import AlertSender, resolve_secrets
from playbook.errors import ConfigError
from playbook.model.verdict import CaseStatus, Disposition
from playbook.report.wording import severity
from playbook.web.action_api import Holder, proven_by, recorder_of
from playbook.web.auth import P
from playbook.web.dependencies import Dependencies

router = APIRouter(prefix="/api")
_TOKEN_HEADER = "X-Botnet-Playbook-Token"


@router.post("/alerts")
async def file_alerts(request: Request, parts: P) -> Response:
    """Alerts of any sender, in any shape that names itself."""
    return await _received(request, parts, "")


@router.post("/alerts/{name}")
async def file_alerts_as(request: Request, parts: P, name: str) -> Response:
    """Alerts of the sender ``[alerts.NAME]``."""
    return await _received(request, parts, name)


@router.get("/alerts/{alert_id}")
def read_alert(parts: P, proof: Holder, alert_id: str) -> Response:
    """What came of one alert; its case is read with get_case."""
    _needs_investigate(proof.reaches("investigate"))
    with parts.store.reading() as conn:
        one = alerts.alert_of(conn, alert_id)
    if one is None:
        raise HTTPException(404, "there is no such alert")
    return JSONResponse(one.model_dump(mode="json", exclude={"document", "result"}))


@router.get("/cases")
def cases(
    parts: P,
    proof: Holder,
    status: CaseStatus | None = None,
    disposition: Disposition | None = None,
    host: Annotated[str, Query(max_length=255)] = "",
    changed_since: Annotated[str, Query(max_length=40)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """Cases, the last changed first; ``next_offset`` is null on the last page."""
    _needs_investigate(proof.reaches("investigate"))
    wanted = case_rows.Filter(
        status=status, disposition=disposition, host=host.strip().lower(), changed_since=_moment(changed_since)
    )
    with parts.store.reading() as conn:
        rows = case_rows.filtered(conn, wanted, limit + 1, offset)
    page = [one.model_dump(mode="json") for one in rows[:limit]]
    return JSONResponse({"cases": page, "next_offset": offset + limit if len(rows) > limit else None})


@router.get("/cases/{case_id}")
def one_case(
    parts: P, proof: Holder, case_id: str, name: Annotated[str, Query(alias="format", max_length=32)] = ""
) -> Response:
    """One case whole: what get_case gives as a row, with its detections; with ``format`` in another product's words."""
    _needs_investigate(proof.reaches("investigate"))
    if name:
        return _exported(parts, recorder_of(parts, proof).page(case_id), case_id, name)
    with parts.store.reading() as conn:
        case, row = case_rows.case_of(conn, case_id), case_rows.row_of(conn, case_id)
    state = recorder_of(parts, proof).case(case_id)
    if case is None or row is None or state is None:
        raise HTTPException(404, "there is no such case")
    plan = None if case.plan is None else case.plan.model_dump(mode="json")
    return JSONResponse(
        row.model_dump(mode="json")
        | {
            "severity": severity(case),
            "verdict": case.verdict.model_dump(mode="json"),
            "plan": plan,
            "plan_state": state.plan.state if state.plan else "",
            "approval_url": state.url,
            "detections": [one.enriched.detection.model_dump(mode="json") for one in case.detections],
        }
    )


def _exported(parts: Dependencies, url: str, case_id: str, name: str) -> Response:
    if name not in exports.formats():
        raise ConfigError(f"format: {name!r} is none of {', '.join(exports.formats())}")
    with parts.store.reading() as conn:
        found = exports.gather(conn, case_id, url)
    if found is None:
        raise HTTPException(404, "there is no such case")
    return Response(exports.render(name, found), media_type=exports.media_type(name))


def _needs_investigate(reaches: bool) -> None:
    if not reaches:
        raise HTTPException(403, "reading takes the scope investigate, which this token has not")


async def _received(request: Request, parts: Dependencies, name: str) -> Response:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "expected application/json")
    if name and name not in parts.config.alerts:
        raise HTTPException(404, "no sender of this name is configured")
    settings = sender_of(parts.config, name)
    body = await request.body()
    return await run_in_threadpool(_kept, request, parts, name, settings, body)


def _kept(request: Request, parts: Dependencies, name: str, settings: AlertSender, body: bytes) -> Response:
    account = _account(request, parts, name, settings, body)
    document = parsed(body)
    ground = Ground(parts.store, parts.outside, parts.now)
    received = receive(ground, parts.config, document, name, account)
    if received.rejected and not received.keys:
        raise ConfigError("; ".join(map(row_sentence, received.rejected[:20])))
    if received.accepted.queued:
        parts.arrived()
    return JSONResponse(answer(received), 202)


def answer(received: Received) -> dict[str, Any]:
    """What the sender is told of its alerts."""
    new, repeated, over = (len(some) for some in received.accepted)
    parts = [
        f"{new} to be judged",
        *([f"{repeated} sent before"] if repeated else []),
        *([f"{over} over the cap an hour, in the digest ticket"] if over else []),
        *([f"{len(received.rejected)} bad row(s)"] if received.rejected else []),
    ]
    return {
        "status": "accepted",
        "message": ", ".join(parts),
        "accepted": new,
        "repeated": repeated,
        "over_cap": over,
        "rejected": [one.model_dump() for one in received.rejected],
        "alerts": list(received.keys),
        "warnings": list(received.notes),
    }


def _account(request: Request, parts: Dependencies, name: str, settings: AlertSender, body: bytes) -> str:
    """Who sends: the account of a token with the scope intake, or the sender itself by its signature."""
    if settings.secret_env and "authorization" not in request.headers:
        secret: SecretStr = resolve_secrets({"secret_env": settings.secret_env}, "serve", f"alerts.{name}")["secret"]
        why = why_not_signed(settings, secret, {k.lower(): v for k, v in request.headers.items()}, body, parts.now())
        if why:
            raise HTTPException(401, why)
        # No account can have this name: its colon is none of the letters of one.
        return f"alerts:{name}"
    header = settings.token_header or _TOKEN_HEADER
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else request.headers.get(header, "").strip()
    proof = proven_by(request, parts, token)
    if not proof.reaches("intake"):
        raise HTTPException(403, f"filing alerts takes the scope intake; the token has {', '.join(proof.scopes)}")
    return proof.name


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise HTTPException(400, f"changed_since: expected ISO 8601, not {text[:40]!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
