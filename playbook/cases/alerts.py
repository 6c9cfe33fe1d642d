"""Alerts from outside in the record: kept before they are answered, held while they are judged, then settled.

An alert is known by its content: sent again, by whomever, it is the same. Of an account at most so many an hour are
judged; the rest waits in one digest ticket.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from pydantic import AwareDatetime

from playbook.cases import alert_cap, audit
from playbook.cases.schema import alert_senders, alerts
from playbook.model import Value

State = Literal["queued", "filed", "filtered", "failed", "over_cap"]
HELD = timedelta(minutes=2)
MOST_TRIES = 5
_CHUNK = 500


class Incoming(NamedTuple):
    """An alert to keep: its identity, by what name it came, the source to ask, and its whole content as JSON."""

    alert_id: str
    name: str
    source: str
    document: str


class Alert(Value):
    """An alert as recorded; ``result`` is the JSON of what came of it."""

    alert_id: str
    name: str
    source: str
    account: str
    state: State
    received_at: AwareDatetime
    updated_at: AwareDatetime
    tries: int
    last_error: str
    case_id: str
    detection_id: str
    document: str
    result: str


class Accepted(NamedTuple):
    """What became of a body's alerts, by identity: new ones, known ones, and those over the cap."""

    queued: tuple[str, ...]
    repeated: tuple[str, ...]
    over_cap: tuple[str, ...]


def accept(
    conn: sa.Connection, incoming: Sequence[Incoming], account: str, per_hour: int, now: datetime, holder: str = ""
) -> Accepted:
    """Keep these alerts, each once; all of it shares the fate of the caller's transaction.

    With ``holder`` the new ones are held by it from the start. What was over the cap, or failed, may be sent again.
    """
    known = _states(conn, [one.alert_id for one in incoming])
    room = alert_cap.room(conn, account, per_hour, now)
    fresh = [one for one in incoming if known.get(one.alert_id) in (None, "over_cap", "failed")]
    taken, over = fresh[:room], fresh[room:]
    new = [one for one in taken if one.alert_id not in known]
    hold_values = {"holder": holder, "held_until": now + HELD if holder else None}
    _insert(conn, new, account, "queued", now, hold_values)
    _queue_again(conn, [one.alert_id for one in taken if one.alert_id in known], account, now, hold_values)
    if over:
        unknown = [one for one in over if one.alert_id not in known]
        kept_room = alert_cap.room_over(conn, account, per_hour, now)
        _insert(conn, unknown[:kept_room], account, "over_cap", now, {"holder": "", "held_until": None})
        alert_cap.write_digest(conn, [one.document for one in unknown], len(over), account, per_hour, now)
    stored = _states(conn, [one.alert_id for one in incoming])
    _senders(conn, list(stored), account, now)
    repeated = tuple(one.alert_id for one in incoming if one not in fresh)
    if incoming:
        audit.append(
            conn,
            now,
            "",
            account,
            "alerts received",
            {
                "queued": len(taken),
                "repeated": len(repeated),
                "over_cap": len(over),
                "sha256": hashlib.sha256("".join(one.alert_id for one in incoming).encode()).hexdigest(),
            },
        )
    return Accepted(tuple(one.alert_id for one in taken), repeated, tuple(one.alert_id for one in over))


def _queue_again(
    conn: sa.Connection, ids: Sequence[str], account: str, now: datetime, hold_values: Mapping[str, Any]
) -> None:
    values = {"state": "queued", "updated_at": now, "received_at": now, "account": account, "tries": 0}
    for one in ids:
        conn.execute(
            alerts.update().where(alerts.c.alert_id == one).values(values | {"last_error": ""} | dict(hold_values))
        )


def _states(conn: sa.Connection, ids: Sequence[str]) -> dict[str, str]:
    states: dict[str, str] = {}
    for start in range(0, len(ids), _CHUNK):
        query = sa.select(alerts.c.alert_id, alerts.c.state)
        rows = conn.execute(query.where(alerts.c.alert_id.in_(ids[start : start + _CHUNK])))
        states |= {row.alert_id: row.state for row in rows}
    return states


def _insert(
    conn: sa.Connection,
    some: Sequence[Incoming],
    account: str,
    state: State,
    now: datetime,
    hold_values: Mapping[str, Any],
) -> None:
    if some:
        conn.execute(
            alerts.insert(),
            [
                one._asdict()
                | dict(hold_values)
                | {
                    "account": account,
                    "state": state,
                    "received_at": now,
                    "updated_at": now,
                    "tries": 0,
                    "last_error": "",
                    "case_id": "",
                    "detection_id": "",
                    "result": "{}",
                }
                for one in some
            ],
        )


