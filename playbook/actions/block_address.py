"""Block an outside address for every source, as an approved plan says."""

from playbook.actions import Outside, Result, slot
from playbook.actions._detection_fields import AddressText
from playbook.actions._response import ApprovalInput, ResponseOutput, refuse

KIND, READ_ONLY = "contain", False


class Input(ApprovalInput):
    """The address of one step of the plan."""

    address: AddressText = slot(
        "Outside address of the step", contains=("ip",), primary=True, example="203.0.113.66", max_length=64
    )


Output = ResponseOutput


def run(given: Input, outside: Outside) -> Result:
    """Refuses: see ``refuse``."""
    return refuse(outside, "block_address")
