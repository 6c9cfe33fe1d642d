"""CACAO 2.0: the road of a detection as a playbook for any engine that speaks it; a case exports one of its own."""

import json
from collections.abc import Sequence

from playbook.actions import Action
from playbook.cases.exports.cacao import story

_README = """\
# CACAO 2.0

`playbook.json` is the road of a detection: file it, ask a person about exactly one plan, approve or deny, release. Its
agent is the action API of `botnet-playbook serve`; the token is the variable `__api_token__`, and the address in
`agent_definitions` is an example. A playbook of one case, with its addresses, plan and digest filled in, is written by
`botnet-playbook cases export ID --format cacao`. What checks it: `docs/exports.md`.
"""


def render(catalogue: Sequence[Action]) -> dict[str, str]:
    """The playbook and a page about it; every action that it calls is in the catalogue."""
    return {"playbook.json": json.dumps(story(), indent=2) + "\n", "README.md": _README}
