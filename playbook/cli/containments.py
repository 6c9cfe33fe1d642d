"""containments: what is contained now, until when, why and by whom; and its release before its time."""

from pathlib import Path
from typing import get_args

import click

from playbook.cases import containments
from playbook.cases.access import authenticate, open_case_store
from playbook.cases.containments import LIVE, State
from playbook.cli._options import config_option, configuration, emit, now
from playbook.report.sanitize import plain


@click.group(name="containments")
def command() -> None:
    """What is contained: list it, or ask for a release before its time."""


@command.command(name="list")
@config_option
@click.option("--all", "everything", is_flag=True, help="Also what was released or failed.")
@click.option("--case", "case_id", default="", help="Only those of this case.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, with every receipt.")
def show(config_file: Path | None, everything: bool, case_id: str, as_json: bool) -> None:
    """What is contained now, newest first."""
    states = get_args(State) if everything else LIVE
    with open_case_store(*configuration(config_file)) as store, store.reading() as conn:
        found = containments.list_containments(conn, states, case_id, limit=10_000)
        receipts = {one.key: containments.receipts_of(conn, one.key) for one in found} if as_json else {}
    if as_json:
        emit(
            {
                "containments": [
                    one.model_dump(mode="json") | {"receipts": [r.model_dump(mode="json") for r in receipts[one.key]]}
                    for one in found
                ]
            }
        )
        return
    for one in found:
        until = f"until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else "not yet in force"
        trouble = f"  {plain(one.trouble)}" if one.trouble else ""
        click.echo(
            f"{one.key}  {one.state:9}  {one.step.kind.replace('_', ' ')} {plain(one.step.target)}  {until}  "
            f"case {one.case_id}  approved by {one.approved_by}{trouble}"
        )
    if not found:
        click.echo("nothing is contained")


@command.command(name="release")
@config_option
@click.argument("key", metavar="ID")
@click.option("--by", "who", help="The account that asks (default: the token's).")
@click.option("--reason", default="", help="Kept with it.")
def release(config_file: Path | None, key: str, who: str | None, reason: str) -> None:
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
