"""The users of a destination: the rendered queries say what the log connector says over the same connections."""

from collections.abc import Sequence
from functools import cache, partial
from ipaddress import ip_network

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from playbook.detections.languages import splunk, sumo
from playbook.model.address import Network
from tests.emulators.sumo_language import Fault
from tests.interpreters import spl_eval, users
from tests.interpreters.mutants import Mutant
from tests.interpreters.users import (
    BOT,
    C2,
    HOMES,
    SERVICE,
    SPLUNK,
    WANTED,
    Connection,
    by_log,
    by_reference,
    by_splunk,
    by_sumo,
    connections,
    zeek,
)
from tests.interpreters.users_mutants import MUTANTS
from tests.support.examples import examples

_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
_homes = st.sampled_from(HOMES)


@examples(15, phases=_PHASES)
@given(found=connections(), home=_homes)
def test_three_texts_say_what_the_log_says(found: list[Connection], home: Sequence[Network]) -> None:
    """Sumo Logic's over the very same lines; plain Python counts the same."""
    said = {"sumo": by_sumo(found, home), "raw": by_splunk("raw", found, home), "cim": by_splunk("cim", found, home)}
    assert said == dict.fromkeys(said, by_log([zeek(c) for c in found], home))
    assert by_reference(found, home) == said["sumo"]


def test_a_host_of_another_protocol_without_counters_leaves_the_proof_unknown() -> None:
    quiet = users.Connection(users.MIDNIGHT + 30, "10.0.0.32", SERVICE, "icmp", "SF", None, None, None, None)
    found = [users.Connection(users.MIDNIGHT, BOT, C2), quiet]
    home = (ip_network("10.0.0.0/8"),)
    said = by_log([zeek(c) for c in found], home)
    assert said == by_reference(found, home) == by_sumo(found, home) and said.users[1][1] is None


def stateless(found: list[Connection]) -> list[Connection]:
    """The connections as a source without states can know them: nothing that came back is no answer."""
    return [c._replace(state="S0" if c.rcvd == 0 else "OTH") for c in found]


@examples(12, phases=_PHASES)
@given(found=connections(), home=_homes)
def test_the_data_model_says_what_is_counted_of_connections_in_slots_of_their_own(
    found: list[Connection], home: Sequence[Network]
) -> None:
    apart = [c._replace(start=c.start + n * 900) for n, c in enumerate(found)]
    assert by_splunk("tstats", apart, home) == by_reference(stateless(apart), home)


@examples(12, phases=_PHASES)
@given(found=connections(), home=_homes)
def test_a_slot_of_many_connections_never_proves_a_user_too_many(
    found: list[Connection], home: Sequence[Network]
) -> None:
    said, truth = by_splunk("tstats", found, home), by_reference(stateless(found), home)
    assert said.active == truth.active
    for (using, answered, first), (all_using, all_answered, since) in zip(said.users, truth.users, strict=True):
        assert (using, first) == (all_using, since)
        assert answered is None or answered <= (all_answered or 0)


@pytest.mark.parametrize("preset", [*SPLUNK, "sumo"])
def test_denied_attempts_count_as_tries_alone(preset: str) -> None:
    """Sumo Logic's presets read no denied rows; what they are given was let through."""
    found = [Connection(users.MIDNIGHT + n, f"10.0.0.{n}", WANTED[0], denied=n > 4) for n in range(1, 9)]
    said = by_sumo(found[:4], HOMES[0]) if preset == "sumo" else by_splunk(preset, found, HOMES[0])
    assert said.users[0][:2] == (4, 4) and said.active == (4 if preset == "sumo" else 8)


@pytest.mark.parametrize("preset", sumo.PRESETS)
def test_the_text_for_every_sumo_preset_is_sound(preset: str) -> None:
    assert sumo.lint(sumo.popularity(WANTED, HOMES[1], preset)) == ()


@pytest.mark.parametrize("preset", splunk.PRESETS)
def test_the_text_for_every_splunk_preset_is_sound(preset: str) -> None:
    assert splunk.lint(splunk.popularity(WANTED, HOMES[1], preset)) == ()


@pytest.mark.parametrize("home", HOMES)
def test_the_fixed_connections_are_told_alike_everywhere(home: Sequence[Network]) -> None:
    expected = by_log([zeek(c) for c in users.fixed()], home)
    assert by_reference(users.fixed(), home) == expected
    assert by_sumo(users.fixed(), home) == expected
    assert {preset: by_splunk(preset, users.fixed(), home) for preset in ("raw", "cim")} == {
        "raw": expected,
        "cim": expected,
    }


def test_where_nobody_says_who_spoke_the_number_is_unknown() -> None:
    silent = [c._replace(sent=None, rcvd=None, packets_sent=None, packets_rcvd=None) for c in users.fixed()]
    for said in (by_sumo(silent, HOMES[0]), by_splunk("cim", silent, HOMES[0]), by_splunk("tstats", silent, HOMES[0])):
        assert said.active and [answered for _, answered, _ in said.users] == [None, None]


def test_without_a_transport_nothing_is_proven() -> None:
    bare = sumo.popularity(WANTED, HOMES[0], "zeek-json", fields={"proto": ""})
    assert [answered for _, answered, _ in by_sumo(users.fixed(), HOMES[0], bare).users] == [None, None]
    told = splunk.popularity(WANTED, HOMES[0], "raw", fields={"proto": ""})
    assert [answered for _, answered, _ in by_splunk("raw", users.fixed(), HOMES[0], told).users] == [None, None]


@cache
def said(preset: str, query: str, number: int) -> users.Told:
    """What a text says of one of the sets of connections."""
    ask = partial(by_sumo, query=query) if preset == "sumo" else partial(by_splunk, preset, query=query)
    return ask(users.datasets()[number], HOMES[1])


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.preset}: {m.name}")
def test_a_wrong_query_is_noticed(mutant: Mutant) -> None:
    right = (
        sumo.popularity(WANTED, HOMES[1], "zeek-json")
        if mutant.preset == "sumo"
        else splunk.popularity(WANTED, HOMES[1], mutant.preset)
    )
    wrong = right.replace(mutant.old, mutant.new)
    assert wrong != right, "the text that this mutant changes is gone"
    try:
        assert any(
            said(mutant.preset, wrong, number) != said(mutant.preset, right, number)
            for number in range(len(users.datasets()))
        )
    except (Fault, spl_eval.Fault, KeyError, ValueError) as fault:
        assert str(fault) != "", "refused without a reason"
