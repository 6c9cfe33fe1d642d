"""Who may act: local accounts with argon2 passwords and hashed tokens, how one proves itself, and its lockout."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from threading import BoundedSemaphore
from typing import Any, Literal

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from pydantic import AwareDatetime

from playbook.cases import audit, login_throttle
from playbook.cases.roles import ROLE_FOR as ROLE_FOR
from playbook.cases.roles import ROLES, SCOPES, Role, Scope
from playbook.cases.roles import scopes_of as scopes_of
from playbook.cases.schema import accounts, sessions, tokens
from playbook.cases.store import Store
from playbook.errors import ConfigError
from playbook.model import Value

Via = Literal["cli", "page", "platform"]
TOKEN_PREFIX = "bpt_"
PROVIDER = "identity provider"
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_SHORTEST = 12
_HASHER = PasswordHasher()
# Each look takes 64 MiB.
_VERIFIERS = BoundedSemaphore(2)


class Account(Value):
    """An account as it may be shown: never its password."""

    name: str
    role: Role
    has_password: bool
    created_at: AwareDatetime
    created_by: str
    disabled_at: AwareDatetime | None = None
    locked_until: AwareDatetime | None = None


class Proof(Value):
    """An account that has proven itself, with the role this proof is good for and the door it came through.

    ``scopes`` are a token's; a person who gave a password has all that the role reaches.
    """

    name: str
    role: Role
    via: Via
    scopes: tuple[Scope, ...] = SCOPES

    def may(self, role: Role) -> bool:
        """Whether the role is at least this one."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def reaches(self, scope: Scope) -> bool:
        """Whether it was proven for this scope, and the role still reaches it."""
        return scope in self.scopes and self.may(ROLE_FOR[scope])


class Unproven(Value):
    """Why nobody was proven; says nothing about whether the account exists."""

    reason: str


