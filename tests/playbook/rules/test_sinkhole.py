"""The destination is a sinkhole: ours by our own resolver's answer, or one that a public list names."""

from playbook.model.enrichment import ListEntry
from tests.playbook.rules.table import Row, evidence, outcome, rows
from tests.support.builders import DESTINATION, an_enriched, named, said


def hole(ours=True, category="sinkhole", traffic=None, **change):
    word = said("lists", ListEntry(name="holes", category=category, ours=ours), about=DESTINATION)
    return an_enriched(word, traffic=traffic or named(), **change)


TABLE = [
    Row("speaks", "our resolver answered with our sinkhole", hole(traffic=named("c2.example")), "conclusive"),
    Row("speaks", "a public list alone", hole(ours=False, traffic=named("c2.example")), "strong"),
    Row("near miss", "our sinkhole without a DNS answer", hole(), "strong"),
    Row("near miss", "our sinkhole by SNI", hole(traffic=named("c2.example", by="sni", backed=False)), "strong"),
    Row("silent", "no list", an_enriched(), "silent"),
    Row("silent", "another kind of list", hole(category="block_page", traffic=named("x.example")), "silent"),
    Row(
        "hostile",
        "a strange name server answers with our sinkhole",
        hole(traffic=named("c2.example", backed=False)),
        "strong",
    ),
]


@rows(TABLE)
def test_sinkhole(row):
    assert outcome("sinkhole", row.enriched) == row.said


def test_it_names_what_our_resolver_said_and_how_to_override_it():
    word = evidence("sinkhole", hole(traffic=named("c2.example")))
    assert "c2.example" in word.reason and word.indicator == DESTINATION and word.would_change
