"""The Cloud SIEM rules are JSON in the names of the API, switched off until a person switches them on."""

import json
from typing import Any

import pytest

from playbook.detections.languages import sumo_cse

HUNTS = (None, "ddos-burst", "dga-burst", "irc")


def fields(hunt: str | None) -> dict[str, Any]:
    return json.loads(sumo_cse.query(hunt))["fields"]


@pytest.mark.parametrize("hunt", HUNTS)
def test_a_rule_is_whole_off_and_a_prototype(hunt: str | None) -> None:
    rule = fields(hunt)
    assert rule["enabled"] is False and rule["isPrototype"] is True and rule["stream"] == "record"
    assert {"groupByAsset", "scoreMapping", "matchExpression", "entitySelectors", "summaryExpression"} <= rule.keys()
    counted = {function["name"] for function in rule["aggregationFunctions"]}
    assert rule["triggerExpression"].split()[0] in counted and "|" not in rule["matchExpression"]


@pytest.mark.parametrize(
    ("hunt", "trigger", "window"),
    [
        (None, "connections >= 20", ("T24H", None)),
        ("ddos-burst", "connections > 100", ("CUSTOM", "900000")),
        ("dga-burst", "failed_domains >= 30", ("CUSTOM", "900000")),
        ("irc", "connections > 0", ("T60M", None)),
    ],
)
def test_the_numbers_are_those_of_the_detection(hunt: str | None, trigger: str, window: tuple[str, str | None]) -> None:
    rule = fields(hunt)
    assert rule["triggerExpression"] == trigger
    assert (rule["windowSize"], rule.get("windowSizeMilliseconds")) == window


def test_what_the_rule_cannot_say_is_in_its_description() -> None:
    assert "cannot count hours or score" in fields(None)["descriptionExpression"]
    assert "share of 80%" in fields("dga-burst")["descriptionExpression"]


def test_an_unknown_hunt_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        sumo_cse.query("nosuch")
