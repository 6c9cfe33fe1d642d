"""Several calls at once: values, failures and silence each become an outcome, and nobody waits for the slowest."""

import threading

import pytest

from playbook.concurrency import CallResult, run_concurrently
from playbook.errors import Unreachable


def raising(fault):
    def call():
        raise fault

    return call


def test_values_and_failures_stand_beside_each_other():
    found = run_concurrently(
        {"good": lambda: 7, "refused": raising(Unreachable("no route")), "broken": raising(KeyError("x"))}, 60
    )
    assert found["good"] == CallResult(7, None)
    assert found["refused"] == CallResult(None, "no route")
    assert found["broken"].value is None and found["broken"].failure.startswith("KeyError")


def test_one_that_hangs_costs_its_deadline_once_and_nobody_elses_answer():
    hang = threading.Event()
    calls = {f"hanging {n}": hang.wait for n in range(5)} | {"good": lambda: "here"}
    found = run_concurrently(calls, 2)
    hang.set()
    assert found["good"].value == "here"
    assert all(found[f"hanging {n}"] == CallResult(None, "no answer within 2 s") for n in range(5))


def test_a_late_answer_changes_nothing_that_was_returned():
    go = threading.Event()
    found = run_concurrently({"late": lambda: go.wait() and 1}, 0.05)
    (late,) = [thread for thread in threading.enumerate() if thread.name == "ask late"]
    go.set()
    late.join(60)
    assert not late.is_alive() and found["late"].value is None


def test_nothing_to_ask_is_nothing_found():
    assert run_concurrently({}, 0.1) == {}


@pytest.mark.parametrize("fault", [SystemExit(3), KeyboardInterrupt()])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_call_that_wants_to_end_the_program_only_fails_itself(fault):
    assert run_concurrently({"x": raising(fault), "y": lambda: 1}, 60)["y"].value == 1
