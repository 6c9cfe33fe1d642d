"""What approving and denying share: the plan that is answered, and the case as it is then."""

from playbook.actions import Flat, Result, get_case, slot
from playbook.actions._record import Record
from playbook.errors import NotApproved


class Answer(Flat):
    """Exactly one plan, by its identity and digest."""

    plan_id: str = slot(
        "Identity of the plan: P- and 12 hexadecimal digits",
        contains=("plan id",),
        example="P-000000000001",
        pattern=r"^P-[0-9a-f]{12}$",
        primary=True,
    )
    digest: str = slot(
        "SHA-256 of exactly the plan that was read: 64 hexadecimal digits",
        contains=("plan digest",),
        example="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        pattern=r"^[0-9a-f]{64}$",
    )
    comment: str = slot("Kept with the answer: who said so, and why", "", max_length=2000)


class Output(get_case.Output):
    """The case after the answer."""

    result: str = slot("approved, denied, or counted when more people must approve", example="approved")


def answered(given: Answer, record: Record, approve: bool) -> Result:
    """The answer of the token's account; incomplete while more people must approve. NotApproved when it is refused."""
    outcome = record.answer(given.plan_id, given.digest, approve, given.comment)
    if outcome.result == "refused" or outcome.case is None:
        raise NotApproved(f"refused, nothing was changed: {outcome.text}")
    row = Output(result=outcome.result, **get_case.row_of(outcome.case).model_dump())
    return Result((row,), outcome.text, complete=outcome.result != "counted")