def add(conn: sa.Connection, name: str, role: Role, password: str, by: str, now: datetime) -> None:
    """Add an account; "" as password means that only tokens prove it. Raises ConfigError when it cannot be."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"account {name!r}: expected 1 to 64 of a-z, 0-9, dot, dash, underscore and @")
    if role not in ROLES:
        raise ConfigError(f"role {role!r}: expected one of {', '.join(ROLES)}")
    if account_of(conn, name) is not None:
        raise ConfigError(f"account {name!r}: exists already")
    conn.execute(
        accounts.insert(),
        {
            "name": name,
            "role": role,
            "password_hash": _hashed(password) if password else "",
            "created_at": now,
            "created_by": by,
            "failures": 0,
        },
    )
    audit.append(conn, now, "", by, "account added", {"name": name, "role": role, "password": bool(password)})


def from_provider(conn: sa.Connection, name: str, role: Role, now: datetime) -> Account | None:
    """The account of somebody whose role an identity provider's groups give: made or changed; None for a bad name.

    One that was disabled here stays so.
    """
    known = account_of(conn, name)
    if known is None:
        if not _NAME.fullmatch(name):
            return None
        add(conn, name, role, "", PROVIDER, now)
    elif known.role != role and known.disabled_at is None:
        conn.execute(accounts.update().where(accounts.c.name == name).values(role=role))
        audit.append(conn, now, "", PROVIDER, "role changed", {"name": name, "was": known.role, "role": role})
    return account_of(conn, name)


def set_password(conn: sa.Connection, name: str, password: str, by: str, now: datetime) -> None:
    """Replace the password of an account and end its sessions: whoever had stolen one is out.

    Raises ConfigError when there is no such account or it is too short.
    """
    _existing(conn, name)
    conn.execute(
        accounts.update()
        .where(accounts.c.name == name)
        .values(password_hash=_hashed(password), failures=0, locked_until=None)
    )
    conn.execute(sessions.delete().where(sessions.c.account == name))
    login_throttle.forgive_all(conn, name)
    audit.append(conn, now, "", by, "password set", {"name": name})


def disable(conn: sa.Connection, name: str, by: str, now: datetime) -> None:
    """Disable an account for good: none of its proofs counts from now on."""
    _existing(conn, name)
    conn.execute(accounts.update().where(accounts.c.name == name).values(disabled_at=now))
    conn.execute(tokens.update().where(tokens.c.account == name, tokens.c.revoked_at.is_(None)).values(revoked_at=now))
    audit.append(conn, now, "", by, "account disabled", {"name": name})


def make_token(
    conn: sa.Connection,
    name: str,
    by: str,
    now: datetime,
    *,
    label: str = "",
    scope: Role | None = None,
    scopes: Iterable[Scope] = (),
    via: Via = "cli",
    days: int | None = 365,
) -> str:
    """A new token, shown this once; it is good for the role ``scope`` at most (default: the account's).

    ``scopes`` are what it may be used for; none: everything that its role reaches but intake. Raises ConfigError for
    a token that could file an alert and approve what follows from it.
    """
    account = _existing(conn, name)
    role = scope or account.role
    if account.disabled_at is not None or ROLES.index(role) > ROLES.index(account.role):
        raise ConfigError(f"account {name!r}: disabled, or its role {account.role} is less than {role}")
    chosen = scopes_of(role, scopes)
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    conn.execute(
        tokens.insert(),
        {
            "token_hash": hash_of(token),
            "account": name,
            "label": label,
            "scope": role,
            "via": via,
            "created_at": now,
            "expires_at": now + timedelta(days=days) if days else None,
            "scopes": ",".join(chosen),
        },
    )
    content = {"name": name, "label": label, "scope": role, "via": via, "scopes": list(chosen)}
    audit.append(conn, now, "", by, "token made", content)
    return token


def hash_of(token: str) -> str:
    """What is stored of a token: it has 256 random bits, so a plain SHA-256 keeps it."""
    return hashlib.sha256(token.encode()).hexdigest()


def list_accounts(conn: sa.Connection) -> tuple[Account, ...]:
    """All accounts, by name."""
    return tuple(_account(row) for row in conn.execute(sa.select(accounts).order_by(accounts.c.name)).mappings())


def account_of(conn: sa.Connection, name: str) -> Account | None:
    """The account of this name."""
    row = conn.execute(sa.select(accounts).where(accounts.c.name == name)).mappings().first()
    return None if row is None else _account(row)


def by_token(conn: sa.Connection, token: str, now: datetime) -> Proof | Unproven:
    """Who holds this token. Only its hash is looked for, so timing tells nothing of the stored ones."""
    query = sa.select(tokens, accounts.c.role).join(accounts, accounts.c.name == tokens.c.account)
    row = (
        conn.execute(
            query.where(
                tokens.c.token_hash == hash_of(token),
                tokens.c.revoked_at.is_(None),
                accounts.c.disabled_at.is_(None),
            )
        )
        .mappings()
        .first()
    )
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= now):
        return Unproven(reason="the token is unknown, revoked or past its end")
    role = min(row["scope"], row["role"], key=ROLES.index)
    return Proof(name=row["account"], role=role, via=row["via"], scopes=tuple(row["scopes"].split(",")))


def by_password(
    store: Store, name: str, password: str, now: datetime, via: Via = "cli", place: str = ""
) -> Proof | Unproven:
    """Whether this is the account's password; failures lock the name at this ``place`` for longer and longer.

    The attempt counts as a failure before the password is looked at, and is forgiven when it was right: so the slow
    look needs no turn to write, and many guesses at once are no more than as many one after the other. A name that
    nobody has is counted, locked, looked at and answered like any other.
    """
    with store.change() as conn:
        row = conn.execute(sa.select(accounts).where(accounts.c.name == name)).mappings().first()
        usable = row is not None and row["disabled_at"] is None and bool(row["password_hash"])
        locked = login_throttle.locked_until(conn, name, place, now) is not None
        failures = 0 if locked else login_throttle.count_failure(conn, name, place, now)
    right, fresh_hash = _verified(row["password_hash"] if row is not None and usable else _nobody(), password)
    if locked:
        return Unproven(reason="too many failures: try again later")
    with store.change() as conn:
        if row is None or not usable or not right or not _forgiven(conn, row, fresh_hash, place):
            audit.append(conn, now, "", name[:64], "proof failed", {"failures": failures})
            return Unproven(reason="the name or the password is wrong")
    return Proof(name=name, role=row["role"], via=via)


def still_valid(store: Store, name: str, now: datetime, *, token: str = "", password: str = "") -> Proof | Unproven:
    """Whether ``name`` proves itself by a token of its own or by its password."""
    if not token:
        return by_password(store, name, password, now)
    with store.reading() as conn:
        proof = by_token(conn, token, now)
    if isinstance(proof, Proof) and not secrets.compare_digest(proof.name, name):
        return Unproven(reason=f"the token is not {name}'s")
    return proof


def _forgiven(conn: sa.Connection, row: Any, fresh_hash: str, place: str) -> bool:
    """Forget the failures after the right password; False when the account was changed while it was looked at."""
    values = {"failures": 0, "locked_until": None} | ({"password_hash": fresh_hash} if fresh_hash else {})
    login_throttle.forgive(conn, row["name"], place)
    done = conn.execute(
        accounts.update()
        .where(
            accounts.c.name == row["name"],
            accounts.c.password_hash == row["password_hash"],
            accounts.c.role == row["role"],
            accounts.c.disabled_at.is_(None),
        )
        .values(values)
    )
    return done.rowcount == 1


@cache
def _nobody() -> str:
    """Verified when the account is unknown or has no password, so that both take the same time."""
    return _HASHER.hash(secrets.token_hex(16))


def _verified(known: str, password: str) -> tuple[bool, str]:
    """Whether it is the password, and its hash by today's parameters when those of the known one are older."""
    with _VERIFIERS:
        try:
            right = _HASHER.verify(known, password)
        except (Argon2Error, InvalidHashError):
            return False, ""
        return right, _HASHER.hash(password) if _HASHER.check_needs_rehash(known) else ""


def _hashed(password: str) -> str:
    if len(password) < _SHORTEST:
        raise ConfigError(f"a password needs at least {_SHORTEST} characters")
    return _HASHER.hash(password)


def _existing(conn: sa.Connection, name: str) -> Account:
    found = account_of(conn, name)
    if found is None:
        raise ConfigError(f"account {name!r}: there is none")
    return found


def _account(row: Any) -> Account:
    values = {name: row[name] for name in Account.model_fields if name != "has_password"}
    return Account(**values, has_password=bool(row["password_hash"]))
