"""Close a case with a disposition and a reason, kept beside our own verdict."""

from typing import Literal

from playbook.actions import Flat, Result, get_case, slot
from playbook.actions._record import Record, case_slot

KIND, READ_ONLY = "generic", False


class Input(Flat):
    """Which case, what it was, and why."""

    case_id: str = case_slot()
    disposition: Literal["TRUE_POSITIVE", "BENIGN_POSITIVE", "FALSE_POSITIVE", "UNDETERMINED"] = slot(
        "What it was", example="BENIGN_POSITIVE"
    )
    reason: str = slot(
        "Why, in a sentence: it is kept with the case",
        example="planned load test of the web team",
        min_length=1,
        max_length=2000,
    )
    fault: Literal["query", "data"] = slot("What a FALSE_POSITIVE comes from: the query, or the data", "query")


Output = get_case.Output


def carry(given: Input, record: Record) -> Result:
    """The case as it is then. NotApproved when it is closed already or there is none."""
    record.resolve(given.case_id, given.disposition, given.reason, given.fault)
    case = record.case(given.case_id)
    rows = () if case is None else (get_case.row_of(case),)
    return Result(rows, f"{given.case_id} is closed as {given.disposition}")
