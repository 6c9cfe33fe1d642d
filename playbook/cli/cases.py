"""cases: the record of cases, and a person's word on one, kept beside ours and never over it."""

from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import quote

import click

from playbook.cases import case_rows, case_search, exports, responder
from playbook.cases.access import authenticate, open_case_store
from playbook.cases.case_rows import CaseRow
from playbook.cases.case_search import CaseSearch
from playbook.cases.repository import request_policy
from playbook.cases.response_state import STATES, WORDS, ResponseState, state_words
from playbook.cli._options import config_option, configuration, emit, now
from playbook.errors import ConfigError
from playbook.model.finding_update import Fault
from playbook.model.verdict import WORST_FIRST, CaseStatus, Disposition
from playbook.report.sanitize import plain


@click.group(name="cases", invoke_without_command=True)
@config_option
@click.option("--status", type=click.Choice(get_args(CaseStatus)), default=None, help="Only cases of this status.")
@click.option(
    "--state",
    type=click.Choice(["attention", *STATES]),
    default=None,
    help="Only cases that stand here; attention: all that need a person, most severe first.",
)
@click.option("--text", default="", help="Only cases with this in the host, owner, destination or its name.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def command(
    ctx: click.Context,
    config_file: Path | None,
    status: CaseStatus | None,
    state: ResponseState | Literal["attention"] | None,
    text: str,
    limit: int,
    offset: int,
    as_json: bool,
) -> None:
    """List the recorded cases; or resolve, reopen, take over or ask again. The last changed comes first."""
    ctx.obj = config_file
    if ctx.invoked_subcommand:
        return
    wanted = CaseSearch(
        status=status or "", state=state or "", text=text[:255], sort="severity" if state == "attention" else "changed"
    )
    with open_case_store(*configuration(config_file)) as store, store.reading() as conn:
        rows = case_search.search(conn, wanted, now(), limit, offset)
        counts, states = case_rows.counts(conn), case_search.by_state(conn)
    if as_json:
        shown = [row.model_dump(mode="json") | {"state_words": state_words(row)} for row in rows]
        emit({"counts": counts, "states": states, "cases": shown})
        return
    for row in rows:
        click.echo(_line(row))
    click.echo(", ".join(f"{states[one]} {WORDS[one]}" for one in STATES if one in states) or "no cases")


def _line(row: CaseRow) -> str:
    """One case: identity, where it stands, what we hold it for, when it was last seen, and what people said."""
    word = f"  {row.person_by}: {row.person_disposition}" if row.person_disposition else ""
    taken = f"  taken over by {row.assignee}" if row.assignee else ""
    link = f"  after {row.reopened_from}" if row.reopened_from else ""
    return (
        f"{row.case_id}  {state_words(row)}  {row.disposition}, {row.confidence}  "
        f"last seen {row.last_seen:%Y-%m-%d %H:%M}  {plain(row.host)}{word}{taken}{link}"
    )


@command.command(name="take")
@config_option
@click.argument("case_id", metavar="ID")
@click.option("--by", "who", help="The account that takes it (default: the token's).")
@click.option("--back", is_flag=True, help="Hand it back: nobody has it then.")
@click.pass_context
def take(ctx: click.Context, config_file: Path | None, case_id: str, who: str | None, back: bool) -> None:
    """Take a case over, so that others see who is at work."""
    moment = now()
    with open_case_store(*configuration(config_file or ctx.obj)) as store:
        proof = authenticate(store, who, "responder", moment, "investigate")
        with store.change() as conn:
            why_not = (responder.hand_back if back else responder.take_over)(conn, case_id, proof.name, moment)
    if why_not:
        raise click.UsageError(why_not)
    click.echo(f"{case_id} {'handed back' if back else 'taken over'} by {proof.name}")


