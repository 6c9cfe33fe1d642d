"""What every contain and correct action takes and gives, and why none of them acts by itself."""

from typing import NoReturn

from playbook.actions import Flat, Outside, slot
from playbook.errors import NotApproved


class ApprovalInput(Flat):
    """The approval that a change needs: of exactly one plan, by a person."""

    plan_id: str = slot(
        "Identity of the approved plan: P- and 12 hexadecimal digits",
        contains=("plan id",),
        example="P-000000000001",
        pattern=r"^P-[0-9a-f]{12}$",
    )
    digest: str = slot(
        "SHA-256 of exactly the approved plan: 64 hexadecimal digits",
        contains=("plan digest",),
        example="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        pattern=r"^[0-9a-f]{64}$",
    )
    approved_by: str = slot(
        "Account of the person who approved it", contains=("user name",), min_length=1, max_length=200
    )


class ResponseOutput(Flat):
    """What the device said."""

    plan_id: str = slot("Identity of the plan", contains=("plan id",), example="P-000000000001")
    target: str = slot("What was changed", example="203.0.113.66")
    state: str = slot("applied, released, or already so", example="applied")
    ends: str = slot("When it ends, ISO 8601 in UTC, empty when it has ended", "")


def refuse(outside: Outside, action: str) -> NoReturn:
    """Nothing is changed without a durable record of the approval. Raises NotApproved (exit code 5).

    With a record the doors (``act`` and the API of ``serve``) answer through it (service/changes.py), never here.
    """
    if not outside.config.state.url:
        raise NotApproved(
            f"{action}: refused, nothing was changed: [state] is not configured in {outside.file}, "
            "so no approval can be proven and no release can be kept"
        )
    raise NotApproved(
        f"{action}: refused, nothing was changed: call it by `act` or by the API of `serve`, where the "
        "account that approves is proven"
    )
