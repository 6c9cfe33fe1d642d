"""--format, --year and --timezone: what a person knows of log files that the files do not say."""

import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from playbook.config import Table

_NAME = re.compile(r'^NAME = "([^"]+)"', re.MULTILINE)


@cache
def known_formats() -> tuple[str, ...]:
    """What --format takes, from the names that the format modules state; none of them is loaded for the help."""
    spec = find_spec("connectors")
    folders = (
        [Path(place, "sources", "logs", "formats") for place in spec.submodule_search_locations or ()] if spec else []
    )
    texts = (file.read_text(encoding="utf-8") for folder in folders for file in folder.glob("[!_]*.py"))
    return tuple(sorted({"auto", "parquet", *(match[1] for text in texts if (match := _NAME.search(text)))}))


class _Format(click.Choice[str]):
    """A choice of the known formats, looked up when it is needed."""

    def __init__(self) -> None:
        super().__init__(())

    @property
    def choices(self) -> tuple[str, ...]:
        """The names."""
        return known_formats()

    @choices.setter
    def choices(self, value: tuple[str, ...]) -> None:
        """Given by the files themselves."""


class _Zone(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions of click
    """A time zone by its IANA name."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, when there is such a zone."""
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.fail(f"{value!r} is no time zone; expected a name such as UTC or Europe/Berlin", param, ctx)
        return str(value)


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the three options, as ``format_``, ``year`` and ``time_zone``."""
    for option in (
        click.option("--timezone", "time_zone", type=_Zone(), help="Zone of stamps that name none (default: UTC)."),
        click.option(
            "--year",
            type=click.IntRange(1970, 2100),
            help="Year of the first stamp, where stamps have none (default: the latest that fits the file).",
        ),
        click.option(
            "--format",
            "format_",
            type=_Format(),
            default="auto",
            metavar="FORMAT",
            help="What the files are, believed without a look: a name of docs/logs.md (default: auto).",
        ),
    ):
        command = option(command)
    return command


def log_settings(format_: str, year: int | None, time_zone: str | None) -> Table:
    """The settings of a log source that the options stand for; only what was given."""
    given = {"format": None if format_ == "auto" else format_, "year": year, "time_zone": time_zone}
    return {name: value for name, value in given.items() if value is not None}


def with_log_settings(source: tuple[str, Table], settings: Table) -> tuple[str, Table]:
    """The source with these settings. Raises UsageError when it is not one of log files."""
    name, table = source
    if settings and table.get("kind") != "logs":
        raise click.UsageError("--format, --year and --timezone are for log files")
    return name, table | settings
