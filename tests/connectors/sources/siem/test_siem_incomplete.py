"""What a SIEM could not give whole is said in every verdict over it, and a whole answer says nothing of the kind."""

from pathlib import Path

import pytest

from playbook.model.case import JudgedDetection
from tests.support.siem_fixtures import FEED, SIEMS, calls, every, judged

pytestmark = pytest.mark.loopback
GAP = "the source's answer is incomplete"


def gaps(one: JudgedDetection) -> list[str]:
    """What the verdict says of its source."""
    return [text for text in one.verdict.missing if GAP in text]


@pytest.mark.parametrize("kind", SIEMS)
def test_a_whole_answer_is_not_said_to_be_incomplete(kind: str, tmp_path: Path) -> None:
    assert gaps(judged(kind, calls(every(300)), tmp_path, FEED)) == []


@pytest.mark.parametrize("kind", SIEMS)
def test_an_hour_without_a_row_reaches_the_verdict(kind: str, tmp_path: Path) -> None:
    quiet = [event for event in calls(every(300)) if not 5 <= (event.start % 86_400) / 3600 < 6]
    (said,) = gaps(judged(kind, quiet, tmp_path, FEED))
    assert "1 hours without a row, the first 2026-11-23 05:00 UTC" in said


def test_rows_that_were_announced_and_never_came_reach_the_verdict(tmp_path: Path) -> None:
    (said,) = gaps(judged("sumo", calls(every(300)), tmp_path, FEED, overstated=3))
    assert "the search reported 4 rows, 1 were returned" in said
