"""Release a host from the isolation that this playbook set."""

from playbook.actions import Outside, Result, slot
from playbook.actions.change import Approved, Receipt, refuse

KIND, READ_ONLY = "correct", False


class Input(Approved):
    """The host of one step of the plan."""

    host_id: str = slot("Identity of the host in the inventory or EDR, never an address", primary=True,
                        contains=("host id",), example="edr-4711", min_length=1, max_length=255)


Output = Receipt


def run(given: Input, outside: Outside) -> Result:
    """Refuses: see ``refuse``."""
    return refuse(outside, "release_host")
