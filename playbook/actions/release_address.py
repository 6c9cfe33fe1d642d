"""Release the block of an outside address that this playbook set."""

from playbook.actions import Outside, Result, slot
from playbook.actions.change import Approved, Receipt, refuse
from playbook.actions.columns import AddressText

KIND, READ_ONLY = "correct", False


class Input(Approved):
    """The address of one step of the plan."""

    address: AddressText = slot("Outside address of the step", contains=("ip",), primary=True,
                                example="203.0.113.66", max_length=64)


Output = Receipt


def run(given: Input, outside: Outside) -> Result:
    """Refuses: see ``refuse``."""
    return refuse(outside, "release_address")
