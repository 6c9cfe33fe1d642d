"""Write what became of a case to the SIEM findings that it came from, once."""

from playbook.actions import Flat, Result, slot
from playbook.actions._record import Record, case_slot

KIND, READ_ONLY = "generic", False


class Input(Flat):
    """Which case."""

    case_id: str = case_slot()


class Output(Flat):
    """One row a finding; none when the case came with none."""

    source: str = slot("Source of the finding", example="splunk")
    finding_id: str = slot("Identity of the finding in its SIEM")
    disposition: str = slot("What it is told", example="TRUE_POSITIVE")
    state: str = slot("written, waiting or refused", example="written")
    note: str = slot("Why it is not written", "")


def carry(given: Input, record: Record) -> Result:
    """The findings of the case; incomplete while one has not been told."""
    outcomes = record.write_outcome(given.case_id)
    rows = tuple(Output(**one._asdict()) for one in outcomes)
    written = sum(row.state == "written" for row in rows)
    message = f"{written} of {len(rows)} finding(s) told" if rows else "the case came with no finding of a SIEM"
    return Result(rows, message, written == len(rows), tuple(row.note for row in rows if row.note))
