"""Moments as every stage takes them: in UTC, so that a date is a day of UTC whatever zone a moment came in."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC. ValueError for one that UTC has no year for (0001-01-01T00:00+05:00)."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("expected a moment of the years 1 to 9999 in UTC") from None


UtcMoment = Annotated[AwareDatetime, AfterValidator(in_utc)]
