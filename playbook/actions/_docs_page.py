"""The catalogue as a page for people: docs/actions.md."""

from collections.abc import Iterable

from playbook.actions import Action, Slot

_HEAD = """# Actions

What a SOAR platform may call, one typed operation at a time: `botnet-playbook act NAME --param KEY=VALUE`.
This page is made from the catalogue (`make manifests`); the code is one file an action in `playbook/actions/`.

The answer is one JSON document: `status` (success, incomplete or failed), `message`, `complete`, `warnings` and
`data`, a list of flat rows. Exit codes: 0 done, 2 input or configuration, 3 credentials, 4 unreachable or incomplete,
5 refused by a safety rule. Lists inside one column are text: names joined by commas, sentences one a line.

| action | kind | changes something | what it does |
|---|---|---|---|
"""


def render(actions: Iterable[Action]) -> str:
    """The whole page as Markdown."""
    found = tuple(actions)
    table = "".join(
        f"| [{a.identifier}](#{a.identifier}) | {a.kind} | {'no' if a.read_only else 'yes'} | {a.description} |\n"
        for a in found
    )
    return _HEAD + table + "".join(map(_section, found))


def _section(action: Action) -> str:
    return (
        f"\n## {action.identifier}\n\n{action.description}.\n\n"
        + (_table("input", action.inputs, asked=True) if action.inputs else "No input.\n")
        + "\n"
        + _table("column of a row", action.outputs, asked=False)
    )


def _table(title: str, slots: Iterable[Slot], asked: bool) -> str:
    head = f"| {title} | type |{' required |' if asked else ''} meaning |\n|---|---|{'---|' if asked else ''}---|\n"
    return head + "".join(
        f"| {slot.name} | {slot.type} |{f' {_need(slot)} |' if asked else ''} {_meaning(slot)} |\n" for slot in slots
    )


def _need(slot: Slot) -> str:
    return "yes" if slot.required else "no"


def _meaning(slot: Slot) -> str:
    example = "" if slot.example is None else f"; such as `{slot.example}`"
    return f"{slot.description}{example}"
