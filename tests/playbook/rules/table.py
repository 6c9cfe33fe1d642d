"""The table of a rule's test: what was seen, of which kind the row is, and what the rule says to it."""

from typing import NamedTuple

import pytest

from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import Evidence
from playbook.rules import all_rules

KINDS = ("speaks", "near miss", "silent", "hostile")


class Row(NamedTuple):
    """One row; ``said`` is ``silent``, ``contradicted``, ``waits`` or the strength of the evidence."""

    kind: str
    name: str
    enriched: EnrichedDetection
    said: str


def rows(table: list[Row]) -> pytest.MarkDecorator:
    """Parametrize a test by the rows of the table."""
    assert {row.kind for row in table} == set(KINDS)
    return pytest.mark.parametrize("row", table, ids=[f"{row.kind}: {row.name}" for row in table])


def evidence(rule: str, enriched: EnrichedDetection, **params: object) -> Evidence | None:
    """The rule's word with default parameters, or these."""
    found = all_rules()[rule]
    return found.judge(enriched, found.params(**params))


def outcome(rule: str, enriched: EnrichedDetection) -> str:
    """The rule's word in one word; evidence that would close a case never passes for one that waits."""
    word = evidence(rule, enriched)
    if word is None:
        return "silent"
    if word.contradicted:
        return "contradicted"
    return "waits" if word.waiting_on and word.strength != "conclusive" else word.strength
