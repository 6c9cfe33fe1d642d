"""A date is a day of UTC, whatever zone a moment came in: configuration, alerts, feeds, exceptions."""

from datetime import UTC, date, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.enrichers._files.indicators import FeedRow
from playbook.alerts.rescoring import moment
from playbook.config import Policy
from playbook.model.moment import UtcMoment

LATE = "2026-11-24T23:30:00-05:00"


def test_late_in_new_york_is_tomorrow():
    assert Policy.model_validate({"now": LATE}).now.date() == date(2026, 11, 25)
    assert moment(LATE) == datetime(2026, 11, 25, 4, 30, tzinfo=UTC) and moment(LATE).tzinfo is UTC
    row = {"indicator": "c2.example", "kind": "domain", "last_seen": LATE, "feed": "f"}
    assert FeedRow.model_validate(row).last_seen == date(2026, 11, 25)
    assert FeedRow.model_validate(row | {"last_seen": "2026-11-24"}).last_seen == date(2026, 11, 24)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_what_utc_has_no_year_for_is_a_wrong_value_and_no_crash(text):
    with pytest.raises(ValidationError, match="years 1 to 9999"):
        TypeAdapter(UtcMoment).validate_python(text)
    with pytest.raises(ValueError, match="years 1 to 9999"):
        moment(text)
