"""Where a case stands: one state worked out from its request and its containments, in the same words at every door."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, Protocol, get_args

import sqlalchemy as sa

from playbook.cases.schema import UtcTime, cases, containments, requests

ResponseState = Literal[
    "waiting",
    "failed",
    "released",
    "denied",
    "expired",
    "by_hand",
    "being_set",
    "being_released",
    "contained",
    "needs_look",
    "watched",
    "closed",
]
STATES: tuple[ResponseState, ...] = get_args(ResponseState)
# A convicted host in one of these is contained by nobody: a person has something to do.
ATTENTION: tuple[ResponseState, ...] = ("waiting", "failed", "released", "denied", "expired", "by_hand")
# Those whose plan may be put to people once more.
MAY_ASK_AGAIN = frozenset[ResponseState]({"failed", "released", "denied", "expired"})
WORDS: Mapping[ResponseState, str] = MappingProxyType(
    {
        "waiting": "waiting for approval",
        "failed": "containment failed",
        "released": "released",
        "denied": "denied",
        "expired": "expired without an answer",
        "by_hand": "to contain by hand",
        "being_set": "approved, being set",
        "being_released": "being released",
        "contained": "contained",
        "needs_look": "needs a look",
        "watched": "watched",
        "closed": "closed",
    }
)
NEXT_STEP: Mapping[ResponseState, str] = MappingProxyType(
    {
        "waiting": "Approve or deny the plan.",
        "failed": "Read why it failed, then ask again or contain it by hand.",
        "released": "Ask again, or close the case with a reason.",
        "denied": "Ask again, or close the case with a reason.",
        "expired": "Ask again, or close the case with a reason.",
        "by_hand": "Isolate the host or block the destination for it by hand, then close the case with a reason.",
        "needs_look": "Look at the evidence, then close the case with a reason.",
    }
)


class HasState(Protocol):
    """What a sentence about a case is made of."""

    @property
    def state(self) -> ResponseState:
        """Where it stands."""

    @property
    def last_seen(self) -> datetime:
        """When its traffic was last seen."""

    @property
    def state_at(self) -> datetime | None:
        """Since when it stands there, where that is known."""

    @property
    def contained_until(self) -> datetime | None:
        """When what is in force ends."""


def seen_since(row: HasState) -> bool:
    """Whether the host was seen beaconing after its plan was denied, expired or failed, or after its release."""
    return row.state in MAY_ASK_AGAIN and row.state_at is not None and row.last_seen > row.state_at


def state_words(row: HasState) -> str:
    """``contained until 2026-03-02 14:00 UTC``, ``denied, still beaconing``, ``released, beaconing again``."""
    words = WORDS[row.state]
    if seen_since(row):
        return f"{words}, {'beaconing again' if row.state == 'released' else 'still beaconing'}"
    if row.contained_until is not None and row.state in ("contained", "waiting", "closed"):
        until = f"until {row.contained_until:%Y-%m-%d %H:%M} UTC"
        return f"{words} {until}" if row.state == "contained" else f"{words}; contained {until}"
    return words


# The newest request of each case; None where nobody was ever asked.
_newest = requests.alias("newest_request")
_newest_id = (
    sa.select(requests.c.request_id)
    .where(requests.c.case_id == cases.c.case_id)
    .order_by(requests.c.asked_at.desc(), requests.c.request_id)
    .limit(1)
    .correlate(cases)
    .scalar_subquery()
)
FROM = cases.outerjoin(_newest, _newest.c.request_id == _newest_id)


def _of_case(*states: str) -> sa.ColumnElement[bool]:
    return (containments.c.case_id == cases.c.case_id) & containments.c.state.in_(states)


def _any(*states: str) -> sa.ColumnElement[bool]:
    return sa.exists().where(_of_case(*states)).correlate(cases)


def _last_ended(column: sa.ColumnElement[Any]) -> Any:
    """A column of the containment of the case that ended last."""
    query = sa.select(column).where(_of_case("released", "failed")).correlate(cases)
    return query.order_by(containments.c.updated_at.desc(), containments.c.key).limit(1).scalar_subquery()


_guilty = cases.c.disposition == "TRUE_POSITIVE"
_failed_step = sa.exists().where(_of_case("failed"), containments.c.request_id == _newest.c.request_id)
_ended = _last_ended(containments.c.state)
state_column: sa.ColumnElement[str] = sa.case(
    (cases.c.closed_at.is_not(None), "closed"),
    (_newest.c.state == "waiting", "waiting"),
    (_any("intended"), "being_set"),
    (_guilty & _failed_step.correlate(cases, _newest), "failed"),
    (_any("active", "extending"), "contained"),
    (_any("releasing"), "being_released"),
    (_guilty & _newest.c.state.in_(("denied", "expired")), _newest.c.state),
    (_guilty & _ended.is_not(None), _ended),
    (_guilty, "by_hand"),
    (cases.c.status == "watch", "watched"),
    else_="needs_look",
).label("state")
_answered_at = sa.case(
    (_newest.c.state == "waiting", _newest.c.asked_at),
    (_newest.c.state.in_(("denied", "expired")), _newest.c.decided_at),
    else_=sa.func.coalesce(_last_ended(containments.c.updated_at), _newest.c.decided_at),
)
COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    state_column,
    sa.type_coerce(_answered_at, UtcTime).label("state_at"),
    sa.type_coerce(
        sa.select(sa.func.max(containments.c.until))
        .where(_of_case("active", "extending"))
        .correlate(cases)
        .scalar_subquery(),
        UtcTime,
    ).label("contained_until"),
    sa.case((_newest.c.state == "waiting", _newest.c.expires_at)).label("expires_at"),
    sa.func.coalesce(_newest.c.decided_by, "").label("answered_by"),
)
# Only these may need attention; so a page of those that do does not have to work the state of all others out.
may_need_attention: sa.ColumnElement[bool] = cases.c.closed_at.is_(None) & (
    _guilty | (sa.func.coalesce(_newest.c.state, "") == "waiting")
)
# Most severe first: the verdict with its confidence, then what a person can still answer, then the time left.
severity_order: tuple[sa.ColumnElement[Any], ...] = (
    sa.case(
        (_guilty & (cases.c.confidence == "high"), 0),
        (_guilty & (cases.c.confidence == "medium"), 1),
        (_guilty, 2),
        (cases.c.disposition == "UNDETERMINED", 3),
        else_=4,
    ),
    sa.case({state: place for place, state in enumerate(STATES)}, value=state_column),
    sa.func.coalesce(sa.type_coerce(_newest.c.expires_at, sa.String), "9"),
    cases.c.last_seen.desc(),
    cases.c.case_id,
)
