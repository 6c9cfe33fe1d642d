"""A worker stands still while it asks a device, another takes it for dead and goes on: what comes late is mended."""

import threading

import pytest

from playbook.cases import containments as kept
from playbook.errors import Unreachable
from playbook.workflows import executor
from tests.playbook.workflows.test_isolation import isolated
from tests.support.response_fixtures import a_bot
from tests.support.stages import carry_out, release, urgent


@pytest.fixture
def meanwhile(bench):
    """Let something happen once, just before the device is asked for something."""

    def arrange(point, happens):
        def hook(passed):
            if passed == f"edge.{point}:before":
                bench.device.hook = lambda _: None
                happens()

        bench.device.hook = hook

    return arrange


def go_on(bench, key):
    """What a worker does that takes the step over: the intent is there already."""
    return executor.verify(bench.outfit, key) if executor.apply(bench.outfit, key) == "done" else "over"


def test_what_is_in_force_already_is_set_once(bench, meanwhile):
    (key,) = bench.approved()
    meanwhile("contain", lambda: go_on(bench, key))
    assert carry_out(bench, key) == "over"
    assert bench.device.logged("set") == [key] and bench.containment(key).state == "active"
    assert "late effect" not in bench.kinds() and bench.faults() == ()


def whole_life(bench, key):
    go_on(bench, key)
    bench.later(seconds=3601)
    release(bench, key)
    assert bench.containment(key).state == "released" and bench.device.state == {}


@pytest.mark.parametrize("answer", [True, False])
def test_what_is_set_after_its_release_is_released_again(bench, meanwhile, answer):
    (key,) = bench.approved()

    def happens():
        whole_life(bench, key)
        if not answer:
            bench.device.break_down("contain", "after")

    meanwhile("contain", happens)
    assert carry_out(bench, key) == "over"
    assert key in bench.device.state and bench.containment(key).state == "releasing"
    assert "late effect" in bench.kinds() and any("taken for dead" in text for text in urgent(bench))
    assert release(bench, key) == "done"
    assert bench.device.state == {} and bench.containment(key).state == "released" and bench.faults() == ()


@pytest.mark.parametrize("answer", [True, False])
def test_what_is_released_after_it_was_approved_anew_is_set_again_and_ends_when_it_would_have(bench, meanwhile, answer):
    (key,) = bench.approved()
    carry_out(bench, key)
    bench.later(seconds=3601)
    ends = []

    def happens():
        release(bench, key)
        assert bench.approved(a_bot(), run_id="R-2") == (key,)
        carry_out(bench, key)
        ends.append(bench.containment(key).until)
        if not answer:
            bench.device.break_down("release", "after")

    meanwhile("release", happens)
    assert release(bench, key) == "over"
    assert bench.device.state == {} and bench.containment(key).state == "intended"
    bench.later(seconds=60)
    assert carry_out(bench, key) == "done"
    assert key in bench.device.state and bench.containment(key).until == ends[0]
    bench.later(seconds=3601)
    assert release(bench, key) == "done" and bench.device.state == {} and bench.faults() == ()


def test_an_isolation_that_a_person_ended_meanwhile_is_released_again(bench, meanwhile):
    key = isolated(bench, None)
    bench.later(hours=7, minutes=55)

    def happens():
        with bench.store.change() as conn:
            kept.ask_release(conn, key, "bert", bench.now, "clean")
        release(bench, key)

    meanwhile("contain", happens)
    assert executor.extend(bench.outfit, key, "still beaconing") == "over"
    assert key in bench.device.state and bench.containment(key).state == "releasing"
    assert release(bench, key) == "done" and bench.device.state == {}


def test_what_is_set_between_the_look_at_the_device_and_the_record_is_not_called_released(bench, monkeypatch):
    (key,) = bench.approved()
    go = threading.Event()
    bench.device.hook = lambda point: None
    late = threading.Thread(target=lambda: carry_out(bench, key))
    arrived = threading.Event()

    def hook(point):
        if point == "edge.contain:before" and threading.current_thread() is late:
            arrived.set()
            go.wait(30)

    bench.device.hook = hook
    late.start()
    assert arrived.wait(30)
    go_on(bench, key)
    bench.later(seconds=3601)
    look = bench.device.verify_released

    def looked(step, key):
        receipt = look(step, key)
        go.set()
        late.join(30)
        return receipt

    monkeypatch.setattr(bench.device, "verify_released", looked)
    assert release(bench, key) == "again"
    assert key in bench.device.state and bench.containment(key).state == "releasing"
    monkeypatch.undo()
    assert release(bench, key) == "done" and bench.device.state == {} and bench.faults() == ()


def test_a_late_look_changes_nothing(bench, monkeypatch):
    (key,) = bench.approved()
    look = bench.device.verify

    def looked(step, key):
        monkeypatch.undo()
        whole_life(bench, key)
        look(step, key)
        raise Unreachable("no answer")

    monkeypatch.setattr(bench.device, "verify", looked)
    assert carry_out(bench, key) == "over"
    assert bench.containment(key).state == "released" and bench.containment(key).trouble == ""
