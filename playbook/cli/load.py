"""load: rows of log files into the table of a source, each file exactly once."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import click

from playbook.assembly import action_context, log_source
from playbook.cli._log_options import log_options, log_settings
from playbook.cli._options import config_option, configuration, emit, now
from playbook.config import Config, Table
from playbook.errors import ConfigError, UnknownFormat
from playbook.report.sanitize import plain, several


class RowLoader(Protocol):
    """Puts rows of log files into a table, each file exactly once; a digest (SHA-256 hex) tells files apart."""

    def prepare(self) -> None:
        """Create the tables that are not there."""

    def rows_of(self, digest: str) -> int | None:
        """How many rows a file was loaded with; None for one that was not, or not to its end."""

    def load(self, digest: str, name: str, parts: Iterable[Path], rows: int) -> None:
        """Send the parts (Parquet files, ``rows`` rows in all); raises ConnectorError when the file is not whole."""


@runtime_checkable
class LoadsRows(Protocol):
    """A source whose engine takes rows of log files."""

    def loader(self) -> RowLoader:
        """What puts them there."""


class _Loaded(NamedTuple):
    """What became of one file: ``state`` is loaded, already, skipped (no connection log) or incomplete."""

    path: str
    state: str
    rows: int
    rejected: int
    warnings: tuple[str, ...]


@click.command(name="load")
@config_option
@click.option("--to", "name", required=True, help="The [sources.NAME] whose table takes the rows.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@log_options
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def command(
    ctx: click.Context,
    config_file: Path | None,
    name: str,
    paths: tuple[str, ...],
    format_: str,
    year: int | None,
    time_zone: str | None,
    as_json: bool,
) -> None:
    """Load connection logs into an engine's table. What was loaded is left out; what was cut off begins anew."""
    config, file = configuration(config_file)
    loader = _loader(config, file, name)
    files = tuple(_files(paths))
    settings = {"window": "all", "keep_traffic": True, **log_settings(format_, year, time_zone)}
    loader.prepare()
    results = []
    for path in files:
        results.append(_one(config, file, loader, path, settings))
        if not as_json:
            click.echo(_line(results[-1]))
    if as_json:
        emit({"to": name, "files": [one._asdict() for one in results]})
    ctx.exit(4 if any(one.state == "incomplete" for one in results) else 0)


def _loader(config: Config, file: str, name: str) -> RowLoader:
    if name not in config.sources:
        raise click.UsageError(f"--to {name}: no such source; configured are: {', '.join(config.sources) or 'none'}")
    source = action_context(config, file, now()).source((name, config.sources[name]))
    if not isinstance(source, LoadsRows):
        raise click.UsageError(f"--to {name}: a source of kind {config.sources[name].get('kind')} takes no rows")
    return source.loader()


def _files(paths: tuple[str, ...]) -> Iterator[Path]:
    """The files, and those below a folder, each once. Raises ConfigError for a path that is not there."""
    seen: set[Path] = set()
    for given in map(Path, paths):
        if not given.exists():
            raise ConfigError(f"{given}: no such file or folder")
        inside = sorted(one for one in given.rglob("*") if one.is_file()) if given.is_dir() else [given]
        for path in inside:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def _one(config: Config, file: str, loader: RowLoader, path: Path, settings: Table) -> _Loaded:
    """Load one file. One that cannot be read to its end is not loaded: the whole one would be another file."""
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    rows = loader.rows_of(digest)
    if rows is not None:
        return _Loaded(str(path), "already", rows, 0, ())
    source = log_source(config, file, (str(path),), settings, now())
    with closing(source):
        try:
            (fetched, *_) = source.fetch(None)
        except UnknownFormat as fault:
            return _Loaded(str(path), "skipped", 0, 0, (str(fault),))
        health = fetched.health
        if not health.complete:
            return _Loaded(str(path), "incomplete", 0, health.rows_rejected, health.warnings)
        parts, rows = source.parts(digest)
        loader.load(digest, str(path), parts, rows)
    return _Loaded(str(path), "loaded", rows, health.rows_rejected, health.warnings)


_SAID = {
    "already": "loaded before",
    "skipped": "left out: no connection log",
    "incomplete": "NOT loaded: it cannot be read to its end",
}


def _line(one: _Loaded) -> str:
    counted = f"{several(one.rows, 'row')}, {one.rejected:,} rejected" if one.state == "loaded" else _SAID[one.state]
    why = f" ({'; '.join(one.warnings)})" if one.state in ("incomplete", "skipped") and one.warnings else ""
    return plain(f"{one.path}: {counted}{why}")
