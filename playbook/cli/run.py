"""run: the whole story over one source, from detection to a reasoned case and a proposed plan."""

import importlib
from pathlib import Path

import click
from rich.console import Console

from playbook.assembly import Assembled, assemble
from playbook.cli._columns import columns_option, with_columns
from playbook.cli._json_failure import JsonCommand
from playbook.cli._log_options import log_options, log_settings, with_log_settings
from playbook.cli._options import config_option, configuration, emit, now, uncollected
from playbook.cli._source_options import chosen_source, chosen_window, progress_bar
from playbook.config import Config, Table
from playbook.model.case import Run
from playbook.report import html, raw_events, terminal
from playbook.report.document import document
from playbook.report.wording import unstored
from playbook.respond import respond


@click.command(name="run", cls=JsonCommand)
@config_option
@click.option("--source", "source_name", help="A [sources.NAME] of the configuration (default: the only one).")
@click.option("--logs", "as_logs", is_flag=True, help="Read the log files, directories or globs that follow.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--since", help="How far back: 24h, 7d; on log files counted from their newest event.")
@click.option("--from", "from_", help="Start, ISO 8601 (UTC without a zone).")
@click.option("--to", help="End, ISO 8601, not included.")
@click.option(
    "--profile",
    type=click.Choice(["default", "seed"]),
    default="default",
    show_default=True,
    help="seed: the original rule, for comparison.",
)
@columns_option
@click.option("--heartbeat", is_flag=True, help="With --from/--to on a SIEM: also count its raw rows per hour.")
@click.option("--dry-run", is_flag=True, help="Store nothing, ask nobody, write nothing back.")
@click.option("--report", "folder", type=click.Path(path_type=Path), help="Write the HTML report into this directory.")
@log_options
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def command(
    ctx: click.Context,
    config_file: Path | None,
    source_name: str | None,
    as_logs: bool,
    paths: tuple[str, ...],
    since: str | None,
    from_: str | None,
    to: str | None,
    profile: str,
    columns_file: Path | None,
    heartbeat: bool,
    dry_run: bool,
    folder: Path | None,
    format_: str,
    year: int | None,
    time_zone: str | None,
    as_json: bool,
) -> None:
    """Detect, enrich, judge, decide and propose. Nothing is ever contained by this command."""
    ctx.with_resource(uncollected())
    config, file = configuration(config_file)
    source = chosen_source(config, source_name, as_logs, paths, profile)
    source = with_columns(source, columns_file)
    source = with_log_settings(source, log_settings(format_, year, time_zone))
    window, source = chosen_window(source, since, from_, to)
    assembled = assemble(config, file, source, now(), {"heartbeat": heartbeat or from_ is None})
    with progress_bar("reading", not as_json) as told:
        run = respond(assembled.toolkit, assembled.site, assembled.terms, window, told)
    run = run.model_copy(
        update={"profile": profile, "warnings": (*assembled.warnings, *run.warnings), "dry_run": dry_run}
    )
    run, asked = (run, 0) if dry_run else _filed(run, assembled, config, file)
    index = html.write(run, folder, raw_events.over(_paths(source, config))) if folder else None
    _tell(run, index, assembled, as_json)
    ctx.exit(4 if not run.complete else 1 if asked else 0)


def _filed(run: Run, assembled: Assembled, config: Config, file: str) -> tuple[Run, int]:
    """File the run's cases where ``[state] url`` says; the run as recorded, and how many requests of it wait.

    Only then are the outcomes written back to the source.
    """
    if not config.state.url:
        return run, 0
    # Loaded by name: only a run that is kept needs the database's libraries (extra `engine`) and their start-up time.
    run, told, asked = importlib.import_module("playbook.cli._persist_run").persist_run(
        run, assembled.terms.means, config, file, assembled.toolkit.source, now
    )
    click.echo(told, err=True)
    return run, asked


def _paths(source: tuple[str, Table], config: Config) -> tuple[str, ...]:
    return tuple(str(config.folder / p) for p in source[1].get("paths", ()))


def _tell(run: Run, index: Path | None, assembled: Assembled, as_json: bool) -> None:
    if as_json:
        if unstored(run):
            click.echo(unstored(run), err=True)
        emit(document(run))
        return
    console = Console()
    terminal.render(run, console, _next_step(run, index))


def _next_step(run: Run, index: Path | None) -> str:
    """One line that says what to try next."""
    if index is not None:
        return f"Report: {index}   Next: open it" + (
            ", or run over your own logs: botnet-playbook run --logs PATH..." if run.source == "sample" else ""
        )
    worst = run.cases[0].case_id if run.cases else None
    return "Next: --report DIR writes the evidence of " + (f"case {worst} and all others" if worst else "this run")
