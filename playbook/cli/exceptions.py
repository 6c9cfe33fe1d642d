"""exceptions add|list|remove: suppressions with owner, reason, scope and an end date."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from playbook import suppressions
from playbook.cli._options import config_option, configuration, emit, now
from playbook.config import Config
from playbook.errors import ConfigError
from playbook.model.site import ExceptionEntry


@click.group(name="exceptions")
def command() -> None:
    """Suppressions that a person entered. Each has an owner, a reason, a scope and an end date."""


def _file(config: Config, name: str) -> Path:
    if config.policy.exceptions is None:
        raise ConfigError(f"{name}: policy.exceptions: not set, so there is no file to keep exceptions in")
    return config.folder / config.policy.exceptions


@command.command(name="list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def show(config_file: Path | None, as_json: bool) -> None:
    """All exceptions, the ended ones marked."""
    config, name = configuration(config_file)
    entries = suppressions.read(_file(config, name))
    today = (config.policy.now or now()).date()
    if as_json:
        emit({"exceptions": [e.model_dump(mode="json") | {"live": e.entered <= today <= e.ends} for e in entries]})
        return
    for e in entries:
        state = "live" if e.entered <= today <= e.ends else "ended" if e.ends < today else "not yet"
        scope = e.indicator or f"{e.source} -> {e.destination}"
        port = f" port {e.port}" if e.port is not None else ""
        click.echo(f"{e.exception_id}  {state:7}  until {e.ends}  {scope}{port}  {e.owner}: {e.reason}")
    if not entries:
        click.echo("no exceptions")


@command.command(name="add")
@config_option
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--reason", required=True, help="Why it is expected.")
@click.option("--source", default="", help="Address, CIDR or inventory name of the source.")
@click.option("--destination", default="", help="Address, CIDR or name of the destination.")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Only this destination port.")
@click.option("--indicator", default="", help="One address or domain instead of source and destination.")
@click.option("--ends", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Last day, at most 180 days away.")
def add(
    config_file: Path | None,
    owner: str,
    reason: str,
    source: str,
    destination: str,
    port: int | None,
    indicator: str,
    ends: datetime,
) -> None:
    """Enter an exception; prints its identity."""
    config, name = configuration(config_file)
    path, today = _file(config, name), _today(config)
    entry = ExceptionEntry(
        exception_id=suppressions.new_id(today),
        owner=owner,
        reason=reason,
        source=source,
        destination=destination,
        port=port,
        indicator=indicator,
        entered=today,
        ends=ends.replace(tzinfo=UTC).date(),
    )
    faults = suppressions.faults_of(entry)
    if faults:
        raise click.UsageError("; ".join(faults))
    suppressions.write(path, (*suppressions.read(path), entry))
    click.echo(entry.exception_id)


@command.command(name="remove")
@config_option
@click.argument("exception_id")
def remove(config_file: Path | None, exception_id: str) -> None:
    """Remove an exception by its identity."""
    config, name = configuration(config_file)
    path = _file(config, name)
    entries = suppressions.read(path)
    kept = tuple(e for e in entries if e.exception_id != exception_id)
    if len(kept) == len(entries):
        raise click.UsageError(f"no exception {exception_id!r} in {path}")
    suppressions.write(path, kept)
    click.echo(f"removed {exception_id}")


def _today(config: Config) -> date:
    return (config.policy.now or now()).date()
