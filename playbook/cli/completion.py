"""completion: the script that lets a shell complete our commands, options and choices."""

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_BOTNET_PLAYBOOK_COMPLETE"


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    For bash: botnet-playbook completion bash > ~/.local/share/bash-completion/completions/botnet-playbook
    """
    kind = get_completion_class(shell)
    root = ctx.find_root()
    if kind is None:
        raise click.UsageError(f"{shell}: this version of click has no completion for it")
    click.echo(kind(root.command, {}, "botnet-playbook", _VARIABLE).source())
