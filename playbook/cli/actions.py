"""actions: the catalogue of what a platform may call."""

from typing import Any

import click

from playbook.actions import Action, Slot, _docs_page, catalogue
from playbook.cli._options import emit


@click.command(name="actions")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("--markdown", is_flag=True, help="The page docs/actions.md.")
def command(as_json: bool, markdown: bool) -> None:
    """List every action with its kind and inputs. `act NAME` carries one out."""
    found = catalogue()
    if as_json:
        emit({"actions": [_document(action) for action in found]})
        return
    if markdown:
        click.echo(_docs_page.render(found), nl=False)
        return
    for action in found:
        mark = "" if action.read_only else "  (changes something)"
        click.echo(f"{action.identifier:18}  {action.kind:11}  {action.description}{mark}")
        inputs = ", ".join(slot.name if slot.required else f"[{slot.name}]" for slot in action.inputs)
        click.echo(f"{'':18}  {'':11}  {inputs or 'no input'}")


def _document(action: Action) -> dict[str, Any]:
    return {
        "identifier": action.identifier,
        "name": action.name,
        "kind": action.kind,
        "read_only": action.read_only,
        "description": action.description,
        "inputs": [_slot(slot) for slot in action.inputs],
        "outputs": [_slot(slot) for slot in action.outputs],
    }


def _slot(slot: Slot) -> dict[str, Any]:
    return slot._asdict() | {"contains": list(slot.contains), "choices": list(slot.choices)}
