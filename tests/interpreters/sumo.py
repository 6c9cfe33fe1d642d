"""Runs our Sumo Logic queries: the stand-in's interpreter, behind a check that the text is Sumo Logic's at all.

Each meaning is from the page of that operator in Sumo Logic's search reference: what the language lacks (eval, stats,
dc), matches with * and with a regex, if, in, floor and toLong, min and max as doubles, values() joined by line breaks.
Where the manual is silent (sums of absent values, null group keys, both branches of an if, aliasing onto the input)
tests/emulators/sumo_language.py refuses.
"""

from collections.abc import Iterable

from playbook.detections.languages.sumo.lint import AGGREGATES, FOREIGN
from tests.emulators import sumo_language
from tests.emulators.sumo_language import Fault, Row, stages

__all__ = ("Fault", "run")


def run(query: str, lines: Iterable[tuple[float, str]] = (), fields: Iterable[Row] = ()) -> list[Row]:
    """The rows of ``query``; Fault for a stage that Sumo Logic does not have (sumo.md 3.1: eval, stats, dc)."""
    for number, stage in enumerate(stages(query)[1:], start=1):
        word = stage.split(" ", 1)[0]
        if word in FOREIGN:
            raise Fault(f"stage {number}: {FOREIGN[word]}")
        if word.partition("(")[0] not in AGGREGATES | {"where", "limit", "sort", "fields", "json", "csv", "parse"} and (
            " as " not in stage
        ):
            raise Fault(f"stage {number}: no operator and no expression with a name: {stage[:60]}")
    return sumo_language.run(query, lines, fields)
