"""Read a case: its verdict, plan and answers, what is in force, its tickets and the alerts that it came from."""

from playbook.actions import Flat, Result, slot
from playbook.actions._case_columns import Verdict, step_line, verdict_columns
from playbook.actions._record import CaseState, Record, case_slot
from playbook.errors import ConfigError

KIND, READ_ONLY = "investigate", True


class Input(Flat):
    """Which case."""

    case_id: str = case_slot()


class Output(Verdict):
    """One row: everything that a platform waits for."""

    requester: str = slot("Who asked for the plan", "")
    answers: str = slot("Answers that counted, one a line: account, approved or denied, when", "")
    containments: str = slot(
        "What this case set, one a line: kind, target, seconds, state",
        "",
        example="block_address 203.0.113.66 14400 in force",
    )
    in_force: int = slot("How many containments of the case are in force", 0, example=1)
    ends: str = slot("When the last of them ends, ISO 8601 in UTC", "", example="2026-11-24T10:00:00+00:00")
    errors: str = slot("Why a containment failed or waits, one a line", "")
    tickets: str = slot("Tickets, one a line: key, state, reference", "")
    alerts: str = slot("Alerts that the case came from, one a line: identity, sender, account", "")
    by_hand: str = slot("What a person has to contain by hand, one a line", "")
    first_seen: str = slot("First connection, ISO 8601 in UTC", "")
    last_seen: str = slot("Last connection, ISO 8601 in UTC", "")
    closed_by: str = slot("Who closed it, empty while it is open", "", contains=("user name",))
    person_disposition: str = slot("Disposition that a person gave, beside ours", "")
    person_by: str = slot("Who gave it", "", contains=("user name",))


def carry(given: Input, record: Record) -> Result:
    """The case as one row. ConfigError when there is none of that identity."""
    case = record.case(given.case_id)
    if case is None:
        raise ConfigError(f"get_case: case_id: there is no case {given.case_id}")
    row = row_of(case)
    plan = f"; plan {row.plan_state}" if row.plan_id else ""
    stands = row.case_state or row.status
    return Result((row,), f"{row.disposition}: {row.host} is {stands}{plan}; {row.in_force} in force")


def row_of(case: CaseState) -> Output:
    """The case as a row."""
    plan = case.plan
    live = [one for one in case.containments if one.state == "in force"]
    return Output(
        **verdict_columns(case),
        requester=plan.requester if plan else "",
        answers="\n".join(plan.answers) if plan else "",
        containments="\n".join(map(step_line, case.containments)),
        in_force=len(live),
        ends=max((one.until.isoformat() for one in live if one.until), default=""),
        errors="\n".join(one.error for one in case.containments if one.error),
        tickets="\n".join(" ".join(one) for one in case.tickets),
        alerts="\n".join(" ".join(one) for one in case.alerts),
        by_hand="\n".join(case.by_hand),
        first_seen=case.first_seen.isoformat(),
        last_seen=case.last_seen.isoformat(),
        closed_by=case.closed_by,
        person_disposition=case.person_disposition,
        person_by=case.person_by,
    )
