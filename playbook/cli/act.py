"""act: one action as a platform calls it: flat JSON in, one JSON document out."""

import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from playbook import actions
from playbook.actions import Action, Result
from playbook.assembly import action_context
from playbook.cli._options import config_option, configuration, emit, now
from playbook.config import Config
from playbook.errors import ConfigError, ConnectorError, PlaybookError

_MOST_BYTES = 1024 * 1024
_ALL = "pip install 'botnet-playbook[all]'"


@click.command(name="act")
@config_option
@click.argument("name")
@click.option("--param", "params", multiple=True, metavar="K=V", help="One input; may be given many times.")
@click.option("--input", "file", metavar="FILE", help="A flat JSON object of inputs; - reads stdin.")
@click.option("--json", "as_json", is_flag=True, help="A failure is a JSON document on stdout, too.")
@click.pass_context
def command(
    ctx: click.Context, config_file: Path | None, name: str, params: tuple[str, ...], file: str | None, as_json: bool
) -> None:
    """Carry out one action and print its rows as JSON. `actions` lists them; what only reads needs no local state."""
    try:
        action = actions.find(name)
        given = _given(file, params)
        result = _result(action, given, *configuration(config_file))
    except (PlaybookError, ModuleNotFoundError) as fault:
        if as_json:
            emit(_failed(name, fault))
        raise
    emit(_document(action.identifier, result))
    for warning in result.warnings:
        click.echo(f"warning: {warning}", err=True)
    ctx.exit(0 if result.complete else ConnectorError.exit_code)


def _result(action: Action, given: dict[str, Any], config: Config, file: str) -> Result:
    """What the action says. What changes something goes through the record, as a call of the API does."""
    if action.kind in ("contain", "correct") and config.state.url:
        # Loaded by name: only a change needs the record's libraries (extras `engine` and `web`).
        changed: Result = importlib.import_module("playbook.web.approval_api").answer_or_release_here(
            config, file, action, given, now
        )
        return changed
    return action.run(given, action_context(config, file, now()))


def _given(file: str | None, params: Sequence[str]) -> dict[str, Any]:
    """The inputs of the file and of the options; a name given twice is refused, never guessed."""
    given = {} if file is None else _read(file)
    for param in params:
        key, equals, value = param.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--param {param!r}: expected KEY=VALUE")
        if key.strip() in given:
            raise ConfigError(f"--param {key.strip()}: given twice")
        given[key.strip()] = value
    return given


def _read(file: str) -> dict[str, Any]:
    name = "stdin" if file == "-" else file
    try:
        raw = _bytes(file)
        if len(raw) > _MOST_BYTES:
            raise ConfigError(f"--input {name}: larger than {_MOST_BYTES} bytes")
        given = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except (OSError, ValueError, RecursionError) as fault:
        raise ConfigError(f"--input {name}: expected a flat JSON object: {fault}") from fault
    if not isinstance(given, dict):
        raise ConfigError(f"--input {name}: expected a flat JSON object, not {type(given).__name__}")
    return given


def _bytes(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(_MOST_BYTES + 1)
    with Path(file).open("rb") as stream:
        return stream.read(_MOST_BYTES + 1)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _document(identifier: str, result: Result) -> dict[str, Any]:
    return {
        "action": identifier,
        "status": "success" if result.complete else "incomplete",
        "message": result.message,
        "complete": result.complete,
        "warnings": list(result.warnings),
        "data": [row.model_dump(mode="json") for row in result.rows],
    }


def _failed(name: str, fault: PlaybookError | ModuleNotFoundError) -> dict[str, Any]:
    code = fault.exit_code if isinstance(fault, PlaybookError) else ConfigError.exit_code
    said = str(fault) if isinstance(fault, PlaybookError) else f"{fault.name} is not installed; {_ALL}"
    return {
        "action": name,
        "status": "failed",
        "error": said,
        "message": said,
        "exit_code": code,
        "complete": False,
        "warnings": [],
        "data": [],
    }
