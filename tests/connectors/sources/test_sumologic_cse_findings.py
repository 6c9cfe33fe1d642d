"""The way back to an insight: in the tenant's words, once, and never against a person."""

from typing import Any

import pytest

from connectors.sources._siem.write_back_comment import comment_of
from connectors.sources.sumologic_cse.findings import (
    Change,
    InsightFinding,
    State,
    WritePolicy,
    Written,
    change_for,
    remaining,
    write_back,
)
from connectors.sources.sumologic_cse.settings import Words
from playbook.detections.beaconing import Event
from playbook.errors import BadAnswer, ConfigError, Unreachable
from playbook.model.finding_update import FindingUpdate
from tests.emulators.cse import Behaviour, Tenant
from tests.emulators.cse_objects import insight_of, record_of, signal_of, signals_of
from tests.support.cse_fixtures import CREATED, DAY, START, FakeClock, a_day, reference, talking
from tests.support.sumo_fixtures import findings_of

pytestmark = pytest.mark.loopback
BOT = reference()[0]
SIGNALS = tuple(signals_of([event for event in a_day() if event.dst_ip == BOT.dst_ip][:60], CREATED))
CLOSES = WritePolicy(close_in_siem=True)


def tenant_with(behaviour: Behaviour | None = None, **state: Any) -> Tenant:
    """A tenant with one insight of the bot."""
    stored = insight_of("a/../b", [one["id"] for one in SIGNALS], CREATED) | {"tags": []} | state
    return Tenant(SIGNALS, [stored], behaviour)


def outcome(disposition: str, reason: str = "measured") -> FindingUpdate:
    return FindingUpdate(case_id="C-0123456789ab", disposition=disposition, reason=reason)


def written(
    tenant: Tenant, given: FindingUpdate, policy: WritePolicy = CLOSES, clock: FakeClock | None = None
) -> Written:
    """One write-back to the insight of the bot."""
    with talking(tenant, clock) as source:
        (got,) = source.fetch(DAY)
        return write_back(source.wire, findings_of(got, BOT.detection_id, InsightFinding)[0], given, policy)


def status_of(tenant: Tenant) -> tuple[str, str | None, list[str], int]:
    """Status, resolution, tags and the number of comments of the one insight."""
    one = tenant.insights[0]
    return one["status"]["name"], one["resolution"], one["tags"], len(tenant.comments.get("a/../b", ()))


@pytest.mark.parametrize(
    ("disposition", "status", "resolution", "tags"),
    [
        ("BENIGN_POSITIVE", "closed", "False Positive", []),
        ("FALSE_POSITIVE", "closed", "False Positive", ["query-or-data"]),
        ("TRUE_POSITIVE", "inprogress", None, []),
        ("UNDETERMINED", "new", None, []),
    ],
)
def test_each_disposition_is_written_once(disposition: str, status: str, resolution: str | None, tags: list) -> None:
    tenant = tenant_with()
    first = written(tenant, outcome(disposition))
    assert first.did == "written" and first.commented and status_of(tenant) == (status, resolution, tags, 1)
    writes = list(tenant.writes)
    assert written(tenant, outcome(disposition)).did == "already"
    assert tenant.writes == writes and status_of(tenant) == (status, resolution, tags, 1)
    assert written(tenant, outcome(disposition, "more is known")).did == "written"
    assert status_of(tenant) == (status, resolution, tags, 2)


@pytest.mark.parametrize("disposition", ["BENIGN_POSITIVE", "FALSE_POSITIVE", "TRUE_POSITIVE", "UNDETERMINED"])
def test_by_default_a_comment_and_its_tag_are_left_and_nothing_else(disposition: str) -> None:
    tenant = tenant_with()
    got = written(tenant, outcome(disposition), WritePolicy())
    tags = ["query-or-data"] if disposition == "FALSE_POSITIVE" else []
    assert status_of(tenant) == ("new", None, tags, 1) and got.status is None and got.tag == (tags[0] if tags else None)
    assert tenant.comments["a/../b"][0].startswith("[botnet-playbook C-0123456789ab ")
    assert not any("status" in path for path in tenant.writes)


