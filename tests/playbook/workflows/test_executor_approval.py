"""What an approval is worth when the step is carried out: whose votes count, and a case that was closed."""

import pytest

from playbook.cases import case_rows
from playbook.cases import containments as kept
from playbook.cases.schema import cases, decisions, requests
from playbook.workflows import executor
from tests.playbook.workflows.test_isolation import Source, isolated
from tests.support.stages import carry_out


def close_case(bench, disposition):
    with bench.store.change() as conn:
        case_id = conn.execute(cases.select()).mappings().one()["case_id"]
        assert case_rows.resolve(conn, case_id, disposition, "bert", "seen", bench.now) is None


@pytest.mark.parametrize(
    ("disposition", "word"), [("TRUE_POSITIVE", "done"), ("BENIGN_POSITIVE", "stopped"), ("FALSE_POSITIVE", "stopped")]
)
def test_a_case_closed_as_true_keeps_its_approved_containment(bench, disposition, word):
    (key,) = bench.approved()
    close_case(bench, disposition)
    assert carry_out(bench, key) == word
    assert bool(bench.device.logged("set")) is (word == "done")


@pytest.mark.parametrize(("requester", "word"), [("playbook", "done"), ("bert", "done"), ("anna", "stopped")])
def test_the_requesters_own_vote_does_not_carry_it_out(bench, requester, word):
    (key,) = bench.approved()
    with bench.store.change() as conn:
        conn.execute(requests.update().values(requester=requester))
    assert carry_out(bench, key) == word


def test_a_vote_for_another_plan_does_not_carry_it_out(bench):
    (key,) = bench.approved()
    with bench.store.change() as conn:
        conn.execute(decisions.update().values(digest="0" * 64))
    assert carry_out(bench, key) == "stopped" and bench.device.logged("set") == []


def test_an_isolation_whose_release_was_asked_for_is_not_extended(bench):
    key = isolated(bench, Source())
    with bench.store.change() as conn:
        assert kept.ask_release(conn, key, "bert", bench.now)
    times_set, until = len(bench.device.logged("set")), bench.containment(key).until
    bench.later(hours=7, minutes=51)
    assert executor.extend(bench.outfit, key, "still beaconing") == "over"
    assert bench.containment(key).until == until and len(bench.device.logged("set")) == times_set
