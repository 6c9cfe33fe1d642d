"""The outcome of a run, written back to the SIEM that the detection came from: once, and only after it is stored."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from playbook import config
from playbook.cases import case_rows
from playbook.cases.store import open_store
from playbook.web.startup import start_up
from tests.support.story_fixtures import SAMPLE_DAY
from tests.support.three_siems import STATE, WINDOW, World, around, one_of_each, with_a_stranger

pytestmark = [pytest.mark.loopback, pytest.mark.heavy]
# Disposition -> status and disposition of the notable; status, resolution and tags of the insight.
VOCABULARY = {
    "TRUE_POSITIVE": (("2", "disposition:1"), ("inprogress", None, [])),
    "UNDETERMINED": (("1", "disposition:6"), ("new", None, [])),
    "BENIGN_POSITIVE": (("5", "disposition:2"), ("closed", "False Positive", [])),
    "FALSE_POSITIVE": (("5", "disposition:4"), ("closed", "False Positive", ["query-or-data"])),
}


@pytest.fixture
def visited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A day with a stranger's traffic among it, so that there is a detection of every disposition."""
    monkeypatch.setenv("STORY_SECRET", "none that a real account has")
    with around(tmp_path, with_a_stranger(), "9.0.0.0/8") as made:
        yield made


@pytest.mark.parametrize("close", [False, True])
def test_the_outcome_goes_back_once_the_cases_are_stored_and_only_once(visited: World, close: bool) -> None:
    policy = f"close_in_siem = {str(close).lower()}"
    for name in ("splunk", "cse"):
        visited.run("--source", name, *WINDOW, "--dry-run", state=STATE, policy=policy)
        assert visited.writes() == 0, "a dry run writes nothing"
    for name in ("splunk", "cse"):
        for _ in range(2):
            run = visited.run("--source", name, *WINDOW, state=STATE, policy=policy)
            assert not [warning for warning in run["warnings"] if " outcome" in warning]
    assert len(VOCABULARY) == len(one_of_each()) == len(visited.splunk.stored) == len(visited.cse.insights)
    for stored in visited.splunk.stored:
        wanted = VOCABULARY[stored["event_id"].partition("@@")[0]][0]
        assert (stored["status"], stored["disposition"]) == (wanted if close else ("1", "disposition:6")), stored
        assert len(stored["comment"]) == 1 and stored["event_id"].partition("@@")[0] in stored["comment"][0]
    for insight in visited.cse.insights:
        status, resolution, tags = VOCABULARY[insight["id"]][1]
        assert insight["tags"] == tags and len(visited.cse.comments[insight["id"]]) == 1
        assert (insight["status"]["name"], insight["resolution"]) == ((status, resolution) if close else ("new", None))


def test_a_run_of_the_schedule_writes_back_too_and_a_failure_is_logged(
    visited: World, caplog: pytest.LogCaptureFixture
) -> None:
    file = visited.configured("cse", STATE)
    moment = SAMPLE_DAY.end + timedelta(minutes=15)
    store = open_store("sqlite:///cse.db", visited.folder)
    wired = start_up(config.read(file), str(file), store, lambda: moment)
    wired.carry("cse 86400", moment)
    assert all(len(comments) == 1 for comments in visited.cse.comments.values()) and len(visited.cse.comments) == 4
    assert not caplog.messages
    wrong = visited.cse.insights[0]
    visited.cse.insights.append(wrong | {"id": "later"})
    visited.cse.behaviour.statuses = {n: (404, {}) for n in range(len(visited.cse.log) + 5, 10_000)}
    wired.carry("cse 86400", moment + timedelta(minutes=15))
    assert any("is not written to later (the next run tries again)" in message for message in caplog.messages)
    store.close()


def test_a_siem_that_is_away_costs_a_warning_and_the_next_run_says_what_a_person_said_meanwhile(visited: World) -> None:
    plain = [path for _, path in visited.cse.log]
    visited.run("--source", "cse", *WINDOW)
    reads = len(visited.cse.log) - len(plain)
    visited.cse.behaviour.statuses = {number: (502, {}) for number in range(2 * reads + 1, 2 * reads + 40)}
    run = visited.run("--source", "cse", *WINDOW, state=STATE)
    assert any("is not written to" in w and "the next run tries again" in w for w in run["warnings"]), run["warnings"]
    assert visited.writes() == 0 and run["cases"]
    visited.cse.behaviour.statuses = {}
    convicted = next(
        case for case in run["cases"] if case["detections"][0]["src_ip"] == one_of_each()["TRUE_POSITIVE"][0]
    )
    store = open_store("sqlite:///cse.db", visited.folder)
    with store.change() as conn:
        assert (
            case_rows.resolve(conn, convicted["case_id"], "BENIGN_POSITIVE", "anna", "our own test", SAMPLE_DAY.end)
            is None
        )
    store.close()
    visited.run("--source", "cse", *WINDOW, state=STATE)
    assert all(len(comments) == 1 for comments in visited.cse.comments.values()) and len(visited.cse.comments) == 4
    assert "BENIGN_POSITIVE: anna: our own test" in visited.cse.comments["TRUE_POSITIVE"][0]
