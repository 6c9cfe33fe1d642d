"""The way back to an insight: in the tenant's words, once, and never against a person."""

from pathlib import Path
from typing import Any

import pytest

from connectors.outcomes import Outcome, comment_of
from connectors.sumologic_cse import findings
from connectors.sumologic_cse.findings import Change, State, WritePolicy, Written, change_for, remaining, write_back
from connectors.sumologic_cse.settings import Words
from playbook.errors import BadAnswer, ConfigError, Unreachable
from tests.connectors.cse_bench import CREATED, DAY, FakeClock, a_day, reference, talking
from tests.emulators.cse import Behaviour, Tenant
from tests.emulators.cse_objects import insight_of, signals_of

pytestmark = pytest.mark.loopback
BOT = reference()[0]
SIGNALS = tuple(signals_of([event for event in a_day() if event.dst_ip == BOT.dst_ip][:60], CREATED))
CLOSES = WritePolicy(close_in_siem=True)


def tenant_with(behaviour: Behaviour | None = None, **state: Any) -> Tenant:
    """A tenant with one insight of the bot."""
    stored = insight_of("a/../b", [one["id"] for one in SIGNALS], CREATED) | {"tags": []} | state
    return Tenant(SIGNALS, [stored], behaviour)


def outcome(disposition: str, reason: str = "measured") -> Outcome:
    return Outcome(case_id="C-0123456789ab", disposition=disposition, reason=reason)


def written(tenant: Tenant, given: Outcome, policy: WritePolicy = CLOSES, clock: FakeClock | None = None) -> Written:
    """One write-back to the insight of the bot."""
    with talking(tenant, clock) as source:
        source.fetch(DAY)
        return write_back(source.wire, source.findings(BOT.detection_id)[0], given, policy)


def status_of(tenant: Tenant) -> tuple[str, str | None, list[str], int]:
    """Status, resolution, tags and the number of comments of the one insight."""
    one = tenant.insights[0]
    return one["status"]["name"], one["resolution"], one["tags"], len(tenant.comments.get("a/../b", ()))


@pytest.mark.parametrize(("disposition", "status", "resolution", "tags"), [
    ("BENIGN_POSITIVE", "closed", "False Positive", []),
    ("FALSE_POSITIVE", "closed", "False Positive", ["query-or-data"]),
    ("TRUE_POSITIVE", "inprogress", None, []),
    ("UNDETERMINED", "new", None, []),
])
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


@pytest.mark.parametrize(("state", "status", "tag", "kept"), [
    (State("new", "", (), ()), "closed", "query-or-data", ""),
    (State("inprogress", "", ("query-or-data",), ()), "closed", None, ""),
    (State("InProgress", "", (), ()), "closed", "query-or-data", ""),
    (State("waiting for owner", "", (), ()), None, "query-or-data", "status waiting for owner"),
    (State("closed", "Resolved", (), ()), None, "query-or-data", "status closed, resolution Resolved"),
    (State("closed", "False Positive", (), ()), None, "query-or-data", ""),
])
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
        source.fetch(DAY)
        tenant.insights.clear()
        with pytest.raises(ConfigError, match="Insight not found"):
            write_back(source.wire, source.findings(BOT.detection_id)[0], outcome("UNDETERMINED"), CLOSES)


def test_policy_closes_only_when_it_is_told_to_and_a_finding_says_whom_it_is_about() -> None:
    with talking(tenant_with(), words={"closed": "Fertig"}) as source:
        source.fetch(DAY)
        (finding,) = source.findings(BOT.detection_id)
        assert source.policy(close_in_siem=False) == WritePolicy(words=Words(closed="Fertig"))
        assert source.findings("nothing") == ()
    assert (finding.readable_id, finding.entity) == ("INSIGHT-a/../b", "_hostname cam-1")


def test_nothing_in_the_product_writes_back_by_itself() -> None:
    root = Path(findings.__file__).parents[2]
    calls = [path.as_posix().removeprefix(f"{root}/") for package in ("playbook", "connectors")
             for path in sorted((root / package).rglob("*.py")) if "write_back(" in path.read_text(encoding="utf-8")]
    assert calls == ["connectors/splunk/findings.py", "connectors/sumologic_cse/findings.py"]
