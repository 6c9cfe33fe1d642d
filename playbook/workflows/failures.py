"""What follows for the record from an attempt on a device: given up, in trouble, overtaken; and who is told."""

from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from playbook.cases import audit, case_rows, outbox
from playbook.cases import containments as kept
from playbook.cases.containments import ContainmentRecord, State
from playbook.model.response import Notice

# What a stage of the work came to; "again" is for the next sweep, "over" means that there is nothing (more) to do.
Word = Literal["go", "done", "again", "stopped", "over"]
# Where the record went on without a worker that had asked a device: what is mended how.
_SET_LATE: dict[State, State] = {"released": "releasing", "failed": "releasing"}
_UNSET_LATE: dict[State, State] = {"active": "intended", "extending": "intended"}


def record_stop(conn: sa.Connection, found: ContainmentRecord, why: str, tried: bool, now: datetime) -> Word:
    """Give a step up: undo what an earlier attempt may have set, else it has failed and stays a proposal."""
    after: State = "releasing" if tried else "failed"
    if kept.change_state(conn, found.key, ("intended",), after, now, trouble=why):
        comment_on_ticket(conn, found, "stopped", f"Not contained: {why}", now)
        notify_people(conn, found, "stopped", "Not contained", why, now)
    return "stopped"


def record_failure(conn: sa.Connection, found: ContainmentRecord, why: str, now: datetime) -> Word:
    """Keep a failure for the next attempt to mend; people are told once for each state it happens in."""
    if found.trouble != why[:2000]:
        kept.change_state(conn, found.key, (found.state,), found.state, now, trouble=why)
    what = "Not released yet" if found.state == "releasing" else "Not verified yet"
    notify_people(conn, found, f"trouble:{found.state}", what, f"{why}; it is tried again", now)
    return "again"


def record_superseded(conn: sa.Connection, found: ContainmentRecord, touched: bool, now: datetime) -> bool:
    """Whether the record went on while a device was asked: this worker stood still, and another took it for dead.

    ``touched``: the device may have been changed by what came so late. What is recorded as gone is then released again,
    and what is recorded as in force is set again; neither is believed before the device has been read.
    """
    current = kept.find(conn, found.key)
    if current is None or (current.state, current.round) == (found.state, found.round):
        return False
    after = (_UNSET_LATE if found.state == "releasing" else _SET_LATE).get(current.state)
    if not touched or after is None:
        return True
    what = "released" if found.state == "releasing" else "set"
    why = f"a worker that was taken for dead {what} it late"
    kept.change_state(conn, found.key, (current.state,), after, now, trouble=why)
    again = "it is set again" if after == "intended" else "it is released again"
    audit.append(conn, now, found.case_id, "playbook", "late effect", {"key": found.key, "what": what})
    place = f"late:{kept.times_set(conn, found.key)}"
    comment_on_ticket(conn, current, place, f"Late effect: {why}; {again}", now)
    notify_people(conn, current, place, "Late effect", f"{why}; {again}", now)
    return True


def comment_on_ticket(conn: sa.Connection, found: ContainmentRecord, what: str, text: str, now: datetime) -> None:
    """A comment in the case's ticket, once for each ``what`` of a round."""
    row = case_rows.row_of(conn, found.case_id)
    if row is not None and row.ticket_key:
        step = f"{found.step.kind.replace('_', ' ')} {found.step.target}"
        outbox.enqueue_comment(conn, row.ticket_key, f"{found.key}:{found.round}:{what}", f"{step}: {text}", now)


def notify_people(
    conn: sa.Connection, found: ContainmentRecord, what: str, title: str, text: str, now: datetime
) -> None:
    """An urgent notice, once for each ``what`` of a round."""
    outbox.enqueue_notification(
        conn,
        found.case_id,
        Notice(
            key=f"{found.key}:{found.round}:{what}",
            title=f"{title}: {found.step.target}",
            text=text,
            urgent=True,
            link=f"/cases/{found.case_id}",
        ),
        now,
    )
