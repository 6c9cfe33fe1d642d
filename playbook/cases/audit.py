"""The audit trail: hash-chained lines written in one transaction with what they tell of, and the check of the chain."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import rfc8785
import sqlalchemy as sa

from playbook.cases.schema import journal, journal_head, plain
from playbook.cases.store import hold_writers
from playbook.model import Value

START = "0" * 64
_FIELDS = ("seq", "at", "case_id", "actor", "kind", "content", "prev")


class AuditLine(Value):
    """One line: its number from 1, when, which case ("" for none), who, what kind, and the content as RFC 8785 text."""

    seq: int
    at: str
    case_id: str
    actor: str
    kind: str
    content: str
    prev: str
    hash: str


def append(conn: sa.Connection, now: datetime, case_id: str, actor: str, kind: str, content: Mapping[str, Any]) -> int:
    """Add a line (content: integers, text, lists and objects of these) and give its number.

    It shares the fate of the transaction; the head row keeps how many lines there are and the last hash.
    """
    hold_writers(conn)
    head = conn.execute(sa.select(journal_head.c.seq, journal_head.c.hash)).one_or_none()
    values: dict[str, Any] = {
        "seq": head.seq + 1 if head else 1,
        "at": now.astimezone(UTC).isoformat(timespec="microseconds"),
        "case_id": case_id,
        "actor": plain(actor)[:255],
        "kind": kind,
        "content": rfc8785.dumps(_storable(dict(content))).decode(),
        "prev": head.hash if head else START,
    }
    values["hash"] = hash_of(values)
    conn.execute(journal.insert(), values)
    new_head = {"seq": values["seq"], "hash": values["hash"]}
    conn.execute(journal_head.update().values(new_head) if head else journal_head.insert().values(id=1, **new_head))
    return int(values["seq"])


def _storable(content: Any) -> Any:
    """Content whose every text can be stored and hashed."""
    if isinstance(content, str):
        return plain(content)
    if isinstance(content, Mapping):
        return {plain(key): _storable(value) for key, value in content.items()}
    return [_storable(one) for one in content] if isinstance(content, list | tuple) else content


def hash_of(line: Mapping[str, Any] | sa.RowMapping) -> str:
    """SHA-256 of the RFC 8785 JSON of the line's fields in order, the hash of the line before among them."""
    return hashlib.sha256(rfc8785.dumps([line[name] for name in _FIELDS])).hexdigest()


def verify(conn: sa.Connection, most: int = 20) -> tuple[str, ...]:
    """The first ``most`` faults of the chain: lines edited, removed (the last too), added or put elsewhere.

    Empty means that the audit trail is as it was written. Whoever can write the whole database can also write a whole
    new chain; keep the head (``head``) somewhere else to see that too.
    """
    faults: list[str] = []
    expected, prev = 1, START
    for row in conn.execute(sa.select(journal).order_by(journal.c.seq)).yield_per(1000).mappings():
        if row["seq"] != expected:
            faults.append(
                f"line {expected}: removed" + (f" (up to {row['seq'] - 1})" if row["seq"] > expected + 1 else "")
            )
        elif row["prev"] != prev:
            faults.append(f"line {row['seq']}: does not follow the line before it")
        if _hash_now(row) != row["hash"]:
            faults.append(f"line {row['seq']}: edited")
        expected, prev = row["seq"] + 1, row["hash"]
        if len(faults) >= most:
            return tuple(faults)
    return (*faults, *_fault_of_head(conn, expected - 1, prev))


def _hash_now(row: sa.RowMapping) -> str:
    """The hash of what stands there now; "" when it holds something that was never written (a blob, a huge number)."""
    try:
        return hash_of(row)
    except rfc8785.CanonicalizationError:
        return ""


def _fault_of_head(conn: sa.Connection, last: int, last_hash: str) -> Iterator[str]:
    count, known_hash = head(conn)
    if count > last:
        yield f"line {last + 1}: removed" + (f" (up to {count})" if count > last + 1 else "")
    elif count < last:
        yield f"line {count + 1}: added, or the head was turned back"
    elif known_hash != last_hash:
        yield f"line {last}: not the line that was written last"


def head(conn: sa.Connection) -> tuple[int, str]:
    """How many lines were written, and the hash of the last."""
    found = conn.execute(sa.select(journal_head.c.seq, journal_head.c.hash)).one_or_none()
    return (found.seq, found.hash) if found else (0, START)


def lines(
    conn: sa.Connection,
    case_id: str = "",
    after: int = 0,
    limit: int = 100,
    newest_first: bool = False,
    actor: str = "",
) -> tuple[AuditLine, ...]:
    """At most 1,000 lines, of one case, of one ``actor`` or of all.

    ``after`` pages on (a line number, older or younger by the order).
    """
    query = sa.select(journal).limit(max(1, min(limit, 1000)))
    query = query.where(journal.c.actor == actor) if actor else query
    if case_id:
        query = query.where(journal.c.case_id == case_id)
    if newest_first:
        query = query.where(journal.c.seq < after) if after else query
        query = query.order_by(journal.c.seq.desc())
    else:
        query = query.where(journal.c.seq > after).order_by(journal.c.seq)
    return tuple(AuditLine(**row) for row in conn.execute(query).mappings())
