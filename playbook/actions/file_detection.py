"""File a detection from outside: it is kept, measured, judged, filed as a case, and its plan waits for approval."""

from typing import Any

from playbook.actions import Result, find, slot
from playbook.actions._case_columns import Verdict, verdict_columns
from playbook.actions._judge import AlertInput, columns_given
from playbook.actions._record import FiledAlert, Record
from playbook.alerts.senders import parsed
from playbook.errors import ConfigError

KIND, READ_ONLY = "generic", False
SCOPE = "intake"


class Input(AlertInput):
    """The row's columns, or the alert as one JSON text."""

    sender: str = slot("Name of an [alerts.NAME] table that says how the alert is read", "", max_length=100)


class Output(Verdict):
    """One row an alert: the case that it became, or why it became none."""

    alert_id: str = slot("Identity of the alert: the same alert has the same", "", contains=("alert id",))
    state: str = slot("filed, filtered, queued, failed or over_cap", example="filed")
    repeated: bool = slot("Whether this very alert was sent before", False)
    notes: str = slot("What the alert lacks or what does not fit, one a line", "")


def carry(given: Input, record: Record) -> Result:
    """What came of the alert; incomplete while it waits or when some of its rows were not taken."""
    document = parsed(given.alert.encode()) if given.alert else columns_given(find("file_detection"), given)
    filed, rejected = record.file(document, given.sender)
    if not filed:
        raise ConfigError(
            "\n".join(f"file_detection: {line}" for line in rejected)
            or "file_detection: the alert holds no row, so nothing is filed"
        )
    rows = tuple(map(_row, filed))
    done = not rejected and all(row.state in ("filed", "filtered") for row in rows)
    return Result(rows, _message(rows), done, rejected)


def _row(one: FiledAlert) -> Output:
    own: dict[str, Any] = {
        "alert_id": one.alert_id,
        "state": one.state,
        "repeated": one.repeated,
        "notes": "\n".join(one.notes),
    }
    if one.case is None:
        return Output(**own, host=one.host, disposition=one.disposition, reasons=one.reason)
    # The state is the alert's; where the case stands is told by get_case.
    return Output(**verdict_columns(one.case) | own)


def _message(rows: tuple[Output, ...]) -> str:
    if len(rows) > 1:
        return f"{len(rows)} alerts, {len({row.case_id for row in rows if row.case_id})} case(s)"
    row = rows[0]
    if not row.case_id:
        return f"{row.state}: {row.reasons.partition(chr(10))[0] or 'no case yet'}"
    plan = f"; plan {row.plan_id} is {row.plan_state}" if row.plan_id else "; no plan is proposed"
    return f"{row.disposition}: case {row.case_id} of {row.host}{plan}"
