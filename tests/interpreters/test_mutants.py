"""Every wrong query is noticed: it finds something else than the reference, or depends on what is not documented."""

import pytest

from tests.interpreters import spl_eval, sumo, telemetry
from tests.interpreters.corpus import corpus
from tests.interpreters.mutants import MUTANTS, Mutant
from tests.interpreters.telemetry import HALF_HOUR_EAST, QUERIES, by_reference, by_splunk, by_sumo

EVENTS = corpus()
EXPECTED = {preset: by_reference(preset, EVENTS) for preset in ("cim", "raw", "tstats")}
PASSED = [e for e in EVENTS if not e.denied]


def found(preset: str, query: str) -> telemetry.Found:
    """What the text finds in the corpus, for a user half an hour off the hours of UTC."""
    if preset == "sumo":
        return by_sumo(query, PASSED)
    return by_splunk(query, preset, EVENTS, HALF_HOUR_EAST)


@pytest.mark.parametrize("preset", EXPECTED)
def test_our_own_text_finds_exactly_what_the_reference_finds(preset: str) -> None:
    assert len(EXPECTED[preset].detections) >= 10 and found(preset, QUERIES[preset]) == EXPECTED[preset]


def test_our_own_sumo_text_finds_exactly_what_the_reference_finds() -> None:
    assert found("sumo", telemetry.SUMO_QUERY) == by_reference("cse", PASSED)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.preset}: {m.name}")
def test_a_wrong_query_is_noticed(mutant: Mutant) -> None:
    query = telemetry.SUMO_QUERY if mutant.preset == "sumo" else QUERIES[mutant.preset]
    wrong = query.replace(mutant.old, mutant.new)
    assert wrong != query, "the text that this mutant changes is gone"
    expected = by_reference("cse", PASSED) if mutant.preset == "sumo" else EXPECTED[mutant.preset]
    try:
        assert found(mutant.preset, wrong) != expected
    except (sumo.Fault, spl_eval.Fault, KeyError, ValueError) as fault:
        assert str(fault) != "", "refused without a reason"


def test_the_table_holds_enough_and_no_name_twice() -> None:
    assert len(MUTANTS) >= 20 and len({(m.preset, m.name) for m in MUTANTS}) == len(MUTANTS)
