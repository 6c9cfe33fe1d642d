"""List the exceptions that people entered, with owner, reason, scope and end date."""

from playbook.actions import Flat, Outside, Result, slot
from playbook.model.site import ExceptionEntry, Site

KIND, READ_ONLY = "generic", True


class Input(Flat):
    """All of them, or only those in force."""

    live_only: bool = slot("Leave out exceptions that have ended or not begun", False)


class Output(Flat):
    """One exception."""

    exception_id: str = slot("Identity of the exception", contains=("exception id",), example="X-20261124-0a1b2c")
    state: str = slot("live, ended or not yet", example="live")
    owner: str = slot("Who answers for it", example="network team")
    reason: str = slot("Why the traffic is expected")
    source: str = slot("Address, CIDR or inventory name of the source", "", contains=("ip", "host name"))
    destination: str = slot("Address, CIDR or name of the destination", "", contains=("ip", "domain"))
    port: int | None = slot("Destination port, null for every port", None, contains=("port",), example=443)
    indicator: str = slot("The one address or domain instead of source and destination", "", contains=("ip", "domain"))
    entered: str = slot("Day it was entered, yyyy-MM-dd", example="2026-11-24")
    ends: str = slot("Last day, yyyy-MM-dd", example="2027-02-01")


def run(given: Input, outside: Outside) -> Result:
    """One row per exception, in the order of the file."""
    every = tuple(row_of(entry, outside.site) for entry in outside.site.exceptions)
    rows = tuple(row for row in every if row.state == "live" or not given.live_only)
    return Result(rows, f"{len(rows)} exception(s)")


def row_of(entry: ExceptionEntry, site: Site) -> Output:
    """The entry in flat columns, with its state today."""
    today = site.now.date()
    state = "ended" if entry.ends < today else "live" if entry.entered <= today else "not yet"
    return Output(
        state=state,
        **entry.model_dump(exclude={"entered", "ends"}),
        entered=entry.entered.isoformat(),
        ends=entry.ends.isoformat(),
    )
