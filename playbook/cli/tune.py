"""tune: what other thresholds would have raised on your own history, and which exceptions would spare people work."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from playbook.assembly import Assembled, assemble
from playbook.cli import _backtest
from playbook.cli._backtest import BacktestResult, Candidate, History, Setting, VerdictChange
from playbook.cli._log_options import log_options, log_settings, with_log_settings
from playbook.cli._options import config_option, configuration, emit, now, uncollected
from playbook.cli._source_options import chosen_source, chosen_window, progress_bar
from playbook.model.site import ExceptionEntry
from playbook.ports import Progress
from playbook.report.sanitize import plain, several, utc

_MOST_CANDIDATES, _MOST_NAMED, _MOST_AGAINST, _LEAST_WIDTH = 10, 3, 3, 100
_MOST_TRIED = 50  # destinations, those of most hosts first
# As the run calls them, in the order of what they cost a person.
_WORDS = {
    "proposed": "to approve",
    "ticket": "to look at",
    "watch": "watched",
    "closed": "closed",
    "filtered": "filtered",
}
_NOTE = (
    "Enter one only if you know what it is: an exception also hides what comes there later, for as long as it is live. "
    "What would touch anything TRUE_POSITIVE is never listed."
)
_NO_FILE = "policy.exceptions is not set: there is no file yet to keep exceptions in."


class Spared(NamedTuple):
    """A candidate, which hosts would have ended otherwise with its exceptions, and the commands that enter those."""

    candidate: Candidate
    changes: tuple[VerdictChange, ...]
    commands: tuple[str, ...]


@click.command(name="tune")
@config_option
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--source", "source_name", help="A [sources.NAME] of the configuration (default: the only one).")
@click.option("--since", help="How far back: 24h, 7d; on log files counted from their newest event.")
@click.option("--from", "from_", help="Start, ISO 8601 (UTC without a zone).")
@click.option("--to", help="End, ISO 8601, not included.")
@log_options
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def command(
    ctx: click.Context,
    config_file: Path | None,
    paths: tuple[str, ...],
    source_name: str | None,
    since: str | None,
    from_: str | None,
    to: str | None,
    format_: str,
    year: int | None,
    time_zone: str | None,
    as_json: bool,
) -> None:
    """Try every number of every rule at other values, over log files (PATH...) or a source that is configured.

    The source is read once and every enricher asked once. Nothing is stored, asked of anybody or changed.
    """
    ctx.with_resource(uncollected())
    config, file = configuration(config_file)
    source = chosen_source(config, source_name, bool(paths), paths, "default", "PATH...")
    source = with_log_settings(source, log_settings(format_, year, time_zone))
    window, source = chosen_window(source, since, from_, to)
    assembled = assemble(config, file, source, now(), {"heartbeat": from_ is None})
    with progress_bar("reading", not as_json) as told:
        history = _backtest.read(assembled.toolkit, assembled.site, assembled.terms, window, told)
    as_configured = _backtest.backtest(history, assembled.terms)
    with progress_bar("trying", not as_json) as told:
        tried = tuple(_tried(history, assembled, as_configured, told))
    with progress_bar("trying exceptions", not as_json) as told:
        spared = _spared(history, assembled, as_configured, config_file, told)
    warnings = (
        *assembled.warnings,
        *history.warnings,
        *_left(len(_backtest.candidates(as_configured)) - _MOST_TRIED),
        *((_NO_FILE,) if spared and not config.policy.exceptions else ()),
    )
    if as_json:
        emit(_document(source[0], history, as_configured, tried, spared, warnings))
    else:
        for warning in warnings:
            click.echo(f"warning: {plain(warning)}", err=True)
        _show(history, as_configured, tried, spared)
    ctx.exit(0 if history.complete else 4)


def _tried(
    history: History, assembled: Assembled, before: BacktestResult, told: Progress | None
) -> Iterable[tuple[Setting, BacktestResult, tuple[VerdictChange, ...]]]:
    every = tuple(_backtest.settings(assembled.terms.rules))
    for done, setting in enumerate(every, 1):
        after = _backtest.backtest_setting(history, assembled.terms, setting, before)
        if told:
            told(done, len(every))
        yield setting, after, _backtest.changes(before, after)


def _spared(
    history: History, assembled: Assembled, before: BacktestResult, config_file: Path | None, told: Progress | None
) -> tuple[Spared, ...]:
    """The candidates whose exceptions end the work of a host and touch none that is convicted, the best first."""
    found, tried = [], _backtest.candidates(before)[:_MOST_TRIED]
    for done, one in enumerate(tried, 1):
        exceptions = _backtest.entries(one, history.site, assembled.terms.rules)
        changes = _backtest.changes(before, _backtest.backtest(history, assembled.terms, exceptions))
        if changes and not any(change.host in before.convicted for change in changes):
            found.append(Spared(one, changes, tuple(_command(entry, config_file) for entry in exceptions)))
        if told:
            told(done, len(tried))
    return tuple(sorted(found, key=lambda s: (-_looks(s), -len(s.changes), s.candidate.destination)))


def _left(untried: int) -> tuple[str, ...]:
    return (f"exceptions for {several(untried, 'more destination')} were not tried",) if untried > 0 else ()


def _looks(spared: Spared) -> int:
    return sum(change.was == "ticket" for change in spared.changes)


def _command(entry: ExceptionEntry, config_file: Path | None) -> str:
    config = f" --config {quote(str(config_file))}" if config_file else ""
    return (
        f"botnet-playbook exceptions add{config} --source {quote(entry.source)} --destination "
        f"{quote(entry.destination)} --port {entry.port} --owner WHO --reason WHY --ends {entry.ends}"
    )


def _document(
    source: str,
    history: History,
    before: BacktestResult,
    tried: Sequence[tuple[Setting, BacktestResult, tuple[VerdictChange, ...]]],
    spared: Sequence[Spared],
    warnings: Sequence[str],
) -> dict[str, Any]:
    window, health = history.gathered.window, history.gathered.health
    return {
        "source": source,
        "window": {"start": window.start.isoformat(), "end": window.end.isoformat()},
        "rows_read": health.rows_read,
        "rows_rejected": health.rows_rejected,
        "complete": history.complete,
        "warnings": list(warnings),
        "as_configured": _counts(before),
        "by_score": {str(score): dict(counts) for score, counts in _backtest.by_score(before, history).items()},
        "thresholds": [
            {
                "rule": s.rule,
                "parameter": s.parameter,
                "value": s.was,
                "would_be": s.became,
                "counts": _counts(after),
                "changes": [change._asdict() for change in changes],
            }
            for s, after, changes in tried
        ],
        "exceptions": [
            {
                "destination": s.candidate.destination,
                "port": s.candidate.port,
                "sources": list(s.candidate.sources),
                "changes": [change._asdict() for change in s.changes],
                "against": list(s.candidate.against),
                "commands": list(s.commands),
            }
            for s in spared
        ],
    }


def _counts(found: BacktestResult) -> dict[str, int]:
    return {status: found.counts[status] for status in _WORDS}


def _show(
    history: History,
    before: BacktestResult,
    tried: Sequence[tuple[Setting, BacktestResult, tuple[VerdictChange, ...]]],
    spared: Sequence[Spared],
) -> None:
    console = Console()
    console = console if console.width >= _LEAST_WIDTH or console.is_terminal else Console(width=_LEAST_WIDTH)
    window, health = history.gathered.window, history.gathered.health
    console.print(
        _text(
            f"{utc(window.start)} to {utc(window.end)} UTC, {several(health.rows_read, 'row')}, "
            f"{several(len(history.detections), 'detection')} of {several(len(before.hosts), 'host')}"
        )
    )
    console.print(
        _text(
            "as configured, hosts: " + ", ".join(f"{before.counts[status]} {word}" for status, word in _WORDS.items())
        )
    )
    console.print(_scores(history, before))
    silent = sum(not changes for *_, changes in tried)
    if silent < len(tried):
        console.print(_text("Numbers of [policy.rules] that would change something:"))
    for line in _thresholds(tried):
        console.print(_text(line))
    other = "other " if silent < len(tried) else ""
    console.print(_text(f"\n{silent} {other}values of [policy.rules] change nothing."))
    if not spared:
        console.print(_text("No exception for one destination would spare anybody work."))
        return
    console.print(_text(f"\nExceptions that would spare work. {_NOTE}"))
    for one in spared[:_MOST_CANDIDATES]:
        console.print(_text(f"\n{one.candidate.destination} port {one.candidate.port}: {_named(one.changes)}"))
        for reason in one.candidate.against[:_MOST_AGAINST]:
            console.print(_text(f"  against it: {reason}"))
        for line in one.commands[:_MOST_NAMED]:
            console.print(_text(f"  {line}"), soft_wrap=True)
        if (more := len(one.candidate.sources) - _MOST_NAMED) > 0:
            console.print(_text(f"  and {more} more of its hosts (--json has all)"))
    if (more := len(spared) - _MOST_CANDIDATES) > 0:
        console.print(_text(f"\nand {more} more destinations (--json has all)"))


def _scores(history: History, before: BacktestResult) -> Table:
    table = Table("Beaconing score", *(word.capitalize() for word in _WORDS.values()), box=SIMPLE_HEAD, pad_edge=False)
    for score, counts in _backtest.by_score(before, history).items():
        table.add_row(str(score), *(str(counts[status] or "") for status in _WORDS))
    return table


def _thresholds(tried: Iterable[tuple[Setting, BacktestResult, tuple[VerdictChange, ...]]]) -> Iterable[str]:
    """Each value that changes something below its setting, with all counts and the hosts that end otherwise."""
    shown = ""
    for setting, after, changes in tried:
        if not changes:
            continue
        name = f"{setting.rule}.{setting.parameter} is {setting.was:g}"
        if name != shown:
            yield f"\n{name}"
            shown = name
        counts = ", ".join(f"{after.counts[status]} {word}" for status, word in _WORDS.items())
        yield f"  with {setting.became:g}: {counts}"
        yield f"    {_named(changes)}"


def _named(changes: Sequence[VerdictChange]) -> str:
    shown = "; ".join(f"{one.host}: {_WORDS[one.was]} -> {_WORDS[one.becomes]}" for one in changes[:_MOST_NAMED])
    return shown + (f"; and {len(changes) - _MOST_NAMED} more" if len(changes) > _MOST_NAMED else "")


def _text(text: str) -> Text:
    return Text("\n" * (len(text) - len(text.lstrip("\n"))) + plain(text.lstrip("\n"), 2000), overflow="fold")
