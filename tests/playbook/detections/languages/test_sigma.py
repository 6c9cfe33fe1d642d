"""The Sigma rules are YAML that refers to itself rightly, and each text says what Sigma cannot say."""

from typing import Any

import pytest
import yaml

from playbook.detections.beaconing import IRC_PORTS, SEED_INTERNAL
from playbook.detections.languages import sigma

HUNTS = (None, "ddos-burst", "dga-burst", "irc")


def rules(hunt: str | None) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(sigma.query(hunt)))


@pytest.mark.parametrize("hunt", HUNTS)
def test_every_correlation_finds_its_base_rule_before_it(hunt: str | None) -> None:
    seen: set[str] = set()
    for rule in rules(hunt):
        assert {"title", "id", "name", "status", "description", "author", "date", "level", "tags"} <= rule.keys()
        assert ("detection" in rule) != ("correlation" in rule)
        assert set(rule.get("correlation", {}).get("rules", ())) <= seen
        seen.add(rule["name"])


def test_ids_are_stable_and_no_two_rules_share_one() -> None:
    every = {rule["name"]: rule["id"] for hunt in HUNTS for rule in rules(hunt)}
    assert len(set(every.values())) == len(every)
    assert every["external_connection"] == "b4810e1f-b1fd-5d42-9f9b-a21f9ceb0fc9"


@pytest.mark.parametrize(
    ("hunt", "said"),
    [
        (None, "cannot count distinct hours, average, or score"),
        ("ddos-burst", "cannot put both numbers into one row"),
        ("dga-burst", "no share of failed names"),
        ("irc", "said in full"),
    ],
)
def test_the_note_is_a_comment_and_says_what_is_missing(hunt: str | None, said: str) -> None:
    first = sigma.query(hunt).splitlines()[0]
    assert first.startswith("# ") and said in first.replace("\n", " ")


def test_the_numbers_are_those_of_the_detection() -> None:
    base, repeated, irc, _ = rules(None)
    assert base["detection"]["internal"]["dst_ip|cidr"] == [str(network) for network in SEED_INTERNAL]
    assert repeated["correlation"]["condition"] == {"gte": 20} and repeated["correlation"]["timespan"] == "24h"
    assert set(irc["detection"]["ports"]["dst_port"]) == IRC_PORTS
    burst = rules("ddos-burst")
    assert [r["correlation"]["condition"] for r in burst if "correlation" in r] == [
        {"gt": 100},
        {"gt": 20, "field": "dst_port"},
        {"gt": 100},
    ]
    assert rules("dga-burst")[1]["correlation"] | {"rules": []} == {
        "type": "value_count",
        "rules": [],
        "group-by": ["Computer", "Image"],
        "timespan": "15m",
        "condition": {"gte": 30, "field": "QueryName"},
    }


def test_an_unknown_hunt_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        sigma.query("nosuch")
