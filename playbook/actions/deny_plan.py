"""Deny a plan: one denial ends its request, and nothing is contained."""

from playbook.actions import Result, _answer
from playbook.actions._record import Record

KIND, READ_ONLY = "generic", False
SCOPE, ROLE = "approve", "approver"
Input = _answer.Answer
Output = _answer.Output


def carry(given: _answer.Answer, record: Record) -> Result:
    """The case after the denial. NotApproved when it does not count."""
    return _answer.answered(given, record, False)
