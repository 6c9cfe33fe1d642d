"""Busy quarters of an hour: the rendered queries say what the log connector says over the same connections."""

from functools import cache

import pytest
from hypothesis import Phase, given

from playbook.detections.languages import splunk, sumo
from tests.emulators.sumo_language import Fault
from tests.interpreters import activity, spl_eval
from tests.interpreters.activity import by_log, by_splunk, by_sumo, days, fixed
from tests.interpreters.activity_mutants import MUTANTS
from tests.interpreters.mutants import Mutant
from tests.interpreters.telemetry import LAB
from tests.interpreters.users import Connection
from tests.support.examples import examples

_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@examples(12, phases=_PHASES)
@given(found=days())
def test_three_texts_say_what_the_log_says(found: list[Connection]) -> None:
    """Sumo Logic's over the very same lines."""
    said = {"sumo": by_sumo(found), "raw": by_splunk("raw", found), "cim": by_splunk("cim", found)}
    assert said == dict.fromkeys(said, by_log(found))


@examples(6, phases=_PHASES)
@given(found=days())
def test_the_data_model_says_as_much_as_it_knows(found: list[Connection]) -> None:
    """It has no states: what came back is an answer, and whether a single attempt was answered it does not tell."""
    stateless = [c._replace(state="S0" if c.rcvd == 0 else "SF") for c in found]
    said, truth = by_splunk("tstats", found), by_log(stateless)
    assert said.hosts == truth.hosts
    assert said.attempts == [(attempts, None, None) for attempts, _, _ in truth.attempts]


def test_the_fixed_day_is_told_alike_everywhere() -> None:
    expected = by_log(fixed())
    assert by_sumo(fixed()) == expected == by_splunk("raw", fixed()) == by_splunk("cim", fixed())
    (_, bursts, spreads), _ = expected.hosts
    assert len(bursts) >= 3 and len(spreads) >= 5 and expected.attempts[0][1:] == (12, 4)


@pytest.mark.parametrize("preset", ["raw", "cim", "tstats"])
def test_denied_attempts_are_told_where_all_is_told(preset: str) -> None:
    denied = [c._replace(denied=True, state="", rcvd=None) for n in range(4) for c in activity.calls(9, 9, n * 3600.0)]
    assert by_splunk(preset, [*denied, *_other()]).attempts[0] == (36, 36, 4)
    allowed = activity.calls(4, 9, 0.0)
    mixed = by_splunk(preset, [*denied, *(c._replace(state="") for c in allowed), *_other()])
    assert mixed.attempts[0] == (40, None, None), "who was let through may have been answered or not"


def _other() -> list[Connection]:
    return activity.calls(1, 1, 0.0, src_ip=activity.OTHER, dst_ip="8.8.8.8")


@pytest.mark.parametrize("preset", ["sumo", "raw", "cim", "tstats"])
def test_a_scan_of_which_nobody_knows_the_answers_is_unknown(preset: str) -> None:
    silent = [c._replace(state="", rcvd=None, packets_rcvd=None) for c in activity.scan(40, 0.0, 40)]
    found = [*silent, *activity.calls(1, 1, 0.0), *_other()]
    said = by_sumo(found) if preset == "sumo" else by_splunk(preset, found)
    assert [spreads for _, _, spreads in said.hosts] == [None, ()]


@pytest.mark.parametrize("preset", sumo.PRESETS)
def test_the_text_for_every_sumo_preset_is_sound(preset: str) -> None:
    assert (
        sumo.lint(sumo.activity(activity.KEYS, LAB, preset))
        == ()
        == sumo.lint(sumo.activity(activity.KEYS, (), preset))
    )


@pytest.mark.parametrize("preset", splunk.PRESETS)
def test_the_text_for_every_splunk_preset_is_sound(preset: str) -> None:
    assert (
        splunk.lint(splunk.activity(activity.KEYS, LAB, preset))
        == ()
        == splunk.lint(splunk.activity(activity.KEYS, (), preset))
    )


@cache
def datasets() -> list[list[Connection]]:
    """The fixed day, the same without states, and a day of denials."""
    denied = [c._replace(denied=n % 2 == 0) for n, c in enumerate(fixed())]
    return [fixed(), [c._replace(state="") for c in fixed()], denied]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.preset}: {m.name}")
def test_a_wrong_query_is_noticed(mutant: Mutant) -> None:
    wrong = right_text(mutant.preset).replace(mutant.old, mutant.new)
    assert wrong != right_text(mutant.preset), "the text that this mutant changes is gone"
    try:
        assert any(said(mutant.preset, number, wrong) != said(mutant.preset, number) for number in range(3))
    except (Fault, spl_eval.Fault, KeyError, ValueError) as fault:
        assert str(fault) != "", "refused without a reason"


def right_text(preset: str) -> str:
    """Our own text."""
    return (
        sumo.activity(activity.KEYS, LAB, "zeek-json")
        if preset == "sumo"
        else splunk.activity(activity.KEYS, LAB, preset)
    )


@cache
def said(preset: str, number: int, text: str = "") -> activity.Told:
    """What a text, by default ours, says of one of the sets of connections."""
    found, text = datasets()[number], text or right_text(preset)
    return by_sumo(found, text) if preset == "sumo" else by_splunk(preset, found, text)
