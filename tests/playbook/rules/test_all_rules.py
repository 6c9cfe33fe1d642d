"""Every rule: a sentence, parameters with defaults, a table of tests, and benign words that rest on our own facts."""

import importlib
from pathlib import Path

import pytest

from playbook.rules import all_rules
from tests.playbook.rules.table import KINDS, evidence

HERE = Path(__file__).parent
NAMES = sorted(all_rules())


def table_of(name):
    return importlib.import_module(f"tests.playbook.rules.test_{name}").TABLE


def test_there_are_rules_and_no_orphan_tests():
    tested = {p.stem.removeprefix("test_") for p in HERE.glob("test_*.py")} - {"all_rules"}
    assert tested == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_says_a_sentence_and_has_default_parameters(name):
    rule = all_rules()[name]
    assert rule.sentence.endswith(".") and rule.sentence[0].isupper() and len(rule.sentence) <= 120
    assert rule.params() == rule.params.model_validate({})
    assert rule.judge.__doc__


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_has_rows_of_all_four_kinds(name):
    table = table_of(name)
    assert {row.kind for row in table} == set(KINDS)
    assert len({row.name for row in table}) == len(table)
    assert any(row.said != "silent" for row in table if row.kind == "speaks")
    assert all(row.said == "silent" for row in table if row.kind == "silent")


@pytest.mark.parametrize("name", NAMES)
def test_only_facts_that_we_wrote_carry_strong_benign_evidence(name):
    for row in table_of(name):
        word = evidence(name, row.enriched)
        if word is None or word.leans != "benign" or word.strength == "hint":
            continue
        assert word.facts, row.name
        assert {fact.written_by for fact in word.facts} == {"us"}, row.name
        assert all(fact.source and fact.value for fact in word.facts), row.name


@pytest.mark.parametrize("name", NAMES)
def test_what_a_rule_says_is_whole(name):
    for row in table_of(name):
        word = evidence(name, row.enriched)
        if word is None:
            continue
        assert word.rule == name and word.reason
        assert (word.role == "filter") == all_rules()[name].filter == bool(word.filter)
        assert word.role != "explanation" or (word.strength == "conclusive") == (not word.missing)
        assert word.role != "corroboration" or word.group
        assert word.role != "indicator" or word.indicator
