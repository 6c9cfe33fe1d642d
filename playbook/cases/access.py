"""What the commands on the durable record share: opening it, and who is asking and may."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from playbook.cases import accounts
from playbook.cases.accounts import Proof, Unproven
from playbook.cases.roles import Role, Scope
from playbook.cases.store import Store, open_store
from playbook.config import Config, token_given
from playbook.errors import ConfigError, NotProven


@contextmanager
def open_case_store(config: Config, file: str) -> Iterator[Store]:
    """The store that ``[state] url`` names; ConfigError when it names none."""
    if not config.state.url:
        raise ConfigError(f"{file}: state.url: not set, so there is no record")
    store = open_store(config.state.url, config.folder)
    try:
        yield store
    finally:
        store.close()


def authenticate(store: Store, who: str | None, role: Role, now: datetime, scope: Scope | None = None) -> Proof:
    """The account that asks, proven by BOTNET_PLAYBOOK_TOKEN or by its password at a prompt, with at least this role.

    A token has to have this ``scope`` as well; a password is good for all of them.

    Raises NotProven (exit 3) otherwise; a failed password is kept.
    """
    token = token_given()
    if not token and not who:
        raise NotProven("who is asking? --by WHO with a password, or BOTNET_PLAYBOOK_TOKEN")
    password = "" if token else _asked(str(who))
    if who is None:
        with store.reading() as conn:
            proof = accounts.by_token(conn, token, now)
    else:
        proof = accounts.still_valid(store, who, now, token=token, password=password)
    if isinstance(proof, Unproven):
        raise NotProven(proof.reason)
    if not proof.may(role):
        raise NotProven(f"{proof.name} proved the role {proof.role}; this takes {role}")
    if scope is not None and not proof.reaches(scope):
        raise NotProven(f"this takes the scope {scope}; the token has {', '.join(proof.scopes)}")
    return proof


def _asked(who: str) -> str:
    try:
        return str(click.prompt(f"Password of {who}", hide_input=True, err=True))
    except click.Abort:
        raise NotProven(f"{who} is not proven: no password and no BOTNET_PLAYBOOK_TOKEN") from None
