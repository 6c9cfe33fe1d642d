"""The action API: every action of the catalogue as one POST, for tokens whose scope reaches it."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from playbook import actions
from playbook.actions import Action, Result, catalogue
from playbook.cases import accounts
from playbook.cases.accounts import Proof
from playbook.errors import ConfigError, ConnectorError, PlaybookError
from playbook.platforms.openapi import document, scope_of
from playbook.platforms.openapi_3_0 import document as document_3_0
from playbook.web import approval_api
from playbook.web.auth import P
from playbook.web.dependencies import Dependencies
from playbook.web.recorder import Recorder, carried
from playbook.web.telemetry import redacted

router = APIRouter(prefix="/api")
_DEFAULT_BASE = "http://127.0.0.1:8080"
_DEEPEST = 3


def holder(request: Request, parts: P) -> Proof:
    """Who holds the token of this request; 401 otherwise, 429 when it asks too much."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return proven_by(request, parts, token if scheme.lower() == "bearer" else "")


def proven_by(request: Request, parts: Dependencies, token: str) -> Proof:
    """Who holds this token; 401 otherwise, 429 when it asks too much."""
    if not 0 < len(token) <= 200:
        raise HTTPException(401, "a bearer token is needed", {"www-authenticate": "Bearer"})
    with parts.store.reading() as conn:
        proof = accounts.by_token(conn, token.strip(), parts.now())
    if not isinstance(proof, Proof):
        raise HTTPException(401, proof.reason, {"www-authenticate": 'Bearer error="invalid_token"'})
    request.state.told.who = proof.name
    wait = request.app.state.tokens.wait_s(proof.name)
    if wait:
        raise HTTPException(429, "this token asks too much", {"retry-after": str(wait)})
    return proof


Holder = Annotated[Proof, Depends(holder)]


@router.get("/openapi.json")
def described() -> Response:
    """The OpenAPI document: the same text as the committed one."""
    return JSONResponse(document(catalogue()))


@router.get("/openapi-3.0.json")
def described_3_0(parts: P) -> Response:
    """The same in OpenAPI 3.0.3, with the address that people reach this service by."""
    return JSONResponse(document_3_0(catalogue(), parts.base or _DEFAULT_BASE))


@router.get("/actions")
def listed(proof: Holder) -> Response:
    """What this token may call."""
    return JSONResponse(
        {
            "actions": [
                {
                    "identifier": one.identifier,
                    "kind": one.kind,
                    "read_only": one.read_only,
                    "description": one.description,
                    "scope": scope_of(one),
                    "allowed": _allowed(proof, one),
                }
                for one in catalogue()
            ]
        }
    )


@router.post("/actions/{identifier}")
async def call(request: Request, parts: P, proof: Holder, identifier: str) -> Response:
    """Carry out one action."""
    if identifier not in actions.identifiers():
        raise HTTPException(404, "there is no such action")
    action = actions.find(identifier)
    if not _allowed(proof, action):
        raise HTTPException(
            403,
            f"{identifier} takes the scope {action.scope} and the role {action.role}; the token "
            f"has {', '.join(proof.scopes)} and {proof.role}",
        )
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "expected application/json")
    given = _given(await request.body())
    return JSONResponse(_document(identifier, await run_in_threadpool(_done, parts, proof, action, given)))


def _allowed(proof: Proof, action: Action) -> bool:
    return proof.reaches(action.scope) and proof.may(action.role)


def recorder_of(parts: Dependencies, proof: Proof) -> Recorder:
    """The record as this account reaches it."""
    return Recorder(
        parts.store, parts.config, proof, parts.now, parts.enqueue, parts.outside, parts.stopped, parts.base
    )


def _done(parts: Dependencies, proof: Proof, action: Action, given: dict[str, Any]) -> Result:
    if hasattr(action.module, "carry"):
        return carried(action, given, recorder_of(parts, proof))
    if action.kind in ("contain", "correct"):
        return approval_api.answer_or_release(parts, proof, action, given)
    return action.run(given, parts.outside())


def _given(body: bytes) -> dict[str, Any]:
    """A flat JSON object; 400 for anything else, a key that stands twice or a number that is none included."""
    try:
        found = json.loads(body.decode("utf-8") or "{}", object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise HTTPException(400, "expected a flat JSON object, each key once") from None
    if not isinstance(found, dict) or any("\x00" in f"{key}{value}" for key, value in found.items()):
        raise HTTPException(400, "expected a flat JSON object without NUL characters")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _document(identifier: str, result: Result) -> dict[str, Any]:
    return {
        "action": identifier,
        "status": "success" if result.complete else "incomplete",
        "message": result.message,
        "complete": result.complete,
        "warnings": list(result.warnings),
        "data": [row.model_dump(mode="json") for row in result.rows],
    }


def failed(status: int, said: str, headers: Any = None) -> Response:
    """A failure: the shape of an answer without data, and ``error``, a sentence for people."""
    sentence = redacted(said)
    return JSONResponse(
        {"status": "failed", "error": sentence, "message": sentence, "complete": False, "warnings": [], "data": []},
        status,
        headers=headers,
    )


def status_of(fault: PlaybookError) -> int:
    """The HTTP status of one of our errors."""
    if isinstance(fault, ConfigError):
        return 400
    if isinstance(fault, ConnectorError):
        return 503 if "the record" in str(fault) else 502
    return 409
