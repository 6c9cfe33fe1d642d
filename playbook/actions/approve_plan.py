"""Approve exactly one plan by its digest; the token counts as one approver, and never for what it filed itself."""

from playbook.actions import Result, _answer
from playbook.actions._record import Record

KIND, READ_ONLY = "generic", False
SCOPE, ROLE = "approve", "approver"
Input = _answer.Answer
Output = _answer.Output


def carry(given: _answer.Answer, record: Record) -> Result:
    """The case after the approval: its steps are set by the worker and verified. NotApproved when it is refused."""
    return _answer.answered(given, record, True)