ASKED = Change(status="closed", resolution="False Positive", tag="query-or-data", comment="[m] x")


@pytest.mark.parametrize(
    ("state", "status", "tag", "kept"),
    [
        (State("new", "", (), ()), "closed", "query-or-data", ""),
        (State("inprogress", "", ("query-or-data",), ()), "closed", None, ""),
        (State("InProgress", "", (), ()), "closed", "query-or-data", ""),
        (State("waiting for owner", "", (), ()), None, "query-or-data", "status waiting for owner"),
        (State("closed", "Resolved", (), ()), None, "query-or-data", "status closed, resolution Resolved"),
        (State("closed", "False Positive", (), ()), None, "query-or-data", ""),
    ],
)
def test_what_a_person_set_is_kept(state: State, status: str | None, tag: str | None, kept: str) -> None:
    left, said = remaining(ASKED, state, Words())
    assert left is not None and (left.status, left.tag, left.comment, said) == (status, tag, "[m] x", kept)
    assert (left.resolution is None) is (status is None)


def test_a_comment_that_is_there_says_that_all_was_done() -> None:
    wanted = change_for(outcome("BENIGN_POSITIVE"), CLOSES)
    reopened = State("new", "", (), ("hello", f"<p>{comment_of(outcome('BENIGN_POSITIVE'))}</p>"))
    assert remaining(wanted, reopened, Words()) == (None, "")


@pytest.mark.parametrize("status", ["closed", "inprogress"])
def test_a_true_positive_neither_closes_nor_reopens(status: str) -> None:
    tenant = tenant_with(status={"name": status, "displayName": status}, resolution=None)
    got = written(tenant, outcome("TRUE_POSITIVE"))
    assert status_of(tenant)[0] == status and got.status is None and got.commented
    assert got.kept == ("status closed" if status == "closed" else "")


def test_the_words_are_those_of_the_tenant() -> None:
    names = (("neu", "New"), ("arbeit", "In Progress"), ("closed", "Fertig"))
    words = Words(new="New", in_progress="in progress", closed="FERTIG", false_positive="duplicate")
    tenant = tenant_with(Behaviour(status_names=names), status={"name": "neu", "displayName": "New"})
    got = written(tenant, outcome("BENIGN_POSITIVE"), WritePolicy(close_in_siem=True, words=words))
    assert (got.status, got.resolution) == ("closed", "Duplicate") == status_of(tenant)[:2]
    tenant = tenant_with(Behaviour(status_names=names), status={"name": "neu", "displayName": "New"})
    assert written(tenant, outcome("TRUE_POSITIVE"), WritePolicy(close_in_siem=True, words=words)).status == "arbeit"


def test_a_word_the_tenant_does_not_have_changes_nothing() -> None:
    tenant = tenant_with(Behaviour(resolutions=("Resolved",)))
    with pytest.raises(ConfigError, match="no 'False Positive' among Resolved: set words"):
        written(tenant, outcome("FALSE_POSITIVE"))
    assert not tenant.writes


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_answer_that_was_lost_is_looked_up_before_anything_is_sent_again(number: int) -> None:
    plain = tenant_with()
    written(plain, outcome("FALSE_POSITIVE"))
    places = [n for n, (method, _) in enumerate(plain.log, start=1) if method != "GET"]
    tenant = tenant_with(Behaviour(lost=(places[number - 1],)))
    got = written(tenant, outcome("FALSE_POSITIVE"))
    assert got.did == "written" and got.status == "closed" and got.commented
    assert status_of(tenant) == ("closed", "False Positive", ["query-or-data"], 1)


