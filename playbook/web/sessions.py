"""Sessions of people on the pages: stored hashed, bound to an account, ended by idleness, time, logout, disabling."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from playbook.cases import audit
from playbook.cases.accounts import Proof, hash_of
from playbook.cases.schema import accounts, sessions
from playbook.config import Serve

_TOUCH = timedelta(seconds=60)
_LONGEST_TOKEN = 128


@dataclass(frozen=True)
class Person:
    """Somebody who is logged in; ``token`` is the session's secret, from which the tokens of forms follow."""

    proof: Proof
    token: str = field(repr=False)

    def form_token(self, path: str) -> str:
        """The token that the form which posts to ``path`` must carry."""
        return form_token(self.token, path)


def form_token(secret: str, path: str) -> str:
    """HMAC of the path under a secret that only this browser holds: good for one form, in one session."""
    return hmac.new(secret.encode(), path.encode(), hashlib.sha256).hexdigest()


def same(given: str, expected: str) -> bool:
    """Whether two tokens are the same, in constant time and whatever characters were sent."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def start(conn: sa.Connection, proof: Proof, serve: Serve, now: datetime, before: str = "") -> str:
    """Start a session with a token of its own, shown this once; the browser's session ``before`` ends."""
    token = secrets.token_urlsafe(32)
    conn.execute(sessions.delete().where((sessions.c.session_hash == hash_of(before)) | (sessions.c.expires_at <= now)))
    conn.execute(
        sessions.insert(),
        {
            "session_hash": hash_of(token),
            "account": proof.name,
            "csrf_hash": hash_of(form_token(token, "")),
            "created_at": now,
            "seen_at": now,
            "expires_at": now + timedelta(seconds=serve.session_lifetime_s),
        },
    )
    audit.append(conn, now, "", proof.name, "logged in", {"role": proof.role})
    return token


def find(conn: sa.Connection, token: str, serve: Serve, now: datetime) -> tuple[Person | None, bool]:
    """Who holds this session, and whether its last use should be written down (``touch``)."""
    if not token or len(token) > _LONGEST_TOKEN:
        return None, False
    query = sa.select(sessions, accounts.c.role).join(accounts, accounts.c.name == sessions.c.account)
    row = (
        conn.execute(
            query.where(
                sessions.c.session_hash == hash_of(token),
                accounts.c.disabled_at.is_(None),
            )
        )
        .mappings()
        .first()
    )
    if (
        row is None
        or row["expires_at"] <= now
        or row["seen_at"] + timedelta(seconds=serve.session_idle_timeout_s) <= now
    ):
        return None, False
    proof = Proof(name=row["account"], role=row["role"], via="page")
    return Person(proof, token), now - row["seen_at"] >= _TOUCH


def touch(conn: sa.Connection, token: str, now: datetime) -> None:
    """The session was used now."""
    conn.execute(sessions.update().where(sessions.c.session_hash == hash_of(token)).values(seen_at=now))


def end(conn: sa.Connection, person: Person, now: datetime) -> None:
    """End this session."""
    conn.execute(sessions.delete().where(sessions.c.session_hash == hash_of(person.token)))
    audit.append(conn, now, "", person.proof.name, "logged out", {})
