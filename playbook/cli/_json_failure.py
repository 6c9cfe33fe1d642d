"""A command whose failure is one JSON document, too, where the caller asked for JSON."""

from typing import Any

import click

from playbook.cli._options import emit
from playbook.errors import ConfigError, PlaybookError


class JsonCommand(click.Command):
    """With --json a failure prints its reason as the one document on stdout; the text on stderr and the code stay."""

    def invoke(self, ctx: click.Context) -> Any:
        """As click does it; PlaybookError, a wrong option and a missing extra are told before they go on."""
        try:
            return super().invoke(ctx)
        except (PlaybookError, click.ClickException, ModuleNotFoundError) as fault:
            if ctx.params.get("as_json"):
                emit(_document(fault))
            raise


def _document(fault: PlaybookError | click.ClickException | ModuleNotFoundError) -> dict[str, Any]:
    if isinstance(fault, ModuleNotFoundError):
        code, text = ConfigError.exit_code, f"{fault.name} is not installed"
    elif isinstance(fault, click.ClickException):
        code, text = fault.exit_code, fault.format_message()
    else:
        code, text = fault.exit_code, str(fault)
    return {"error": text, "exit_code": code, "complete": False, "warnings": [], "filtered": [], "cases": []}
