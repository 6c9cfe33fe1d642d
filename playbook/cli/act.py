"""act: one action as a platform calls it, flat JSON in and one JSON document out; or many, a line each."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from playbook import actions
from playbook.actions import Action, Result
from playbook.actions._shared_reach import shared
from playbook.assembly import action_context
from playbook.cli._options import config_option, configuration, emit, now
from playbook.cli._table import pairs, table
from playbook.config import Config
from playbook.errors import ConfigError, ConnectorError, PlaybookError
from playbook.report.sanitize import plain

_MOST_BYTES = 1024 * 1024
_ALL = "pip install 'botnet-playbook[all]'"


@click.command(name="act")
@config_option
@click.argument("name", required=False)
@click.option("--param", "params", multiple=True, metavar="K=V", help="One input; may be given many times.")
@click.option("--input", "file", metavar="FILE", help="A flat JSON object of inputs; - reads stdin.")
@click.option("--json", "as_json", is_flag=True, help="JSON on a terminal too; also of a failure.")
@click.option("--batch", "lines", metavar="FILE", help="Many actions in one process, a JSON object a line; - is stdin.")
@click.pass_context
def command(
    ctx: click.Context,
    config_file: Path | None,
    name: str | None,
    params: tuple[str, ...],
    file: str | None,
    as_json: bool,
    lines: str | None,
) -> None:
    """Carry out one action. `actions` lists them; what only reads needs no local state.

    The rows are JSON for a program and in a pipe, and a table on a terminal.

    With --batch each line is {"action": NAME, "input": {...}}, or the inputs alone when NAME is given, and each
    answer is one line in the same order; an "id" in a line stands in its answer.
    """
    if lines is not None:
        if params or file is not None:
            raise click.UsageError("--batch takes its inputs from its lines, not from --param or --input")
        ctx.exit(_batch(name, lines, *configuration(config_file)))
    if name is None:
        raise click.UsageError("which action? `botnet-playbook actions` lists them")
    try:
        action = actions.find(name)
        given = _given(file, params)
        result = _result(action, given, *configuration(config_file))
    except (PlaybookError, ModuleNotFoundError) as fault:
        if as_json:
            emit(_failed(name, fault))
        raise
    if sys.stdout.isatty() and not as_json:
        _show(result)
    else:
        emit(_document(action.identifier, result))
    for warning in result.warnings:
        click.echo(f"warning: {warning}", err=True)
    ctx.exit(0 if result.complete else ConnectorError.exit_code)


def _show(result: Result) -> None:
    """What came of it, for a person: the sentence, then the rows as a table, or one row a line a value."""
    click.echo(plain(result.message or ("done" if result.complete else "incomplete")))
    rows = [row.model_dump(mode="json") for row in result.rows]
    for line in pairs(rows[0]) if len(rows) == 1 else table(rows):
        click.echo(line)


def _batch(name: str | None, lines: str, config: Config, file: str) -> int:
    """One answer a line; the exit code is that of the gravest failure."""
    outside = shared(action_context(config, file, now()))
    codes = {0}
    for number, line in enumerate(_lines(lines), start=1):
        document = _answered(number, line, name, lambda action, given: _result(action, given, config, file, outside))
        codes.add(document.get("exit_code", 0 if document["complete"] else ConnectorError.exit_code))
        sys.stdout.write(json.dumps(document, ensure_ascii=True, allow_nan=False) + "\n")
        sys.stdout.flush()
    return next(code for code in (2, 3, 5, 4, 128, 0) if code in codes)


def _answered(
    number: int, line: bytes, name: str | None, run: Callable[[Action, dict[str, Any]], Result]
) -> dict[str, Any]:
    """The answer to one line; whatever is wrong with a line is said in its answer and costs no other."""
    identity: dict[str, Any] = {}
    called = name or ""
    try:
        sent = _object(line, f"--batch, line {number}")
        identity = (
            {"id": sent.pop("id")}
            if isinstance(sent.get("id"), str | int) and (name is None or "id" not in _names(name))
            else {}
        )
        called, given = (name, sent) if name is not None else _call(sent, number)
        action = actions.find(called)
        return identity | _document(action.identifier, run(action, given))
    except (PlaybookError, ModuleNotFoundError) as fault:
        return identity | _failed(called, fault)


def _names(name: str) -> frozenset[str]:
    return frozenset(one.name for one in actions.find(name).inputs)


def _call(sent: dict[str, Any], number: int) -> tuple[str, dict[str, Any]]:
    unknown = sorted(set(sent) - {"action", "input"})
    if unknown or not isinstance(sent.get("action"), str) or not isinstance(sent.get("input", {}), dict):
        raise ConfigError(f'--batch, line {number}: expected {{"action": NAME, "input": {{...}}}}')
    return sent["action"], sent.get("input", {})


def _lines(file: str) -> Iterator[bytes]:
    """The lines that hold anything, each at most a mebibyte; one that is longer comes cut, and so is no JSON."""
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as stream:
            while line := stream.readline(_MOST_BYTES + 1):
                if line.strip():
                    yield line
    except OSError as fault:
        raise ConfigError(f"--batch {file}: {fault.strerror}") from fault


def _result(action: Action, given: dict[str, Any], config: Config, file: str, outside: Any = None) -> Result:
    """What the action says. What changes something goes through the record, as a call of the API does."""
    if action.on_record and config.state.url:
        # Loaded by name: only a change needs the record's libraries (extras `engine` and `web`).
        changed: Result = importlib.import_module("playbook.web.approval_api").answer_or_release_here(
            config, file, action, given, now
        )
        return changed
    return action.run(given, outside or action_context(config, file, now()))


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
    except OSError as fault:
        raise ConfigError(f"--input {name}: expected a flat JSON object: {fault}") from fault
    return _object(raw, f"--input {name}")


def _object(raw: bytes, where: str) -> dict[str, Any]:
    try:
        given = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as fault:
        raise ConfigError(f"{where}: expected a flat JSON object: {fault}") from fault
    if not isinstance(given, dict):
        raise ConfigError(f"{where}: expected a flat JSON object, not {type(given).__name__}")
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