@command.command(name="ask-again")
@config_option
@click.argument("case_id", metavar="ID")
@click.option("--by", "who", help="The account that asks (default: the token's).")
@click.option("--reason", required=True, help="Why, in a sentence.")
@click.pass_context
def ask_again(ctx: click.Context, config_file: Path | None, case_id: str, who: str | None, reason: str) -> None:
    """Put a denied, expired, failed or released plan to the approvers once more. The exit code is then 1."""
    moment = now()
    config, name = configuration(config_file or ctx.obj)
    with open_case_store(config, name) as store:
        proof = authenticate(store, who, "responder", moment, "investigate")
        with store.change() as conn:
            terms = request_policy(config.policy)
            request, why_not = responder.ask_again(conn, case_id, terms, proof.name, reason, moment)
    if why_not:
        raise click.UsageError(why_not)
    click.echo(f"{request} waits for an answer")
    ctx.exit(1)


@command.command(name="resolve")
@config_option
@click.argument("case_id", metavar="ID")
@click.option("--as", "disposition", required=True, type=click.Choice(WORST_FIRST), help="What it was.")
@click.option(
    "--because",
    "fault",
    type=click.Choice(get_args(Fault)),
    default=None,
    help="Of a FALSE_POSITIVE: what was wrong, the query (default) or the data; the SIEM is told.",
)
@click.option("--by", "who", help="The account that says so (default: the token's).")
@click.option("--reason", required=True, help="Why, in a sentence.")
@click.pass_context
def resolve(
    ctx: click.Context,
    config_file: Path | None,
    case_id: str,
    disposition: str,
    fault: Fault | None,
    who: str | None,
    reason: str,
) -> None:
    """Close a case with a person's disposition. Our own verdict stays beside it."""
    if fault and disposition != "FALSE_POSITIVE":
        raise click.UsageError("--because says what was wrong when nothing happened: it goes with --as FALSE_POSITIVE")
    moment = now()
    with open_case_store(*configuration(config_file or ctx.obj)) as store:
        proof = authenticate(store, who, "responder", moment, "investigate")
        with store.change() as conn:
            why_not = case_rows.resolve(
                conn, case_id, cast(Disposition, disposition), proof.name, reason, moment, fault or "query"
            )
    if why_not:
        raise click.UsageError(why_not)
    click.echo(f"{case_id} resolved as {disposition} by {proof.name}")


@command.command(name="reopen")
@config_option
@click.argument("case_id", metavar="ID")
@click.option("--by", "who", help="The account that asks (default: the token's).")
@click.pass_context
def reopen(ctx: click.Context, config_file: Path | None, case_id: str, who: str | None) -> None:
    """Open a closed case again. From then on only a person closes it."""
    moment = now()
    with open_case_store(*configuration(config_file or ctx.obj)) as store:
        proof = authenticate(store, who, "responder", moment, "investigate")
        with store.change() as conn:
            fault = case_rows.reopen(conn, case_id, proof.name, moment)
    if fault:
        raise click.UsageError(fault)
    click.echo(f"{case_id} opened again by {proof.name}")


@command.command(name="export")
@config_option
@click.argument("case_id", metavar="ID")
@click.option(
    "--format", "name", required=True, type=click.Choice(exports.formats()), help="In which words the case is told."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="The file to write; by default stdout.",
)
@click.pass_context
def export(ctx: click.Context, config_file: Path | None, case_id: str, name: str, output: Path | None) -> None:
    """Write one case for another product: the same case gives the same bytes."""
    config, file = configuration(config_file or ctx.obj)
    base = config.serve.public_url.rstrip("/")
    url = f"{base}/cases/{quote(case_id, safe='')}" if base else ""
    with open_case_store(config, file) as store, store.reading() as conn:
        found = exports.gather(conn, case_id, url)
    if found is None:
        raise click.UsageError(f"there is no case {case_id}")
    text = exports.render(name, found)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as fault:
        raise ConfigError(f"--output {output}: {fault.strerror}") from None
    click.echo(f"{output}: {case_id} as {name}", err=True)
