"""--columns FILE: which column of a table of log events is which, as TOML, one ``ours = "theirs"`` a line."""

import tomllib
from pathlib import Path

import click

from playbook.config import Table

_LARGEST = 64 << 10

columns_option = click.option(
    "--columns",
    "columns_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='TOML: which column of your own CSV or JSON is which (time = "when", src_ip = "client" ...).',
)


def columns(file: Path | None) -> Table:
    """The setting of a log source that the file stands for; empty without one. Raises UsageError for a bad file."""
    if file is None:
        return {}
    try:
        text = file.read_bytes()[:_LARGEST].decode("utf-8-sig")
        named = tomllib.loads(text)
    except (OSError, ValueError) as fault:
        raise click.UsageError(f"--columns {file}: {fault}") from fault
    named = named["columns"] if isinstance(named.get("columns"), dict) else named
    wrong = [name for name, value in named.items() if not isinstance(value, str) or not value]
    if wrong or not named:
        raise click.UsageError(f'--columns {file}: {", ".join(wrong) or "nothing in it"}: expected ours = "theirs"')
    return {"columns": named}


def with_columns(source: tuple[str, Table], file: Path | None) -> tuple[str, Table]:
    """The source with the columns of the file. Raises UsageError when it is not one of log files."""
    name, table = source
    if file is not None and table.get("kind") != "logs":
        raise click.UsageError("--columns is for log files")
    return name, table | columns(file)
