"""Which recorded cases a person looks for: by state, verdict, owner, assignee, host, destination and time, sorted."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, cast

import sqlalchemy as sa
from pydantic import Field

from playbook.cases import case_rows, response_state
from playbook.cases.case_rows import CaseRow
from playbook.cases.response_state import ATTENTION, ResponseState
from playbook.cases.schema import cases, detections
from playbook.model import Value
from playbook.model.verdict import CaseStatus, Disposition

Sort = Literal["severity", "changed", "seen", "host", "opened"]
NOBODY = "nobody"
_ORDER: Mapping[Sort, tuple[sa.ColumnElement[Any], ...]] = MappingProxyType(
    {
        "severity": response_state.severity_order,
        "changed": (cases.c.updated_at.desc(), cases.c.case_id),
        "seen": (cases.c.last_seen.desc(), cases.c.case_id),
        "host": (cases.c.host, cases.c.case_id),
        "opened": (cases.c.opened_at.desc(), cases.c.case_id),
    }
)


class CaseSearch(Value):
    """What is looked for; what is not set leaves none out.

    ``state`` "attention" stands for every state in which a person has something to do. ``text`` is any part of the
    host, the owner, the case's identity, or of a destination's address or name. ``days``: changed within so many days.
    """

    state: ResponseState | Literal["attention", ""] = ""
    status: CaseStatus | Literal[""] = ""
    verdict: Disposition | Literal[""] = ""
    owner: str = Field(default="", max_length=255)
    assignee: str = Field(default="", max_length=64)
    host: str = Field(default="", max_length=255)
    destination: str = Field(default="", max_length=255)
    text: str = Field(default="", max_length=255)
    days: int = Field(default=0, ge=0, le=3650)
    sort: Sort = "changed"


def search(
    conn: sa.Connection, wanted: CaseSearch, now: datetime, limit: int = 50, offset: int = 0
) -> tuple[CaseRow, ...]:
    """The cases of a search in its order; at most 1,000 at a time."""
    query = case_rows.listed().where(*_conditions(wanted, now)).order_by(*_ORDER[wanted.sort])
    rows = conn.execute(query.limit(max(1, min(limit, 1000))).offset(offset)).mappings()
    return tuple(CaseRow(**row) for row in rows)


def number(conn: sa.Connection, wanted: CaseSearch, now: datetime) -> int:
    """How many cases a search has."""
    query = sa.select(sa.func.count()).select_from(response_state.FROM).where(*_conditions(wanted, now))
    return int(conn.execute(query).scalar_one())


def by_state(conn: sa.Connection) -> dict[ResponseState, int]:
    """How many cases stand in each state."""
    state = response_state.state_column
    query = sa.select(state, sa.func.count()).select_from(response_state.FROM).group_by(state)
    return {cast(ResponseState, row[0]): int(row[1]) for row in conn.execute(query)}


def _conditions(wanted: CaseSearch, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    state = response_state.state_column
    found: list[sa.ColumnElement[bool]] = []
    if wanted.state == "attention":
        found += [response_state.may_need_attention, state.in_(ATTENTION)]
    elif wanted.state:
        found.append(state == wanted.state)
    found += [cases.c.status == wanted.status] if wanted.status else []
    found += [cases.c.disposition == wanted.verdict] if wanted.verdict else []
    found += [cases.c.owner == wanted.owner] if wanted.owner else []
    if wanted.assignee:
        found.append(cases.c.assignee == ("" if wanted.assignee == NOBODY else wanted.assignee))
    found += [cases.c.host == wanted.host.strip().lower()] if wanted.host.strip() else []
    found += [_calls(wanted.destination.strip(), exact=True)] if wanted.destination.strip() else []
    found += [_mentions(wanted.text.strip())] if wanted.text.strip() else []
    found += [cases.c.updated_at >= now - timedelta(days=wanted.days)] if wanted.days else []
    return tuple(found)


def _calls(destination: str, exact: bool) -> sa.ColumnElement[bool]:
    """Whether a detection of the case goes to this address or name, or (not ``exact``) to one that holds the text."""
    text = destination.lower()
    columns = (detections.c.dst_ip, detections.c.dst_name)
    matches = [column == text if exact else column.contains(text, autoescape=True) for column in columns]
    return cases.c.case_id.in_(sa.select(detections.c.case_id).where(sa.or_(*matches)))


def _mentions(text: str) -> sa.ColumnElement[bool]:
    """Whether the text stands in the host, owner or identity of the case, or in one of its destinations."""
    own = [cases.c.host.contains(text.lower(), autoescape=True), cases.c.case_id == text]
    own.append(sa.func.lower(cases.c.owner).contains(text.lower(), autoescape=True))
    return sa.or_(*own, _calls(text, exact=False))
