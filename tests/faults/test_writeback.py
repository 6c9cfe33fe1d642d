"""SIGKILL around every outcome that a SIEM is told, and around the commits: the next process tells it, once."""

from collections import Counter

import pytest

from playbook.cases import audit, write_back_outbox
from playbook.cases.store import open_store
from tests.emulators.device import FolderSiem
from tests.faults.outcome import passed
from tests.faults.write_back_story import SIEM, TOLD, written

pytestmark = pytest.mark.heavy
WHENS = ("before", "after")
CALLS = [f"siem.write_back:{when}" for when in WHENS]
POINTS = [(call, number) for call in CALLS for number in range(1, len(TOLD) + 1)]
COMMITS = [(f"commit record:{when}", number) for when in WHENS for number in range(1, 11)]
QUICK = {("siem.write_back:before", 1), ("siem.write_back:after", 1)}


def check(folder, url, record, fault):
    """Each finding heard each outcome once, the record says so once, and nothing waits."""
    told = FolderSiem(SIEM, folder).logged("outcome")
    assert Counter(told) == Counter(TOLD), told
    store = open_store(url)
    try:
        with store.reading() as conn:
            assert write_back_outbox.pending_count(conn) == 0 and audit.verify(conn) == ()
        assert Counter(written(store)) == Counter(TOLD)
    finally:
        store.close()
    record("fault", fault)
    record("database", url.partition(":")[0])
    record("found", f"{len(TOLD)} outcomes told once each, the audit trail verifies")


@pytest.mark.faults
def test_undisturbed_every_point_is_passed(stage, folder, url, record_property):
    ended = stage.run(folder=str(folder), url=url, act="told")
    assert ended["code"] == 0, ended["said"]
    check(folder, url, record_property, "none")
    seen = passed(folder)
    assert all(seen[call] == len(TOLD) for call in CALLS), seen
    assert all(seen[commit] >= number for commit, number in COMMITS), seen


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(
            point, marks=pytest.mark.faults(*(["quick"] if point in QUICK else [])), id=f"{point[0]}#{point[1]}"
        )
        for point in (*POINTS, *COMMITS)
    ],
)
def test_killed_here_the_siem_still_hears_each_outcome_once(stage, folder, url, point, record_property):
    ended = stage.run(folder=str(folder), url=url, act="told", kill=point)
    assert ended["signal"] == 9, (point, ended["said"])
    ended = stage.run(folder=str(folder), url=url, act="told")
    assert ended["code"] == 0, ended["said"]
    check(folder, url, record_property, f"SIGKILL at {point[0]} #{point[1]}")
