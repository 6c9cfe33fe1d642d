"""Answers that are lost or refused, retries and their limits, and releases that cross them."""

import pytest

from playbook.cases import containments as kept
from playbook.config import ContainPerHour
from playbook.errors import ConfigError
from tests.support.response_fixtures import a_bot
from tests.support.stages import carry_out, release, urgent


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["contain", "verify"])
def test_an_answer_that_is_lost_is_asked_for_again_under_the_same_key(bench, call, when):
    (key,) = bench.approved()
    bench.device.break_down(call, when)
    assert carry_out(bench, key) == "again" and "no answer" in bench.containment(key).trouble
    assert carry_out(bench, key) == "again"
    bench.later(seconds=31)
    assert carry_out(bench, key) == "done" and bench.device.logged("set") == [key]
    assert bench.containment(key).trouble == "" and len(urgent(bench)) == 1


def refusing(call):
    """A device of which a connector says that it cannot be aimed at this target at all."""

    def hook(point):
        if point.endswith(f".{call}:before"):
            raise ConfigError("target: expected an address without a zone")

    return hook


@pytest.mark.parametrize("call", ["contain", "verify"])
def test_a_target_that_a_device_cannot_take_is_told_and_ends_no_work(bench, call):
    (key,) = bench.approved()
    bench.device.hook = refusing(call)
    assert carry_out(bench, key) == "again" and "without a zone" in bench.containment(key).trouble
    assert len(urgent(bench)) == 1


@pytest.mark.parametrize("call", ["release", "verify_released"])
def test_a_target_that_a_device_cannot_let_go_is_told_and_ends_no_work(bench, call):
    (key,) = bench.approved()
    carry_out(bench, key)
    bench.later(seconds=3601)
    bench.device.hook = refusing(call)
    assert release(bench, key) == "again" and "without a zone" in bench.containment(key).trouble


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["release", "verify_released"])
def test_a_release_without_an_answer_is_no_release_yet(bench, call, when):
    (key,) = bench.approved()
    carry_out(bench, key)
    bench.later(seconds=3601)
    bench.device.break_down(call, when)
    assert release(bench, key) == "again" and bench.containment(key).state == "releasing"
    assert release(bench, key) == "done" and bench.device.logged("unset") == [key]


def test_a_step_that_stays_in_doubt_is_undone_when_it_may_not_be_tried_again(bench):
    (key,) = bench.approved()
    bench.device.break_down("contain", "after")
    assert carry_out(bench, key) == "again"
    bench.kill_switch.touch()
    assert carry_out(bench, key) == "stopped" and bench.containment(key).state == "releasing"
    assert release(bench, key) == "done"
    assert bench.device.state == {} and bench.containment(key).state == "failed"
    assert "kill switch" in bench.containment(key).trouble


def test_every_attempt_counts_and_waits_get_longer(bench):
    (key,) = bench.approved()
    tries = 0
    for _ in range(29):
        bench.device.break_down("contain", times=1)
        tries += carry_out(bench, key) == "again" and bench.device.logged("set") == []
        bench.later(seconds=120)
    with bench.store.reading() as conn:
        number = len(kept.attempts_of(conn, key, bench.containment(key).created_at))
    assert 5 <= number <= 9 and tries


def test_the_cap_counts_attempts_of_its_kind_within_the_hour(bench):
    bench.caps = ContainPerHour(block_pair=2)
    keys = bench.approved(*(a_bot(n) for n in (31, 32, 33)))
    words = [carry_out(bench, key) for key in keys]
    assert sorted(words) == ["done", "done", "stopped"] and len(bench.device.state) == 2
    bench.later(hours=1, seconds=1)
    again = bench.approved(a_bot(34), run_id="R-2")
    assert [carry_out(bench, key) for key in again] == ["done"]


def test_a_release_that_was_asked_for_before_it_was_applied_wins(bench):
    (key,) = bench.approved()
    with bench.store.change() as conn:
        assert kept.ask_release(conn, key, "bert", bench.now, "ours")
    assert carry_out(bench, key) == "stopped" and bench.device.logged("set") == []


def test_a_release_before_its_time_is_done_when_a_person_asks(bench):
    (key,) = bench.approved()
    carry_out(bench, key)
    with bench.store.change() as conn:
        kept.ask_release(conn, key, "bert", bench.now, "ours")
    assert release(bench, key) == "done" and bench.device.state == {}


def test_what_somebody_else_had_set_is_success_and_the_device_may_have_let_go_already(bench):
    (key,) = bench.approved()
    carry_out(bench, key)
    bench.device.forget()
    bench.later(seconds=3601)
    assert release(bench, key) == "done" and bench.device.logged("unset") == []


def test_after_a_failure_the_next_run_proposes_again_and_a_new_approval_carries_it(bench):
    (key,) = bench.approved()
    bench.kill_switch.touch()
    carry_out(bench, key)
    bench.kill_switch.unlink()
    bench.later(hours=1)
    (request,) = bench.file(run_id="R-2").asked
    (again,) = bench.approve(request).keys
    assert again == key and carry_out(bench, key) == "done" and bench.containment(key).round == 2
