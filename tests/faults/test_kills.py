"""SIGKILL of a real process around every step, every call to a product and the commits; then another one goes on."""

import pytest

from playbook.workflows import workflows
from tests.faults.outcome import check_story, passed

pytestmark = pytest.mark.heavy
WHENS = ("before", "after")
STEPS = [f"step {name}:{when}" for name in workflows.STEPS for when in WHENS]
CALLS = [
    f"{call}:{when}"
    for call in (
        "edge.contain",
        "edge.verify",
        "edge.release",
        "edge.verify_released",
        "desk.open",
        "desk.comment",
        "mail.tell",
    )
    for when in WHENS
]
# Of commits there are many, and what lies between two is a step or a call: every seventh is tried.
COMMITS = [
    (f"commit {which}:{when}", number)
    for which, most in (("record", 50), ("engine", 120))
    for when in WHENS
    for number in range(1, most, 7)
]
# Tried in CI: around what others see of a case, its block, its release and its ticket.
QUICK = {f"{call}:{when}" for call in ("edge.contain", "edge.release", "desk.open") for when in WHENS}
POINTS = [((point, number), point in QUICK and number == 1) for number in (1, 2) for point in (*STEPS, *CALLS)] + [
    (commit, False) for commit in COMMITS
]
SEEN_ONCE = {"file_now", "why_kept", "extend"}


def name(value):
    return f"{value[0]}#{value[1]}".replace(" ", "-") if isinstance(value, tuple) else ""


@pytest.mark.faults
def test_the_undisturbed_story_passes_every_step_and_call(stage, folder, url, record_property):
    ended = stage.run(folder=str(folder), url=url, act="story")
    assert ended["code"] == 0, ended["said"]
    check_story(folder, url, record_property, "none")
    missing = [point for point in (*STEPS, *CALLS) if not passed(folder)[point]]
    assert not missing, f"these points are never reached, so nothing is killed there: {missing}"


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(point, marks=pytest.mark.faults(*(["quick"] if quick else [])), id=name(point))
        for point, quick in POINTS
        if not (point[1] == 2 and any(f"step {once}:" in point[0] for once in SEEN_ONCE))
    ],
)
def test_killed_here_it_goes_on_and_everything_happens_once(stage, folder, url, point, record_property):
    ended = stage.run(folder=str(folder), url=url, act="story", kill=point)
    if not point[0].startswith("commit"):
        assert ended["signal"] == 9, (point, ended["said"])
    if ended["signal"]:
        ended = stage.run(folder=str(folder), url=url, act="story")
    assert ended["code"] == 0, ended["said"]
    check_story(folder, url, record_property, f"SIGKILL at {point[0]} #{point[1]}")
