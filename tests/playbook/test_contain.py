"""Carrying out and undoing: what may stop a step, what a failure leaves behind, and that only ours is undone."""

import pytest

from playbook import contain
from playbook.cases import containments as kept
from playbook.cases import outbox, record
from playbook.cases.tables import cases, detections, requests
from playbook.config import ContainPerHour
from playbook.errors import ConfigError, Incomplete
from playbook.gate import Barriers
from playbook.model.enrichment import ListEntry
from tests.builders import DESTINATION
from tests.response import a_bot


def carry_out(bench, key):
    """The stages of the workflow, one after the other; the last word."""
    word = contain.intend(bench.outfit, key)
    if word == "go":
        word = contain.apply(bench.outfit, key)
    return contain.confirm(bench.outfit, key) if word == "done" else word


def release(bench, key):
    word = contain.claim(bench.outfit, key)
    if word == "go":
        word = contain.undo(bench.outfit, key)
    return contain.confirm_undone(bench.outfit, key) if word == "done" else word


def urgent(bench):
    with bench.store.reading() as conn:
        return [n.text for n in outbox.untold(conn) if n.urgent]


def test_an_approved_step_is_journalled_set_verified_and_ends_by_itself(bench):
    (key,) = bench.approved()
    assert carry_out(bench, key) == "done"
    assert bench.device.logged("set") == [key] and bench.containment(key).state == "active"
    kinds = bench.kinds()
    assert kinds.index("containment attempt") < kinds.index("device: contain") < kinds.index("device: verify")
    assert release(bench, key) == "over"
    bench.later(seconds=3601)
    assert release(bench, key) == "done"
    assert bench.device.logged("unset") == [key] and bench.containment(key).state == "released"
    assert release(bench, key) == carry_out(bench, key) == "over"
    assert len(bench.device.logged("set")) == len(bench.device.logged("unset")) == 1
    with bench.store.reading() as conn:
        said = [r.action for r in kept.receipts_of(conn, key)]
    assert said == ["contain", "verify", "release", "verify_released"] and bench.faults() == ()


def protect(bench):
    bench.networks = {"protected": (f"{DESTINATION}/32",)}


def protect_source(bench):
    bench.networks = {"protected": ("10.20.0.32/32",)}


def break_lists(bench):
    bench.lists.broken = "half a file"


def list_as_cdn(bench):
    bench.lists.answers = (ListEntry(name="big", category="cdn"),)


def no_lists(bench):
    bench.lists.topics = ()


def own_place(bench):
    bench.barriers = Barriers(own_places=frozenset({DESTINATION}))


def switch(bench):
    bench.kill_switch.touch()


def lose_folder(bench):
    bench.kill_switch = bench.folder / "unmounted" / "STOP"


def dangling_link(bench):
    bench.kill_switch.symlink_to("nowhere")


def cap(bench):
    bench.caps = ContainPerHour(block_pair=0)


def age(bench):
    bench.later(seconds=3601)


def disconnect(bench):
    bench.outfit.devices.clear()


def unconfigure(bench):
    def nobody():
        raise ConfigError("policy.block_ttl_s: wrong")
    bench.authority = nobody
    object.__setattr__(bench.outfit, "authority", nobody)


def acquit(bench):
    with bench.store.change() as conn:
        row = conn.execute(detections.select()).mappings().one()
        document = row["document"].replace('"disposition":"TRUE_POSITIVE"', '"disposition":"BENIGN_POSITIVE"')
        conn.execute(detections.update().values(document=document))


def resolve(bench):
    with bench.store.change() as conn:
        case_id = conn.execute(cases.select()).mappings().one()["case_id"]
        assert record.resolve(conn, case_id, "BENIGN_POSITIVE", "bert", "ours", bench.now) is None


def forge_plan(bench):
    with bench.store.change() as conn:
        for table, column in (("plans", "document"), ("containments", "step")):
            conn.exec_driver_sql(
                f"UPDATE {table} SET {column} = replace({column}, '\"ttl_s\":3600', '\"ttl_s\":36000')")


def forge_step(bench):
    with bench.store.change() as conn:
        conn.exec_driver_sql("UPDATE containments SET step = replace(step, '203.0.113.66', '203.0.113.7')")


def take_votes(bench):
    with bench.store.change() as conn:
        conn.exec_driver_sql("DELETE FROM decisions")


def take_approval(bench):
    with bench.store.change() as conn:
        conn.execute(requests.update().values(state="denied"))


STOPS = {
    protect: "networks.protected", break_lists: "half a file", list_as_cdn: "a CDN", no_lists: "no address lists",
    own_place: "our own configuration", switch: "kill switch is on", lose_folder: "counts as on",
    dangling_link: "kill switch is on", cap: "limits.contain_per_hour", age: "longer ago",
    disconnect: "no configured containment", unconfigure: "cannot be read", acquit: "TRUE_POSITIVE",
    resolve: "closed", protect_source: "2 people", forge_plan: "not the one that was approved",
    forge_step: "names this target", take_votes: "0 did", take_approval: "no approved plan",
}


@pytest.mark.parametrize("harm", STOPS, ids=lambda harm: harm.__name__)
def test_what_stops_applying(bench, harm):
    (key,) = bench.approved()
    harm(bench)
    assert carry_out(bench, key) == "stopped"
    assert bench.device.logged("set") == [] and bench.containment(key).state == "failed"
    assert STOPS[harm] in bench.containment(key).trouble and STOPS[harm] in " ".join(urgent(bench))
    assert "containment attempt" not in bench.kinds() and bench.faults() == ()


@pytest.mark.parametrize("harm", [switch, break_lists, no_lists, unconfigure, protect, lose_folder, cap],
                         ids=lambda harm: harm.__name__)
def test_nothing_stops_a_release(bench, harm):
    (key,) = bench.approved()
    carry_out(bench, key)
    harm(bench)
    bench.later(seconds=3601)
    assert release(bench, key) == "done" and bench.device.state == {}


def ask_release(bench):
    with bench.store.change() as conn:
        (found,) = kept.listed(conn)
        assert kept.ask_release(conn, found.key, "bert", bench.now)


@pytest.mark.parametrize("harm", [switch, break_lists, unconfigure, age, resolve, acquit, take_approval, forge_step,
                                  ask_release, disconnect], ids=lambda harm: harm.__name__)
def test_what_turns_up_after_the_intent_stops_the_effect(bench, harm):
    (key,) = bench.approved()
    assert contain.intend(bench.outfit, key) == "go"
    harm(bench)
    assert contain.apply(bench.outfit, key) == "stopped"
    assert bench.device.logged("set") == [] and bench.containment(key).state == "failed"


def test_when_the_intent_cannot_be_journalled_nothing_is_done(bench, monkeypatch):
    (key,) = bench.approved()

    def full(*arguments):
        raise Incomplete("the disk is full")
    monkeypatch.setattr(contain.journal, "append", full)
    with pytest.raises(Incomplete):
        carry_out(bench, key)
    monkeypatch.undo()
    assert bench.device.logged("set") == [] and bench.containment(key).state == "intended"
    assert carry_out(bench, key) == "done"


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
