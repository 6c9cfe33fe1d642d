"""release: mark a containment for release before its time; the worker releases it and verifies that."""

from pathlib import Path

import click

from playbook.cases import containments
from playbook.cases.access import authenticate, open_case_store
from playbook.cli._options import config_option, configuration, now


@click.command(name="release")
@config_option
@click.argument("key", metavar="ID")
@click.option("--by", "who", help="The account that asks (default: the token's).")
@click.option("--reason", default="", help="Kept with it.")
def command(config_file: Path | None, key: str, who: str | None, reason: str) -> None:
    """Ask for the release of the containment ID (K-...)."""
    moment = now()
    with open_case_store(*configuration(config_file)) as store:
        proof = authenticate(store, who, "approver", moment, "contain")
        with store.change() as conn:
            known = containments.find(conn, key)
            if known is None:
                raise click.UsageError(f"{key}: no such containment")
            marked = containments.ask_release(conn, key, proof.name, moment, reason)
    if not marked:
        click.echo(f"{key} is {known.state}" + (f", release asked by {known.release_by}" if known.release_by else ""))
        return
    click.echo(f"{key} will be released, as {proof.name} asked")
