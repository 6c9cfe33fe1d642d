"""hunt: the seed's hunting queries over log files."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from playbook.assembly import log_source
from playbook.cli._columns import columns, columns_option
from playbook.cli._log_options import log_options, log_settings
from playbook.cli._options import config_option, configuration, emit, now
from playbook.cli._table import table
from playbook.detections.hunts import HUNTS
from playbook.report.sanitize import plain, several


@click.command(name="hunt")
@config_option
@click.argument("name", type=click.Choice(sorted(HUNTS)), metavar="ddos-burst|dga-burst|irc")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--endpoint", is_flag=True, help="By host and process, of the logs that name them (Sysmon, csv).")
@columns_option
@log_options
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(
    config_file: Path | None,
    name: str,
    paths: tuple[str, ...],
    endpoint: bool,
    columns_file: Path | None,
    format_: str,
    year: int | None,
    time_zone: str | None,
    as_json: bool,
) -> None:
    """Look for bursts of connections or failed names, or for IRC. What it finds are leads, not verdicts."""
    config, file = configuration(config_file)
    settings = log_settings(format_, year, time_zone) | columns(columns_file)
    found, warnings = log_source(config, file, paths, settings, now()).hunt(name, endpoint)
    rows = [{key: _value(value) for key, value in row.items()} for row in found]
    if as_json:
        emit({"hunt": name, "title": HUNTS[name].title, "warnings": list(warnings), "rows": rows})
        return
    for warning in warnings:
        click.echo(f"warning: {plain(warning)}", err=True)
    click.echo(HUNTS[name].title)
    for line in table(rows):
        click.echo(line)
    click.echo(several(len(rows), "row"))


def _value(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else value
