"""The catalogue holds to its own rules, and a bad input names the field and what was expected."""

import re
from pathlib import Path

import pytest

from playbook import actions
from playbook.actions import Flat, _docs_page, catalogue, find
from playbook.errors import ConfigError
from tests.playbook.actions.world import APPROVED, ROW, lab, outside

ROOT = Path(__file__).resolve().parents[2]
VERBS = {
    "test",
    "fetch",
    "judge",
    "look",
    "propose",
    "add",
    "list",
    "block",
    "isolate",
    "release",
    "file",
    "get",
    "resolve",
    "comment",
    "approve",
    "deny",
    "write",
}
ALL = catalogue()


@pytest.mark.parametrize("action", ALL, ids=[a.identifier for a in ALL])
def test_an_action_is_declared_by_the_rules(action):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", action.identifier)
    assert action.identifier.split("_")[0] in VERBS
    assert action.kind in actions.KINDS
    assert re.fullmatch(r"[A-Z][^\n]{10,118}[^.\s]", action.description)
    assert action.outputs, "an action without a documented output says nothing"
    assert sum(slot.primary for slot in action.inputs) <= 1
    for slot in (*action.inputs, *action.outputs):
        assert re.fullmatch(r"[a-z][a-z0-9_]*", slot.name)
        assert re.fullmatch(r"[A-Z0-9a-z][^\n]{3,}[^.\s]", slot.description), slot
        assert slot.description[0] == slot.description[0].upper() or slot.description.split(",")[0].islower(), slot
        assert slot.default is None or isinstance(slot.default, str | int | float | bool)


@pytest.mark.parametrize("action", ALL, ids=[a.identifier for a in ALL])
def test_text_from_a_platform_is_bounded(action):
    for name, info in action.input.model_fields.items():
        if next(s for s in action.inputs if s.name == name).type == "text":
            bounds = [getattr(m, "max_length", None) or getattr(m, "pattern", None) for m in info.metadata]
            bounds += [
                m.max_length
                for arg in getattr(info.annotation, "__args__", ())
                for m in getattr(arg, "__metadata__", ())
                if hasattr(m, "max_length")
            ]
            choices = next(s for s in action.inputs if s.name == name).choices
            assert any(bounds) or choices, name


def test_identifiers_are_unique_and_what_changes_something_says_so():
    assert len({a.identifier for a in ALL}) == len(ALL)
    writes = {a.identifier for a in ALL if not a.read_only}
    assert writes == {a.identifier for a in ALL if a.kind in ("contain", "correct")} | {
        "add_exception",
        "file_detection",
        "resolve_case",
        "comment_case",
        "approve_plan",
        "deny_plan",
        "write_outcome",
    }


def test_every_contain_has_its_correct_and_both_take_the_approval():
    contains = {a.identifier.partition("_")[2] for a in ALL if a.kind == "contain"}
    corrects = {a.identifier.partition("_")[2] for a in ALL if a.kind == "correct"}
    assert contains == corrects == {"address", "pair", "host"}
    for action in ALL:
        if action.kind in ("contain", "correct"):
            required = {slot.name for slot in action.inputs if slot.required}
            assert {"plan_id", "digest", "approved_by"} < required


def test_a_field_that_is_no_scalar_is_refused_when_the_catalogue_is_read():
    class Deep(Flat):
        inner: list[str] = actions.slot("A list")

    broken = ALL[0]._replace(input=Deep)
    with pytest.raises(TypeError, match="inner"):
        _ = broken.inputs


def test_the_page_is_made_from_the_catalogue():
    assert (ROOT / "docs" / "actions.md").read_text(encoding="utf-8") == _docs_page.render(ALL), "run: make manifests"


def test_an_action_is_found_by_its_name_too():
    assert find("look up address") is find("look_up_address")
    with pytest.raises(ConfigError, match="look_up_address"):
        find("lookup")


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("look_up_address", {}, "address: required: Address to look up"),
        ("look_up_address", {"address": ""}, "address: required: Address to look up"),
        ("look_up_address", {"address": "999.1.1.1"}, "address: .*expected an IP address"),
        ("look_up_address", {"adress": "1.1.1.1"}, "did you mean 'address'"),
        ("look_up_address", {"address": ["1.1.1.1"]}, "address: expected text, a number or a boolean"),
        ("look_up_host", {}, "host: expected a host name"),
        ("judge_detection", ROW | {"dst_port": 70000}, "dst_port: .*65535"),
        ("judge_detection", ROW | {"dst_port": "irc"}, "dst_port: expected a whole number"),
        ("judge_detection", ROW | {"hourly_buckets": 0}, "hourly_buckets: .*1"),
        ("judge_detection", ROW | {"first_seen": "yesterday"}, "first_seen: .*yyyy-MM-dd"),
        ("judge_detection", ROW | {"first_seen": "0001-01-01T00:00:00+14:00"}, "first_seen: "),
        ("judge_detection", ROW | {"last_seen": "9999-12-31"}, "last_seen: .*2199"),
        ("judge_detection", ROW | {"last_seen": "2020-01-01"}, "last_seen: .*before first_seen"),
        ("judge_detection", ROW | {"connections": 0}, "connections: expected at least 1"),
        ("judge_detection", ROW | {"blocked": True}, "denied: expected at least 1"),
        ("judge_detection", ROW | {"source": "nowhere"}, "source: 'nowhere' is not configured"),
        ("judge_detection", ROW | {"hostname": "x" * 300}, "hostname: .*255"),
        ("fetch_detections", {}, "source: which one"),
        ("fetch_detections", {"hours": 0}, "hours: .*1"),
        ("add_exception", {"owner": "a", "reason": "b", "ends": "soon"}, "ends: .*yyyy-MM-dd"),
        ("add_exception", {"owner": "a", "reason": "b", "ends": "2026-12-01"}, "policy.exceptions: not set"),
        ("block_address", APPROVED | {"address": "203.0.113.66", "digest": "short"}, "digest: expected .*64 hex"),
        ("isolate_host", {"host_id": "h-1"}, "approved_by: required: Account of the person"),
    ],
)
def test_a_bad_input_names_the_field_and_what_was_expected(name, given, said):
    with pytest.raises(ConfigError, match=said):
        find(name).run(given, outside(lab()))
