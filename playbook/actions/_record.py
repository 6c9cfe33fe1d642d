"""What the actions on the durable record reach: cases, alerts, plans and their answers, for a proven account."""

from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

from playbook.actions import slot


class StepState(NamedTuple):
    """One step of a plan and how far it is: waiting, approved, in force, being released, released or failed."""

    kind: str
    target: str
    connector: str
    ttl_s: int
    state: str
    until: datetime | None = None
    error: str = ""


class PlanState(NamedTuple):
    """A request to people about one plan: ``state`` is waiting, approved, denied, expired, superseded, withdrawn."""

    request_id: str
    plan_id: str
    digest: str
    state: str
    requester: str
    people: int
    votes: int
    expires_at: datetime
    answers: tuple[str, ...]
    steps: tuple[StepState, ...]


class CaseState(NamedTuple):
    """A case as the record has it now; ``plan`` is its newest request, ``tickets`` what desks know of it.

    ``state`` is where it stands, in the words of the pages.
    """

    case_id: str
    host: str
    status: str
    disposition: str
    confidence: str
    severity: str
    techniques: str
    reasons: tuple[str, ...]
    missing: tuple[str, ...]
    by_hand: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
    closed_by: str
    person_disposition: str
    person_by: str
    url: str
    plan: PlanState | None = None
    containments: tuple[StepState, ...] = ()
    tickets: tuple[tuple[str, str, str], ...] = ()
    alerts: tuple[tuple[str, str, str], ...] = ()
    state: str = ""


class FiledAlert(NamedTuple):
    """What came of one alert: ``state`` queued, filed, filtered, failed or over_cap; ``case`` where there is one."""

    alert_id: str
    state: str
    host: str
    disposition: str
    reason: str
    notes: tuple[str, ...]
    repeated: bool = False
    case: CaseState | None = None


class Answered(NamedTuple):
    """What became of an answer: ``result`` is approved, denied, counted (more people are needed), or refused."""

    result: Literal["approved", "denied", "counted", "refused"]
    text: str
    case: CaseState | None


class OutcomeState(NamedTuple):
    """A finding of a SIEM and whether it has the case's outcome: written, waiting or refused."""

    source: str
    finding_id: str
    disposition: str
    state: str
    note: str = ""


class Record(Protocol):
    """The record as one proven account reaches it; every method is one transaction and raises PlaybookError."""

    def file(self, document: Any, sender: str) -> tuple[tuple[FiledAlert, ...], tuple[str, ...]]:
        """Keep, judge and file the alerts of a parsed body; what came of each, and the bad rows a sentence each."""

    def case(self, case_id: str) -> CaseState | None:
        """The case as it is now."""

    def resolve(self, case_id: str, disposition: Any, reason: str, fault: Any) -> None:
        """Close the case with this disposition, kept beside ours. NotApproved when it cannot be."""

    def comment(self, case_id: str, text: str) -> str:
        """Add a comment to the case's trail and its ticket; where it went."""

    def answer(self, plan_id: str, digest: str, approve: bool, comment: str) -> Answered:
        """Answer the request that offers exactly this plan."""

    def write_outcome(self, case_id: str) -> tuple[OutcomeState, ...]:
        """Tell the SIEMs that the case's findings came from what became of it."""


def case_slot(**more: Any) -> Any:
    """The field that names a case."""
    return slot(
        "Identity of the case: C- and 12 hexadecimal digits",
        contains=("case id",),
        primary=True,
        example="C-0123456789ab",
        pattern=r"^C-[0-9a-f]{12}$",
        **more,
    )
