"""Isolate one host by its inventory identity, as an approved plan says."""

from playbook.actions import Outside, Result, slot
from playbook.actions._response import ApprovalInput, ResponseOutput, refuse

KIND, READ_ONLY = "contain", False


class Input(ApprovalInput):
    """The host of one step of the plan."""

    host_id: str = slot(
        "Identity of the host in the inventory or EDR, never an address",
        primary=True,
        contains=("host id",),
        example="edr-4711",
        min_length=1,
        max_length=255,
    )


Output = ResponseOutput


def run(given: Input, outside: Outside) -> Result:
    """Refuses: see ``refuse``."""
    return refuse(outside, "isolate_host")
