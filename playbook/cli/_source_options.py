"""What run and tune share: the source and the time that their options choose, and a bar while they work."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from playbook.cli._options import instant, now, span
from playbook.config import Config, Table
from playbook.model.detection import TimeWindow
from playbook.ports import Progress as Told

# Rows younger than this may still be on their way into a SIEM.
_SETTLED = timedelta(minutes=15)


def chosen_source(
    config: Config, name: str | None, as_logs: bool, paths: tuple[str, ...], profile: str, logs: str = "--logs PATH..."
) -> tuple[str, Table]:
    """The source table to run over, from log files (given as ``logs`` says) or the configuration."""
    if as_logs:
        if name or not paths:
            raise click.UsageError(f"{logs}: one or more log files, and no --source")
        return "logs", {"kind": "logs", "paths": [str(Path(p).absolute()) for p in paths], "profile": profile}
    if paths:
        raise click.UsageError(f"unexpected {paths[0]!r}: log files are given with {logs}")
    if name is None and len(config.sources) == 1:
        name = next(iter(config.sources))
    if name is None or name not in config.sources:
        known = ", ".join(config.sources) or "none configured"
        raise click.UsageError(f"which source? --source NAME ({known}) or {logs}")
    table = dict(config.sources[name])
    return name, table | {"profile": profile} if table.get("kind") == "logs" else table


def chosen_window(
    source: tuple[str, Table], since: str | None, from_: str | None, to: str | None
) -> tuple[TimeWindow | None, tuple[str, Table]]:
    """--from/--to as they are; --since back from the newest event (log files) or from 15 minutes ago (a SIEM)."""
    name, table = source
    if from_ or to:
        if since or not (from_ and to):
            raise click.UsageError("--from and --to go together, and without --since")
        start, end = instant(from_), instant(to)
        if end <= start:
            raise click.UsageError("--to must be after --from")
        return TimeWindow(start=start, end=end), source
    if since is None:
        return None, source
    length = span(since)
    if table.get("kind") == "logs":
        return None, (name, table | {"window": since})
    end = now() - _SETTLED
    return TimeWindow(start=end - length, end=end), source


@contextmanager
def progress_bar(what: str, wanted: bool) -> Iterator[Told | None]:
    """A progress bar on a terminal; none in a pipe."""
    if not wanted or not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn(what),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
