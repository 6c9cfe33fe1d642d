"""Splunk's odd answers: each is a whole answer or an incomplete one with its reason in a sentence; searches are few."""

from dataclasses import replace

import pytest

from connectors.sources._siem.connection_times import HALVING_SEARCHES, BudgetExceeded, followed
from connectors.sources._siem.coverage import Read
from playbook.errors import BadAnswer, Incomplete, PlaybookError
from tests.emulators.splunk import Behaviour, Server
from tests.support.splunk_fixtures import DAY, EVENTS, READY, FakeClock, fetched, reference, talking

pytestmark = pytest.mark.loopback
PEER = ("WARN", "Unable to distribute to peer named idx3 at uri https://10.0.0.3:8089 because peer has status = Down.")
# Words of the parser that no person should have to read.
JARGON = ("validation", "Input should", "Tuple", "pydantic", "Field required", "type=")


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(states=(), entryless=2),
        Behaviour(states=(), unready=1, entryless=1),
        Behaviour(states=(), pageless=2),
        Behaviour(states=(), messages=[("INFO", "Your timerange was substituted.")], by_severity=True),
    ],
    ids=["200 without an entry", "204, then no entry", "204 for a page", "messages by severity"],
)
def test_an_answer_that_comes_late_or_in_another_form_is_a_whole_one(behaviour: Behaviour) -> None:
    got, server, _ = fetched(behaviour)
    assert got.detections == reference(EVENTS) and got.health.complete and not server.jobs


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (Behaviour(states=(), overstated=2), "the search reported 8 rows, 6 were returned"),
        (Behaviour(states=(), understated=2), "the search reported 4 rows, 6 were returned"),
        (Behaviour(states=(), messages=[PEER], by_severity=True), "idx3"),
    ],
    ids=["fewer rows", "more rows", "a peer that is down, by severity"],
)
def test_another_number_of_rows_than_announced_is_incomplete_in_a_sentence(behaviour: Behaviour, words: str) -> None:
    got, _, _ = fetched(behaviour)
    assert not got.health.complete and any(words in warning for warning in got.health.warnings)
    assert set(got.detections) <= set(reference(EVENTS))


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        (Behaviour(states=(), entryless=99), Incomplete, "tells nothing of it"),
        (Behaviour(states=(), pageless=99), Incomplete, "reported 6 rows, 0 were returned"),
        (Behaviour(states=(), status_change={"resultCount": None}), BadAnswer, "resultCount: expected a whole number"),
        (Behaviour(states=(), status_change={"resultCount": -4}), BadAnswer, "resultCount: expected a number of at"),
        (Behaviour(states=(), status_change={"dispatchState": "x" * 99}), BadAnswer, "dispatchState: is too long"),
        (Behaviour(states=(), status_change={"isDone": "perhaps"}), BadAnswer, "isDone: expected true or false"),
        (Behaviour(states=(), results="[]"), BadAnswer, "the body: expected an object"),
        (Behaviour(states=(), results='{"rows": []}'), BadAnswer, "results: is missing"),
        (Behaviour(states=(), results='{"results": [5]}'), BadAnswer, "results.0: expected an object"),
        (
            Behaviour(states=(), failed=True, final="FAILED", messages=[("FATAL", "disk full")], by_severity=True),
            Incomplete,
            "disk full",
        ),
    ],
)
def test_what_cannot_be_believed_is_said_in_plain_words(behaviour: Behaviour, error: type, words: str) -> None:
    with pytest.raises(error, match=words) as told:
        fetched(behaviour, heartbeat=False, deadline_s=60)
    assert not any(word in str(told.value) for word in JARGON) and isinstance(told.value, PlaybookError)


def many(number: int):
    """As many detections as there are, each of another source."""
    one = next(d for d in reference(EVENTS) if not d.blocked)
    return tuple(
        one.model_copy(update={"src_ip": f"10.9.{n // 250}.{n % 250 + 1}", "detection_id": f"d{n}"})
        for n in range(number)
    )


def searches(server: Server) -> int:
    return sum(method == "POST" for method, _ in server.log)


def test_a_search_peer_that_is_down_costs_one_search_of_a_kind_and_is_told() -> None:
    server, clock = Server(EVENTS, replace(READY, messages=[PEER])), FakeClock()
    with talking(server, clock) as source:
        traffic = source.traffic(many(120))
    assert searches(server) <= 3, "nothing is asked again in halves"
    assert not traffic.tuples and any("idx3" in text for text in traffic.unknown) and len(traffic.unknown) < 8


def test_too_many_rows_are_asked_for_in_halves_within_a_budget() -> None:
    sent = []

    def ask(keys: tuple[str, ...], since: object, step_s: int) -> Read:
        sent.append(keys)
        raise BudgetExceeded("splunk: the search gave 200000 rows, 100000 are taken at most")

    got = followed(many(120), 1_000_000, lambda *key: "/".join(map(str, key)), ask)
    assert len(sent) == HALVING_SEARCHES + 2 and not got.tuples
    assert any("are used up" in text for text in got.unknown)


def test_a_splunk_that_went_away_is_not_asked_again_by_each_kind_of_question() -> None:
    server, clock = Server(EVENTS, READY), FakeClock()
    with talking(server, clock) as source:
        found = source.fetch(DAY)[0].detections
        before = searches(server)
        server.behaviour = replace(READY, statuses={n: (502, {}) for n in range(1, 999)})
        traffic = source.traffic(found)
    assert searches(server) - before <= 4, "one search and its repetitions"
    assert not traffic.tuples and sum("502" in text for text in traffic.unknown) == 3
