"""audit: the hash-chained lines of everything that happened, and the check that none was touched since."""

from pathlib import Path

import click

from playbook.cases import audit as audit_trail
from playbook.cases.access import open_case_store
from playbook.cli._options import config_option, configuration, emit
from playbook.report.sanitize import plain

_HARMED = 5


@click.group(name="audit")
def command() -> None:
    """What happened, line by line. Nothing in it can be changed unseen."""


@command.command(name="verify")
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def verify(ctx: click.Context, config_file: Path | None, as_json: bool) -> None:
    """Find any edited, removed or reordered line. The exit code is 5 when there is one.

    Keep the printed head somewhere else: with it you can show later that the chain was not written anew.
    """
    with open_case_store(*configuration(config_file)) as store, store.reading() as conn:
        faults, (number, head) = audit_trail.verify(conn), audit_trail.head(conn)
    if as_json:
        emit({"ok": not faults, "lines": number, "head": head, "faults": list(faults)})
    elif faults:
        click.echo("\n".join(faults))
    else:
        click.echo(f"{number} lines, none touched; head {head}")
    ctx.exit(_HARMED if faults else 0)


@command.command(name="list")
@config_option
@click.option("--case", "case_id", default="", help="Only lines of this case.")
@click.option("--after", type=click.IntRange(0), default=0, help="Only lines after this number.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def show(config_file: Path | None, case_id: str, after: int, limit: int, as_json: bool) -> None:
    """The lines, oldest first."""
    with open_case_store(*configuration(config_file)) as store, store.reading() as conn:
        found = audit_trail.lines(conn, case_id, after, limit)
    if as_json:
        emit({"lines": [line.model_dump() for line in found]})
        return
    for line in found:
        told = f"{plain(line.actor)}: {line.kind}  {line.content}"
        click.echo(f"{line.seq:6}  {line.at[:19]}  {line.case_id or '-':14}  {told}")
