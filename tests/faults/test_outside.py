"""The outside fails and clocks jump: answers lost after the effect, a desk down for an hour, days gained and lost."""

import time
from collections import Counter

import pytest

from playbook.cases import approval_requests
from playbook.workflows import outbox_relay, scheduler, workflows
from tests.emulators.device import Device, FolderDesk
from tests.faults.outcome import check_story, verified
from tests.support import stopwatch
from tests.support.response_fixtures import DESK, EDGE, Bench, a_bot


@pytest.mark.faults
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("when", ["before", "after"])
def test_the_device_gives_no_answer(stage, folder, url, when, times, record_property):
    Device(EDGE, folder).break_down("*", when, times)
    ended = stage.run(folder=str(folder), url=url, act="story")
    assert ended["code"] == 0, ended["said"]
    check_story(folder, url, record_property, f"the device's answer lost {when} the effect, {times} time(s)")


@pytest.mark.faults
@pytest.mark.parametrize("when", ["before", "after"])
def test_the_desk_gives_no_answer(stage, folder, url, when, record_property):
    FolderDesk(DESK, folder).break_down("*", when, 6)
    ended = stage.run(folder=str(folder), url=url, act="story")
    assert ended["code"] == 0, ended["said"]
    check_story(folder, url, record_property, f"the ticket system's answers lost {when} the effect, 6 times")


@pytest.fixture
def bench(folder, sqlite):
    one = Bench(folder, sqlite)
    workflows.register_workflows(one.works)
    yield one
    one.close()


def sweep_by_hand(bench):
    """A sweep without a worker: what it would start is done here."""
    started = []
    bench.door.start = lambda name, subject: started.append((name, subject)) or True
    for name in ("expire", "remind", "start_due"):
        getattr(scheduler, name)(bench.works)
    for name, subject in started:
        {"contain_case": workflows.contain_case, "release": workflows.release, "reconsider": workflows.reconsider}[
            name
        ].__wrapped__(subject)
    for step in (outbox_relay.open_tickets, outbox_relay.send_comments, outbox_relay.tell_people):
        step(bench.works)


@pytest.mark.faults("quick")
def test_a_ticket_system_that_is_down_for_an_hour(bench, sqlite, record_property):
    bench.file()
    bench.desk.break_down("*", "after", 40)
    for _ in range(40):
        sweep_by_hand(bench)
        assert not any(key.startswith("ask:") for key in bench.mail.logged("told"))
        bench.later(seconds=90)
    sweep_by_hand(bench)
    assert bench.desk.logged("ticket") == ["case:C-00000000001f"]
    assert sum(key.startswith("ask:") for key in bench.mail.logged("told")) == 1
    record_property("fault", "ticket system down for an hour, answers lost after the effect")
    record_property("database", "sqlite")
    record_property("found", "1 ticket; people asked once it was open, and told before that it was not")


CLOCKS = {
    "a day forward before the effect": ({"days": 1}, None, 0),
    "a day back before the effect": ({"days": -1}, None, 1),
    "a day forward while in force": (None, {"days": 1}, 1),
    "a day back while in force": (None, {"days": -1}, 1),
}


@pytest.mark.faults("quick")
@pytest.mark.parametrize("jump", CLOCKS)
def test_a_clock_that_jumps(bench, sqlite, jump, record_property):
    before, during, blocks = CLOCKS[jump]
    (key,) = bench.approved()
    bench.later(**(before or {}))
    sweep_by_hand(bench)
    assert len(bench.device.logged("set")) == blocks
    if not blocks:
        assert bench.containment(key).state == "failed"
    bench.later(**(during or {}))
    sweep_by_hand(bench)
    sweep_by_hand(bench)
    assert len(bench.device.logged("set")) == blocks
    bench.later(days=1, hours=2)
    sweep_by_hand(bench)
    assert len(bench.device.logged("unset")) == blocks and bench.device.state == {}
    assert bench.faults() == ()
    record_property("fault", f"clock: {jump}")
    record_property("database", "sqlite")
    record_property(
        "found", f"{blocks} block(s), {blocks} release(s)" + ("" if blocks else "; too old an approval: proposed again")
    )


@pytest.mark.faults
def test_a_thousand_pending_approvals(stage, folder, url, record_property):
    bench = Bench(folder, url)
    bench.account("anna")
    begun = stopwatch.seconds()
    for part in range(10):
        numbers = range(part * 100, part * 100 + 100)
        bots = (a_bot(n, destination=f"203.0.113.{n % 250 + 1}") for n in numbers)
        bench.file(*bots, run_id=f"R-{part}")
    filed = stopwatch.seconds() - begun
    with bench.store.reading() as conn:
        waiting = approval_requests.list_requests(conn, "waiting", 1000)
    assert len(waiting) == 1000
    worker = stage.begin(folder=str(folder), url=url, act="work", executor="w1")
    keys = [key for one in waiting[:20] for key in bench.approve(one.request_id).keys]
    patience = stopwatch.seconds() + 1800
    while len(bench.desk.logged("ticket")) < 1000 or len(bench.device.logged("set")) < 20:
        assert stopwatch.seconds() < patience, (len(bench.desk.logged("ticket")), len(bench.device.logged("set")))
        time.sleep(0.3)
    took = stopwatch.seconds() - begun
    (folder / "enough").touch()
    assert stage.end(worker)["code"] == 0
    assert Counter(bench.device.logged("set")) == Counter(keys)
    assert max(Counter(bench.desk.logged("ticket")).values()) == 1
    with bench.store.reading() as conn:
        assert approval_requests.pending_count(conn) == 980
    bench.close()
    assert verified(url)[0] == ()
    record_property("fault", "1,000 pending approvals, 20 answered")
    record_property("database", url.partition(":")[0])
    record_property("found", f"20 blocks, 1,000 tickets once each; filed in {filed:.0f} s, all out in {took:.0f} s")
