"""Release the block of one source, destination and port that this playbook set."""

from playbook.actions import Outside, Result, slot
from playbook.actions._detection_fields import AddressText
from playbook.actions._response import ApprovalInput, ResponseOutput, refuse

KIND, READ_ONLY = "correct", False


class Input(ApprovalInput):
    """The source, destination and port of one step of the plan."""

    src_ip: AddressText = slot("Address of our host", contains=("ip",), example="10.20.0.31", max_length=64)
    dst_ip: AddressText = slot("Address outside", contains=("ip",), primary=True, example="203.0.113.66", max_length=64)
    dst_port: int = slot("Destination port", contains=("port",), example=6667, ge=0, le=65535)


Output = ResponseOutput


def run(given: Input, outside: Outside) -> Result:
    """Refuses: see ``refuse``."""
    return refuse(outside, "release_pair")
