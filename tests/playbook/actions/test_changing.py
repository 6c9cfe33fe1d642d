"""Exceptions, connectivity, and the changes that are refused until the response exists."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from playbook.actions import Slot, catalogue, find
from playbook.config import Config, Limits, Policy
from playbook.errors import ConfigError, NotApproved, Unauthorized
from playbook.model.check import CheckResult
from tests.playbook.actions.world import APPROVED, ROW, World, lab, outside

ALL = catalogue()


def test_an_exception_is_entered_and_closes_what_it_covers(tmp_path):
    config = lab(policy=Policy(exceptions=Path("exceptions.json")), folder=tmp_path)
    entered = find("add_exception").run(
        {"owner": "net", "reason": "monitoring", "indicator": "203.0.113.66", "ends": "2026-12-24"}, outside(config)
    )
    assert entered.rows[0].state == "live"
    listed = find("list_exceptions").run({"live_only": "true"}, outside(config)).rows
    assert [row.exception_id for row in listed] == [entered.rows[0].exception_id]
    (row,) = find("judge_detection").run(ROW, outside(config)).rows
    assert (row.disposition, row.rung) == ("BENIGN_POSITIVE", 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ends": "2027-12-24", "indicator": "203.0.113.66"}, "more than 180 days"),
        ({"source": "10.0.0.1"}, "scope"),
        ({"ends": "2020-01-01", "indicator": "203.0.113.66"}, "before it was entered"),
    ],
)
def test_an_exception_without_end_or_scope_is_not_written(tmp_path, change, said):
    config = lab(policy=Policy(exceptions=Path("exceptions.json")), folder=tmp_path)
    with pytest.raises(ConfigError, match=said):
        find("add_exception").run({"owner": "net", "reason": "r", "ends": "2026-12-24"} | change, outside(config))
    assert not (tmp_path / "exceptions.json").exists()


def test_connectivity_tells_each_check_and_a_connector_that_raises():
    def broken():
        raise Unauthorized("SUMO_ACCESS_KEY was refused")

    good = CheckResult(subject="scope", ok=True, message="one row")
    world = World(
        parts={"sources.a": SimpleNamespace(check=lambda: (good,)), "sources.b": SimpleNamespace(check=broken)},
        config=Config(limits=Limits(enrichment_timeout_s=2)),
    )
    result = find("test_connectivity").run({}, world)
    assert [(row.connector, row.ok) for row in result.rows] == [("sources.a", True), ("sources.b", False)]
    assert "SUMO_ACCESS_KEY" in result.rows[1].message
    assert (result.complete, result.message) == (False, "1 of 2 checks failed")


def wanted(slot: Slot) -> object:
    known = {
        "address": "203.0.113.66",
        "src_ip": "10.0.0.1",
        "dst_ip": "203.0.113.66",
        "dst_port": 6667,
        "host_id": "edr-1",
    }
    return (APPROVED | known)[slot.name]


@pytest.mark.parametrize("action", [a for a in ALL if a.kind in ("contain", "correct")], ids=lambda a: a.identifier)
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", r"\[state\] is not configured"),
        ("sqlite:///x.db", "the account that approves is proven"),
    ],
)
def test_nothing_is_changed_past_the_doors_that_prove_who_approves(action, url, why):
    config = Config(state={"url": url})
    with pytest.raises(NotApproved, match=f"{action.identifier}: refused, nothing was changed: .*{why}") as refused:
        action.run({slot.name: wanted(slot) for slot in action.inputs}, outside(config))
    assert refused.value.exit_code == 5
