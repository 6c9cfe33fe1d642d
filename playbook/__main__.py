"""The command line: a group whose commands lie in playbook/cli, one module each, loaded when called."""

import atexit
import gc
import importlib
import os
import pkgutil
import sys
import traceback
from collections.abc import Sequence

import click

from playbook import cli as commands
from playbook.errors import PlaybookError

_EXIT_CODES = (
    "Exit codes: 0 done, whatever was found; 1 an approval request was stored and waits; 2 usage, configuration or an "
    "unrecognised input; 3 credentials; 4 unreachable or incomplete; 5 refused by a safety rule; 128 anything else."
)


class _Doors(click.Group):
    """Finds a command by its module's name (``exceptions`` in commands/exceptions.py), importing only that one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(
            m.name.replace("_", "-") for m in pkgutil.iter_modules(commands.__path__) if not m.name.startswith("_")
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"playbook.cli.{cmd_name.replace('-', '_')}").command
        command.epilog = command.epilog or _EXIT_CODES
        for one in (command, *(command.commands.values() if isinstance(command, click.Group) else ())):
            # Whole sentences in the lists of commands: click would cut them at the width of a column.
            one.short_help = one.short_help or (one.help or "").strip().partition("\n\n")[0].partition(". ")[0]
        return command


@click.group(
    cls=_Doors, epilog=_EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}
)
@click.version_option(package_name="botnet-playbook")
def cli() -> None:
    """Botnet-beaconing detections: evidence, a verdict with its reasons, and a plan that a person approves."""


def collect_rarely() -> None:
    """Look for reference cycles after every 100,000 objects, not every 700.

    Our values are trees, freed without it; over the thousands of cases of one run the search costs a third of the time.
    """
    gc.set_threshold(100_000, 20, 20)


def _enough() -> int:
    """Who read us has enough: what is left in our buffers must not be written at the end and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def main() -> None:
    """Run the command line; exit codes: 0 done, 2 usage, 3 credentials, 4 incomplete, 5 refused, 128 other."""
    collect_rarely()
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except click.ClickException as fault:
        fault.show()
        code = fault.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        code = 128
    except PlaybookError as fault:
        click.echo(f"error: {fault}", err=True)
        code = fault.exit_code
    except ModuleNotFoundError as fault:
        click.echo(f"error: {fault.name} is not installed: pip install 'botnet-playbook[all]'", err=True)
        code = 2
    except (BrokenPipeError, SystemExit):
        # Nothing of ours exits in there; click and rich do, with 1, where nobody reads any more. Our 1 is a request.
        code = _enough()
    except Exception:  # noqa: BLE001 - the last resort: whatever is left is told whole and has an exit code of its own
        traceback.print_exc()
        code = 128
    sys.exit(code if isinstance(code, int) else 0)


def program() -> None:
    """``main`` as a process of its own, which ends at once when everything is said and every exit handler has run.

    Taking all modules apart, only for the system to free them anyway, costs a short call a fifth of its time.
    """
    ended: list[int] = []
    # Handlers run in the reverse order: those of everything that is imported from here on come before it.
    atexit.register(_end, ended)
    try:
        main()
    except SystemExit as leave:
        ended.append(int(leave.code or 0))
        raise


def _end(ended: Sequence[int]) -> None:
    """Flush, and leave by the command's own code; by 128 when what it said could not be written down to its end."""
    unsaid = False
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except BrokenPipeError:
            pass  # who read us has enough
        except (OSError, ValueError):
            unsaid = True
    if ended:
        os._exit(128 if unsaid else ended[0])


if __name__ == "__main__":
    program()
