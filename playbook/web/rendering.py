"""Pages as they leave: our templates around the report's, with the frame that every page has."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fastapi import Request
from jinja2 import Environment
from starlette.responses import HTMLResponse, Response

from playbook.cases import exports, response_state
from playbook.cases.containments import STEP_WORDS
from playbook.cases.roles import ROLES
from playbook.model.response import Plan
from playbook.report import html
from playbook.report.sanitize import duration
from playbook.web.auth import parts_of
from playbook.web.sessions import Person

HERE = Path(__file__).parent
PAGES = (("/", "To do"), ("/cases", "Cases"), ("/blocked", "In force"), ("/audit", "Audit"))
# What a page says after a form was taken; the address holds only the key.
TOLD: Mapping[str, str] = MappingProxyType(
    {
        "approved": "Approved. The containment is being set; its state is shown below.",
        "counted": "Your approval counts. One more person must approve the same plan.",
        "denied": "Denied. Nothing is contained.",
        "resolved": "The case is closed.",
        "reopened": "The case is open again.",
        "releasing": "The release is asked for. It is verified at the device.",
        "closed": "The chosen cases are closed.",
        "taken": "You have the case.",
        "handed_back": "Nobody has the case now.",
        "asked": "The plan waits for an answer again.",
        "commented": "The comment is kept with the case.",
    }
)


@cache
def _templates() -> Environment:
    pages = html.environment(HERE / "templates").overlay()
    pages.globals = dict(pages.globals) | {
        "left": left,
        "ago": ago,
        "ttl": ttl,
        "PAGES": PAGES,
        "ROLES": ROLES,
        "STATES": response_state.STATES,
        "STATE_WORDS": response_state.WORDS,
        "STEP_WORDS": STEP_WORDS,
        "NEXT_STEP": response_state.NEXT_STEP,
        "MAY_ASK_AGAIN": response_state.MAY_ASK_AGAIN,
        "state_words": response_state.state_words,
        "formats": exports.formats(),
    }
    return pages


def page(
    request: Request,
    template: str,
    person: Person | None = None,
    status: int = 200,
    fault: str = "",
    headers: Mapping[str, str] = MappingProxyType({}),
    **values: Any,
) -> HTMLResponse:
    """A whole page; ``fault`` is told at its top."""
    parts = parts_of(request)
    told = TOLD.get(request.query_params.get("told", ""), "") if request.method == "GET" else ""
    frame = {
        "person": person,
        "here": request.url.path,
        "now": parts.now(),
        "off": parts.off,
        "kill_switch": parts.kill_switch,
        "fault": fault,
        "told": told,
        "troubles": parts.troubles() if person else (),
        "lab": bool(parts.config.networks.lab),
    }
    return HTMLResponse(_templates().get_template(template).render(frame | values), status, headers=dict(headers))


def see_other(path: str, told: str = "") -> Response:
    """Go there with GET; the path is always one that we wrote or checked."""
    return Response(status_code=303, headers={"location": path + (f"?told={told}" if told else "")})


def left(until: datetime, now: datetime) -> str:
    """``in 3 h 12 min``, or that it is over."""
    return f"in {duration((until - now).total_seconds())}" if until > now else "over"


def ago(moment: datetime, now: datetime) -> str:
    """``12 min ago``."""
    return f"{duration((now - moment).total_seconds())} ago" if now - moment >= timedelta(seconds=1) else "just now"


def ttl(plan: Plan) -> timedelta:
    """How long the plan's longest step lasts."""
    return timedelta(seconds=max(step.ttl_s for step in plan.steps))
