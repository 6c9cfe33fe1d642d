"""audit: the hash-chained lines of everything that happened, and the check that none was touched since."""

from pathlib import Path

import click

from playbook.cases import audit as audit_trail
from playbook.cases import audit_anchor, audit_check, containments
from playbook.cases.access import authenticate, open_case_store
from playbook.cli._options import config_option, configuration, emit, now
from playbook.report.sanitize import plain

_HARMED = 5


@click.group(name="audit")
def command() -> None:
    """What happened, line by line. Nothing in it can be changed unseen."""


@command.command(name="verify")
@config_option
@click.option("--anchor", type=click.Path(path_type=Path), help="A file of heads (default: [state] audit_anchor).")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def verify(ctx: click.Context, config_file: Path | None, anchor: Path | None, as_json: bool) -> None:
    """Find lines edited, removed or reordered, a trail cut or emptied, and rows that the trail does not explain.

    The exit code is 5 when there is one. Answers, requests, containments, receipts and closed cases are held against
    the trail, and the trail against the heads that were anchored outside the record.
    """
    config, name = configuration(config_file)
    if anchor is not None and not anchor.is_file():
        raise click.UsageError(f"--anchor {anchor}: no such file")
    with open_case_store(config, name) as store, store.reading() as conn:
        file = anchor or audit_anchor.anchor_file(config.state, store, config.folder)
        known = audit_anchor.anchors(file) if file is not None else ()
        number, head = audit_trail.head(conn)
        faults = (*audit_trail.verify(conn), *audit_anchor.faults(conn, known), *audit_check.unexplained(conn))
    if as_json:
        emit({"ok": not faults, "lines": number, "head": head, "anchors": len(known), "faults": list(faults)})
    elif faults:
        click.echo("\n".join(faults))
    else:
        held = f"{len(known)} anchors in {file} hold" if known else "no anchor outside the record was looked at"
        click.echo(f"{number} lines, none touched; head {head}; {held}")
    ctx.exit(_HARMED if faults else 0)


@command.command(name="head")
@config_option
def head(config_file: Path | None) -> None:
    """Print the head of the trail as one JSON line, to be kept elsewhere and given to ``audit verify --anchor``."""
    with open_case_store(*configuration(config_file)) as store, store.reading() as conn:
        click.echo(audit_anchor.current(conn, now()).model_dump_json())


@command.command(name="confirm-restore")
@config_option
@click.option("--by", "who", help="The admin who confirms (default: the token's).")
def confirm_restore(config_file: Path | None, who: str | None) -> None:
    """Say that the record was restored on purpose: until then nothing is applied and no block list is served.

    What the record holds in force is printed first: release before what was released after the backup was made.
    """
    config, name = configuration(config_file)
    with open_case_store(config, name) as store:
        by = authenticate(store, who, "admin", now(), "approve").name
        file = audit_anchor.anchor_file(config.state, store, config.folder)
        with store.reading() as conn:
            why = audit_anchor.turned_back(conn, file)
            live = containments.list_containments(conn, limit=10_000)
        if not why or file is None:
            raise click.UsageError("nothing to confirm: the record is the one that was anchored")
        for one in live:
            click.echo(f"in force by this record: {one.key}  {one.step.kind} {plain(one.step.target)}", err=True)
        with store.change() as conn:
            audit_trail.append(conn, now(), "", by, "restore confirmed", {"why": why[:500], "in_force": len(live)})
            anchor = audit_anchor.current(conn, now())
        file.replace(file.with_name(f"{file.name}.before-restore"))
        audit_anchor.write(file, anchor)
    click.echo(f"confirmed by {by}; the earlier anchors are kept as {file.name}.before-restore")


@command.command(name="list")
@config_option
@click.option("--case", "case_id", default="", help="Only lines of this case.")
@click.option("--by", "who", default="", help="Only what this account did.")
@click.option("--after", type=click.IntRange(0), default=0, help="Only lines after this number.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def show(config_file: Path | None, case_id: str, who: str, after: int, limit: int, as_json: bool) -> None:
    """The lines, oldest first."""
    with open_case_store(*configuration(config_file)) as store, store.reading() as conn:
        found = audit_trail.lines(conn, case_id, after, limit, actor=who)
    if as_json:
        emit({"lines": [line.model_dump() for line in found]})
        return
    for line in found:
        told = f"{plain(line.actor)}: {line.kind}  {line.content}"
        click.echo(f"{line.seq:6}  {line.at[:19]}  {line.case_id or '-':14}  {told}")
