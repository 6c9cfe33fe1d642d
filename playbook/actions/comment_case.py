"""Add a comment to a case: it is kept in the trail and sent to the case's ticket."""

from playbook.actions import Flat, Result, slot
from playbook.actions._record import Record, case_slot

KIND, READ_ONLY = "generic", False


class Input(Flat):
    """Which case, and what is said."""

    case_id: str = case_slot()
    comment: str = slot("The comment", example="the owner was called", min_length=1, max_length=4000)


class Output(Flat):
    """Where the comment went."""

    case_id: str = slot("Identity of the case", contains=("case id",), example="C-0123456789ab")
    kept: str = slot("trail, or trail and ticket", example="trail and ticket")


def carry(given: Input, record: Record) -> Result:
    """One row. NotApproved when there is no such case."""
    where = record.comment(given.case_id, given.comment)
    return Result((Output(case_id=given.case_id, kept=where),), f"commented: {where}")
