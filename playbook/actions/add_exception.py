"""Enter an exception with owner, reason, scope and an end date at most 180 days away."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator

from playbook import suppressions
from playbook.actions import Flat, Outside, Result, list_exceptions, slot
from playbook.errors import ConfigError
from playbook.model.site import ExceptionEntry

KIND, READ_ONLY = "generic", False


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r}: expected a day as yyyy-MM-dd") from None
    return text


class Input(Flat):
    """Who, why, what, until when; the scope is source and destination, or one indicator."""

    owner: str = slot("Who answers for it", example="network team", min_length=1, max_length=200)
    reason: str = slot(
        "Why the traffic is expected", example="monitoring agent of the building", min_length=1, max_length=1000
    )
    ends: Annotated[str, AfterValidator(_day)] = slot(
        "Last day, yyyy-MM-dd, at most 180 days away", example="2027-02-01", max_length=10
    )
    source: str = slot(
        "Address, CIDR or inventory name of the source",
        "",
        contains=("ip", "host name"),
        example="10.20.0.31",
        max_length=255,
    )
    destination: str = slot(
        "Address, CIDR or name of the destination",
        "",
        contains=("ip", "domain"),
        primary=True,
        example="203.0.113.66",
        max_length=255,
    )
    port: int | None = slot("Only this destination port", None, contains=("port",), example=443, ge=0, le=65535)
    indicator: str = slot(
        "One address or domain instead of source and destination", "", contains=("ip", "domain"), max_length=255
    )


Output = list_exceptions.Output


def run(given: Input, outside: Outside) -> Result:
    """The exception as it was entered. ConfigError when its scope or end date will not do."""
    if outside.config.policy.exceptions is None:
        raise ConfigError(f"{outside.file}: policy.exceptions: not set, so there is no file to keep exceptions in")
    path, today = outside.config.folder / outside.config.policy.exceptions, outside.site.now.date()
    entry = ExceptionEntry(
        exception_id=suppressions.new_id(today),
        owner=given.owner,
        reason=given.reason,
        source=given.source,
        destination=given.destination,
        port=given.port,
        indicator=given.indicator,
        entered=today,
        ends=date.fromisoformat(given.ends),
    )
    faults = suppressions.faults_of(entry)
    if faults:
        raise ConfigError("\n".join(f"add_exception: {fault}" for fault in faults))
    suppressions.write(path, (*suppressions.read(path), entry))
    return Result((list_exceptions.row_of(entry, outside.site),), f"{entry.exception_id} until {entry.ends}")