def test_an_insight_that_never_answers_is_given_up_and_finished_by_the_next_run() -> None:
    plain = tenant_with()
    written(plain, outcome("BENIGN_POSITIVE"))
    last = len(plain.log)
    tenant = tenant_with(Behaviour(statuses={n: (502, {}) for n in (last, last + 3)}, form="html"))
    with pytest.raises(Unreachable, match="502"):
        written(tenant, outcome("BENIGN_POSITIVE"))
    assert status_of(tenant) == ("closed", "False Positive", [], 0)
    assert written(tenant, outcome("BENIGN_POSITIVE")).did == "written"
    assert status_of(tenant) == ("closed", "False Positive", [], 1)


def test_a_change_that_is_answered_and_not_made_is_an_error() -> None:
    with pytest.raises(BadAnswer, match="not changed: the insight is in new"):
        written(tenant_with(Behaviour(deaf=True)), outcome("BENIGN_POSITIVE"))


def test_an_insight_that_is_gone_is_an_error() -> None:
    tenant = tenant_with()
    with talking(tenant) as source:
        (got,) = source.fetch(DAY)
        tenant.insights.clear()
        with pytest.raises(ConfigError, match="Insight not found"):
            write_back(
                source.wire, findings_of(got, BOT.detection_id, InsightFinding)[0], outcome("UNDETERMINED"), CLOSES
            )


def test_a_source_takes_an_outcome_in_its_own_words_and_changes_no_status_unless_it_may() -> None:
    tenant = tenant_with(Behaviour(status_names=(("new", "New"), ("inprogress", "In Progress"), ("closed", "Fertig"))))
    with talking(tenant, words={"closed": "Fertig"}) as source:
        (got,) = source.fetch(DAY)
        (found,) = [one for one in got.findings if one.detection_id == BOT.detection_id]
        assert source.write_back(found.reference, outcome("BENIGN_POSITIVE"), False) == ""
        assert status_of(tenant) == ("new", None, [], 1)
        assert source.write_back(found.reference, outcome("BENIGN_POSITIVE", "and again"), True) == ""
        assert status_of(tenant) == ("closed", "False Positive", [], 2)
        assert source.write_back(found.reference, outcome("BENIGN_POSITIVE", "a third time"), True) == ""
        assert source.write_back(found.reference, outcome("TRUE_POSITIVE"), True).startswith("status closed")
        with pytest.raises(BadAnswer, match="a form that this version does not read"):
            source.write_back("{}", outcome("BENIGN_POSITIVE"), True)
    (finding,) = findings_of(got, BOT.detection_id, InsightFinding)
    assert (finding.readable_id, finding.entity, found.finding_id) == ("INSIGHT-a/../b", "_hostname cam-1", "a/../b")


@pytest.mark.parametrize(
    ("more", "whole"),
    [
        ((), True),
        ((signal_of("other", [record_of(Event(START, "10.0.0.31", "203.0.113.1", 22), "o")], CREATED),), False),
        ((signal_of("login", [{"uid": "l", "objectType": "Authentication"}], CREATED),), False),
        ((signal_of("short", [record_of(a_day()[0], "r0")], CREATED, recordCount=9),), False),
    ],
)
def test_an_insight_that_speaks_of_more_than_what_was_found_is_not_whole(more: tuple[Any, ...], whole: bool) -> None:
    signals = [*SIGNALS, *more]
    with talking(Tenant(signals, [insight_of("i", [one["id"] for one in signals], CREATED)])) as source:
        (got,) = source.fetch(DAY)
    assert {found.whole for found in got.findings} == {whole}


def test_an_insight_with_a_signal_that_was_not_read_is_not_whole() -> None:
    stored = insight_of("i", [*(one["id"] for one in SIGNALS), "of-another-rule"], CREATED)
    with talking(Tenant(SIGNALS, [stored]), rule_ids=["THRESHOLD-U00001"]) as source:
        (got,) = source.fetch(DAY)
    assert [found.whole for found in got.findings] == [False]
