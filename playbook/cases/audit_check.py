"""Whether the record says what its audit trail says: answers, requests, containments, receipts and people's words."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from playbook.cases.containments import LIVE
from playbook.cases.schema import accounts, cases, containments, decisions, journal, receipts, requests, runs

_ANSWERS = ("approved", "denied")
_STATES = tuple(f"containment {state}" for state in (*LIVE[1:], "released", "failed"))
_DEVICE = ("device: contain", "device: verify", "device: release", "device: verify_released")
_KINDS = (
    *_ANSWERS,
    *_STATES,
    *_DEVICE,
    "containment intended",
    "approval asked",
    "case resolved",
    "case reopened",
)


@dataclass
class _Told:
    """What the lines of the trail tell, gathered in their order."""

    answers: set[tuple[str, str, str, bool, str]] = field(default_factory=set)
    requests: set[str] = field(default_factory=set)
    states: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    receipts: Counter[str] = field(default_factory=Counter)
    closed_by: dict[str, tuple[str, str]] = field(default_factory=dict)


def unexplained(conn: sa.Connection, most: int = 20) -> tuple[str, ...]:
    """The first ``most`` rows that decide something and that the trail does not tell, or tells otherwise.

    Whoever changes, adds or deletes such a row has to write a new trail too, and that an anchor shows.
    """
    told = _read(conn)
    found = [
        *_emptied(conn),
        *_answers(conn, told),
        *_requests(conn, told),
        *_containments(conn, told),
        *_people(conn, told),
    ]
    return tuple(found[:most])


def _read(conn: sa.Connection) -> _Told:
    told = _Told()
    query = sa.select(journal.c.kind, journal.c.case_id, journal.c.actor, journal.c.content)
    rows = conn.execute(query.where(journal.c.kind.in_(_KINDS)).order_by(journal.c.seq)).yield_per(1000)
    for row in rows:
        try:
            content = json.loads(row.content)
        except ValueError:
            continue  # an edited line: the check of the chain names it
        if isinstance(content, dict):
            _note(told, row, content)
    return told


def _note(told: _Told, row: Any, content: dict[str, Any]) -> None:
    kind, key = row.kind, str(content.get("key", ""))
    if kind in _ANSWERS:
        identity, digest = str(content.get("request_id")), str(content.get("digest"))
        told.answers.add((identity, row.actor, digest, kind == "approved", str(content.get("comment", ""))))
    elif kind == "approval asked":
        told.requests.add(str(content.get("request_id")))
    elif kind == "containment intended" and isinstance(content.get("keys"), list):
        for one in map(str, content["keys"]):
            if told.states.get(one) not in LIVE:
                told.states[one] = "intended"
                told.digests[one] = str(content.get("digest"))
    elif kind in _STATES:
        told.states[key] = kind.removeprefix("containment ")
    elif kind in _DEVICE:
        told.receipts[key] += 1
    elif kind == "case resolved":
        told.closed_by[row.case_id] = (row.actor, str(content.get("disposition")))
    elif kind == "case reopened":
        told.closed_by.pop(row.case_id, None)


def _emptied(conn: sa.Connection) -> list[str]:
    """An empty trail beside rows that are never written without a line."""
    if conn.execute(sa.select(journal.c.seq).limit(1)).first() is not None:
        return []
    tables = {"run": runs, "case": cases, "account": accounts, "answer": decisions, "containment": containments}
    numbers = {name: conn.execute(sa.select(sa.func.count()).select_from(t)).scalar_one() for name, t in tables.items()}
    there = [f"{number} {name}(s)" for name, number in numbers.items() if number]
    return [f"the trail is empty, though the record holds {', '.join(there)}"] if there else []


def _answers(conn: sa.Connection, told: _Told) -> list[str]:
    d = decisions.c
    columns = (d.request_id, d.who, d.digest, d.approve, d.comment)
    rows = {
        (row.request_id, row.who, row.digest, bool(row.approve), row.comment)
        for row in conn.execute(sa.select(*columns))
    }
    word = {True: "approved", False: "denied"}
    return [
        *(
            f"request {one[0]}: an answer that {one[1]} {word[one[3]]} is not in the trail"
            for one in rows - told.answers
        ),
        *(
            f"request {one[0]}: the trail tells that {one[1]} {word[one[3]]}, and no such answer is there"
            for one in told.answers - rows
        ),
    ]


def _requests(conn: sa.Connection, told: _Told) -> list[str]:
    rows = {row.request_id: row.state for row in conn.execute(sa.select(requests.c.request_id, requests.c.state))}
    approved = {one[0] for one in told.answers if one[3]}
    return [
        *(f"request {one}: asked by nobody in the trail" for one in rows.keys() - told.requests),
        *(f"request {one}: deleted" for one in sorted(told.requests - rows.keys())),
        *(
            f"request {one}: approved, and the trail tells of no approval"
            for one, state in rows.items()
            if state == "approved" and one not in approved
        ),
    ]


def _containments(conn: sa.Connection, told: _Told) -> list[str]:
    c = containments.c
    rows = {row.key: row for row in conn.execute(sa.select(c.key, c.state, c.digest, c.target))}
    numbers = sa.select(receipts.c.key, sa.func.count()).group_by(receipts.c.key)
    counted = {key: int(number) for key, number in conn.execute(numbers)}
    found = [f"containment {key}: deleted" for key in sorted(told.states.keys() - rows.keys())]
    for key, row in rows.items():
        state = told.states.get(key)
        if state is None:
            found.append(f"containment {key} ({row.target}): intended by nobody in the trail")
        elif state != row.state:
            found.append(f"containment {key} ({row.target}): {row.state}, and the trail tells {state}")
        elif told.digests[key] != row.digest:
            found.append(f"containment {key} ({row.target}): not of the plan that the trail tells")
        if counted.get(key, 0) != told.receipts[key]:
            found.append(f"containment {key}: {counted.get(key, 0)} receipts, and the trail tells {told.receipts[key]}")
    return found


def _people(conn: sa.Connection, told: _Told) -> list[str]:
    c = cases.c
    query = sa.select(c.case_id, c.closed_by, c.person_disposition).where(c.person_disposition != "")
    rows = {row.case_id: (row.closed_by, row.person_disposition) for row in conn.execute(query)}
    known = set(conn.execute(sa.select(c.case_id)).scalars())
    return [
        *(
            f"case {one}: closed otherwise than the trail tells"
            for one, word in rows.items()
            if told.closed_by.get(one) != word
        ),
        *(
            f"case {one}: deleted, or its closing was taken away"
            for one in told.closed_by
            if one not in rows or one not in known
        ),
    ]