def _senders(conn: sa.Connection, ids: Sequence[str], account: str, now: datetime) -> None:
    known: set[str] = set()
    for start in range(0, len(ids), _CHUNK):
        query = sa.select(alert_senders.c.alert_id).where(alert_senders.c.account == account)
        known |= set(conn.execute(query.where(alert_senders.c.alert_id.in_(ids[start : start + _CHUNK]))).scalars())
    new = [{"alert_id": one, "account": account, "sent_at": now} for one in ids if one not in known]
    if new:
        conn.execute(alert_senders.insert(), new)


def waiting(conn: sa.Connection, now: datetime) -> bool:
    """Whether an alert waits that nobody holds."""
    return conn.execute(sa.select(alerts.c.alert_id).where(_free(now)).limit(1)).first() is not None


def queued(conn: sa.Connection) -> int:
    """How many alerts are still to be judged."""
    query = sa.select(sa.func.count()).select_from(alerts).where(alerts.c.state == "queued")
    return int(conn.execute(query).scalar_one())


def claim(conn: sa.Connection, holder: str, now: datetime, limit: int) -> tuple[Alert, ...]:
    """Take the oldest alerts that wait, so that no other worker judges them; they are free again after two minutes."""
    query = sa.select(alerts.c.alert_id).where(_free(now)).order_by(alerts.c.received_at, alerts.c.alert_id)
    ids = list(conn.execute(query.limit(limit)).scalars())
    hold(conn, ids, holder, now)
    return tuple(one for one in (alert_of(conn, key) for key in ids) if one is not None)


def hold(conn: sa.Connection, ids: Sequence[str], holder: str, now: datetime) -> None:
    """Hold these, or hold them for longer."""
    for start in range(0, len(ids), _CHUNK):
        conn.execute(
            alerts.update()
            .where(
                alerts.c.alert_id.in_(ids[start : start + _CHUNK]),
                alerts.c.state == "queued",
            )
            .values(holder=holder, held_until=now + HELD)
        )


def still_held(conn: sa.Connection, ids: Sequence[str], holder: str) -> frozenset[str]:
    """Those of these alerts that this holder still has to judge."""
    query = sa.select(alerts.c.alert_id).where(
        alerts.c.alert_id.in_(ids), alerts.c.holder == holder, alerts.c.state == "queued"
    )
    return frozenset(conn.execute(query).scalars())


def settle(
    conn: sa.Connection,
    alert_id: str,
    state: State,
    now: datetime,
    *,
    case_id: str = "",
    detection_id: str = "",
    result: str = "{}",
) -> None:
    """What came of an alert, in the transaction that files it."""
    conn.execute(
        alerts.update()
        .where(alerts.c.alert_id == alert_id)
        .values(
            state=state,
            updated_at=now,
            held_until=None,
            holder="",
            case_id=case_id,
            detection_id=detection_id,
            result=result,
            last_error="",
        )
    )


def put_off(
    conn: sa.Connection, alert_id: str, holder: str, why: str, now: datetime, wait: timedelta, counts: bool = True
) -> bool:
    """It could not be judged: tried again after ``wait``, given up after five tries that count. Whether it was."""
    row = conn.execute(sa.select(alerts.c.tries).where(alerts.c.alert_id == alert_id)).one()
    tries = int(row.tries) + int(counts)
    given_up = tries >= MOST_TRIES
    conn.execute(
        alerts.update()
        .where(alerts.c.alert_id == alert_id, alerts.c.holder == holder)
        .values(
            state="failed" if given_up else "queued",
            tries=tries,
            last_error=why[:2000],
            updated_at=now,
            held_until=None if given_up else now + wait,
            holder="",
        )
    )
    return given_up


def alert_of(conn: sa.Connection, alert_id: str) -> Alert | None:
    """The alert of this identity."""
    columns = (alerts.c[name] for name in Alert.model_fields)
    row = conn.execute(sa.select(*columns).where(alerts.c.alert_id == alert_id)).mappings().first()
    return None if row is None else Alert(**row)


def of_case(conn: sa.Connection, case_id: str, limit: int = 50) -> tuple[Alert, ...]:
    """The newest alerts that a case came from."""
    columns = (alerts.c[name] for name in Alert.model_fields)
    query = sa.select(*columns).where(alerts.c.case_id == case_id).order_by(alerts.c.received_at.desc())
    return tuple(Alert(**row) for row in conn.execute(query.limit(limit)).mappings())


def senders_of(conn: sa.Connection, case_id: str) -> frozenset[str]:
    """Everybody who sent an alert that this case holds: none of them answers its plan."""
    query = sa.select(alert_senders.c.account).distinct().join(alerts, alerts.c.alert_id == alert_senders.c.alert_id)
    return frozenset(conn.execute(query.where(alerts.c.case_id == case_id)).scalars())


def _free(now: datetime) -> Any:
    return sa.and_(alerts.c.state == "queued", sa.or_(alerts.c.held_until.is_(None), alerts.c.held_until <= now))
