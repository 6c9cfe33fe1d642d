"""accounts: who may look, respond, approve and administer, and the tokens by which they prove it."""

from pathlib import Path
from typing import cast

import click

from playbook.cases import accounts
from playbook.cases.access import authenticate, open_case_store
from playbook.cases.accounts import Proof, Via
from playbook.cases.roles import ROLES, SCOPES, Role, Scope, scopes_of
from playbook.cases.store import Store
from playbook.cli._options import config_option, configuration, emit, now


@click.group(name="accounts")
def command() -> None:
    """Local accounts. The first one needs no proof and has to be an admin; after it, an admin adds the others."""


@command.command(name="list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def show(config_file: Path | None, as_json: bool) -> None:
    """All accounts, never a secret."""
    with open_case_store(*configuration(config_file)) as store, store.reading() as conn:
        found = accounts.list_accounts(conn)
    if as_json:
        emit({"accounts": [one.model_dump(mode="json") for one in found]})
        return
    for one in found:
        state = "disabled" if one.disabled_at else "locked" if one.locked_until and one.locked_until > now() else ""
        click.echo(f"{one.name}  {one.role}  {'password' if one.has_password else 'tokens only'}  {state}")
    if not found:
        click.echo("no accounts: botnet-playbook accounts add NAME --role admin")


@command.command(name="add")
@config_option
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--by", "who", help="The admin who adds it (default: the token's); nobody for the first account.")
@click.option("--token", "with_token", is_flag=True, help="No password: print a token, this once.")
@click.option("--platform", is_flag=True, help="With --token: it is a platform's, whose approval counts as one.")
def add(config_file: Path | None, name: str, role: str, who: str | None, with_token: bool, platform: bool) -> None:
    """Add an account; its password is asked for, or a token is printed."""
    moment, rank = now(), cast(Role, role)
    with open_case_store(*configuration(config_file)) as store:
        by = _admin(store, who, rank)
        password = "" if with_token else _new_password(name)
        with store.change() as conn:
            accounts.add(conn, name, rank, password, by, moment)
            via: Via = "platform" if platform else "cli"
            token = accounts.make_token(conn, name, by, moment, label="first", via=via) if with_token else ""
    click.echo(f"added {name} ({role})", err=bool(token))
    if token:
        click.echo(token)


@command.command(name="disable")
@config_option
@click.argument("name")
@click.option("--by", "who", help="The admin who does it (default: the token's).")
def disable(config_file: Path | None, name: str, who: str | None) -> None:
    """Disable an account for good, its tokens with it."""
    with open_case_store(*configuration(config_file)) as store:
        by = authenticate(store, who, "admin", now(), "approve").name
        with store.change() as conn:
            accounts.disable(conn, name, by, now())
    click.echo(f"disabled {name}")


@command.command(name="password")
@config_option
@click.argument("name")
@click.option("--by", "who", help="The account itself or an admin (default: the token's).")
def password(config_file: Path | None, name: str, who: str | None) -> None:
    """Set a new password of an account; it is asked for twice, and every session of the account ends.

    An admin resets somebody else's in this way: give them the new one, and have them change it on the page /account.
    """
    with open_case_store(*configuration(config_file)) as store:
        by = authenticate(store, who, "admin" if who not in (None, name) else "viewer", now(), "investigate")
        if by.name != name and not (by.role == "admin" and by.reaches("approve")):
            raise click.UsageError(f"{by.name} may set the password of {by.name} only")
        chosen = _new_password(name)
        with store.change() as conn:
            accounts.set_password(conn, name, chosen, by.name, now())
    click.echo(f"password of {name} set by {by.name}")


@command.command(name="token")
@config_option
@click.argument("name")
@click.option("--by", "who", help="The account itself or an admin (default: the token's).")
@click.option("--label", default="", help="What it is for.")
@click.option("--role", type=click.Choice(ROLES), default=None, help="At most this role (default: the account's).")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help="What it may be used for; may be given many times (default: all of its role but intake).",
)
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True)
@click.option("--platform", is_flag=True, help="A platform's token, whose approval counts as one.")
def token(
    config_file: Path | None,
    name: str,
    who: str | None,
    label: str,
    role: str | None,
    scopes: tuple[str, ...],
    days: int,
    platform: bool,
) -> None:
    """Print a new token of an account, this once. Only its hash is kept.

    A token that files alerts (intake) can never approve or contain: a platform that does both holds two, of two
    accounts.
    """
    moment = now()
    with open_case_store(*configuration(config_file)) as store:
        by = authenticate(store, who, "admin" if who not in (None, name) else "viewer", moment)
        if by.name != name and by.role != "admin":
            raise click.UsageError(f"{by.name} may make tokens of {by.name} only")
        # A token never begets one that may more than itself.
        rank = cast(Role, min(role or ROLES[-1], by.role, key=ROLES.index)) if by.name == name else role
        via: Via = "platform" if platform or by.via == "platform" else "cli"
        with store.change() as conn:
            made = accounts.make_token(
                conn,
                name,
                by.name,
                moment,
                label=label,
                scope=cast(Role | None, rank),
                scopes=cast(tuple[Scope, ...], _scopes_for(by, cast(Role | None, rank), scopes)),
                via=via,
                days=days,
            )
    click.echo(made)


def _scopes_for(by: Proof, rank: Role | None, scopes: tuple[str, ...]) -> tuple[str, ...]:
    """A token never begets one of another scope than its own, but for an admin's; () means the usual ones."""
    if by.role == "admin" and by.reaches("approve"):
        return scopes
    beyond = sorted(set(scopes) - set(by.scopes))
    usual = tuple(one for one in scopes_of(rank or by.role, ()) if one in by.scopes)
    if beyond or not (scopes or usual):
        lacking = (beyond or ["investigate"])[0]
        raise click.UsageError(f"the token that asks has not the scope {lacking}, and so cannot give it")
    return scopes or usual


def _admin(store: Store, who: str | None, role: Role) -> str:
    """Who adds: an admin, or nobody for the very first account."""
    with store.reading() as conn:
        first = not accounts.list_accounts(conn)
    if not first:
        return authenticate(store, who, "admin", now(), "approve").name
    if role != "admin":
        raise click.UsageError("the first account has to be an admin: --role admin")
    return "first start"


def _new_password(name: str) -> str:
    return str(click.prompt(f"New password of {name}", hide_input=True, confirmation_prompt=True, err=True))
