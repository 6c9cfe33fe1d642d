"""Carrying out and undoing: what may stop a step, what a failure leaves behind, and that only ours is undone."""

import pytest

from playbook.cases import case_rows
from playbook.cases import containments as kept
from playbook.cases.schema import cases, detections, requests
from playbook.config import ContainPerHour
from playbook.errors import ConfigError, Incomplete
from playbook.model.enrichment import ListEntry
from playbook.response.guardrails import NeverBlockPolicy
from playbook.workflows import executor
from tests.support.builders import DESTINATION
from tests.support.stages import carry_out, release, urgent


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
    bench.barriers = NeverBlockPolicy(own_places=frozenset({DESTINATION}))


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
        assert case_rows.resolve(conn, case_id, "BENIGN_POSITIVE", "bert", "ours", bench.now) is None


def forge_plan(bench):
    with bench.store.change() as conn:
        for table, column in (("plans", "document"), ("containments", "step")):
            conn.exec_driver_sql(
                f"UPDATE {table} SET {column} = replace({column}, '\"ttl_s\":3600', '\"ttl_s\":36000')"
            )


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
    protect: "networks.protected",
    break_lists: "half a file",
    list_as_cdn: "a CDN",
    no_lists: "no address lists",
    own_place: "our own configuration",
    switch: "kill switch is on",
    lose_folder: "counts as on",
    dangling_link: "kill switch is on",
    cap: "limits.max_containments_per_hour",
    age: "longer ago",
    disconnect: "no configured containment",
    unconfigure: "cannot be read",
    acquit: "TRUE_POSITIVE",
    resolve: "closed",
    protect_source: "2 people",
    forge_plan: "not the one that was approved",
    forge_step: "names this target",
    take_votes: "0 did",
    take_approval: "no approved plan",
}


@pytest.mark.parametrize("harm", STOPS, ids=lambda harm: harm.__name__)
def test_what_stops_applying(bench, harm):
    (key,) = bench.approved()
    harm(bench)
    assert carry_out(bench, key) == "stopped"
    assert bench.device.logged("set") == [] and bench.containment(key).state == "failed"
    assert STOPS[harm] in bench.containment(key).trouble and STOPS[harm] in " ".join(urgent(bench))
    assert "containment attempt" not in bench.kinds() and bench.faults() == ()


@pytest.mark.parametrize(
    "harm", [switch, break_lists, no_lists, unconfigure, protect, lose_folder, cap], ids=lambda harm: harm.__name__
)
def test_nothing_stops_a_release(bench, harm):
    (key,) = bench.approved()
    carry_out(bench, key)
    harm(bench)
    bench.later(seconds=3601)
    assert release(bench, key) == "done" and bench.device.state == {}


def ask_release(bench):
    with bench.store.change() as conn:
        (found,) = kept.list_containments(conn)
        assert kept.ask_release(conn, found.key, "bert", bench.now)


@pytest.mark.parametrize(
    "harm",
    [switch, break_lists, unconfigure, age, resolve, acquit, take_approval, forge_step, ask_release, disconnect],
    ids=lambda harm: harm.__name__,
)
def test_what_turns_up_after_the_intent_stops_the_effect(bench, harm):
    (key,) = bench.approved()
    assert executor.prepare(bench.outfit, key) == "go"
    harm(bench)
    assert executor.apply(bench.outfit, key) == "stopped"
    assert bench.device.logged("set") == [] and bench.containment(key).state == "failed"


def test_when_the_intent_cannot_be_journalled_nothing_is_done(bench, monkeypatch):
    (key,) = bench.approved()

    def full(*arguments):
        raise Incomplete("the disk is full")

    monkeypatch.setattr(executor.audit, "append", full)
    with pytest.raises(Incomplete):
        carry_out(bench, key)
    monkeypatch.undo()
    assert bench.device.logged("set") == [] and bench.containment(key).state == "intended"
    assert carry_out(bench, key) == "done"
