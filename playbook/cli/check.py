"""check: every configured connector, its credentials, permissions, scope and fields, and our own installation."""

from collections.abc import Iterable
from pathlib import Path

import click

from playbook.assembly import assemble_all
from playbook.cli._options import DEFAULT_FILE, config_option, configuration, emit, now
from playbook.cli._own_checks import own_checks
from playbook.concurrency import run_concurrently
from playbook.model.check import CheckResult
from playbook.web.listening import may_listen


@click.command(name="check")
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_context
def command(ctx: click.Context, config_file: Path | None, as_json: bool) -> None:
    """Try everything that is configured. The exit code is not 0 when something does not work."""
    config, file = configuration(config_file)
    parts, warnings = assemble_all(config, file, now())
    outcomes = run_concurrently({name: part.check for name, part in parts.items()}, config.limits.enrichment_timeout_s)
    results = {
        name: outcome.value
        if outcome.value is not None
        else (CheckResult(subject=name, ok=False, message=outcome.failure or "no answer"),)
        for name, outcome in outcomes.items()
    }
    chosen = config_file or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)
    for name, result in own_checks(config, chosen, lambda: may_listen(config, file, "127.0.0.1", 8080), now()):
        results[name] = (*results.get(name, ()), result)
    ok = all(r.ok for found in results.values() for r in found)
    if as_json:
        emit(
            {
                "ok": ok,
                "warnings": list(warnings),
                "results": [{"connector": name, **r.model_dump()} for name, found in results.items() for r in found],
            }
        )
    else:
        for warning in warnings:
            click.echo(f"warning: {warning}")
        for name, found in results.items():
            for r in found:
                click.echo(f"{'ok    ' if r.ok else 'FAILED'}  {r.told(name)}")
    ctx.exit(_worst(r.exit_code for found in results.values() for r in found if not r.ok))


def _worst(codes: Iterable[int]) -> int:
    """The exit code of several failures; 0 of none."""
    return min(codes, key=(2, 3, 5, 4).index, default=0)
