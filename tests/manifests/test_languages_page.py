"""The table of docs/languages.md names every language and hunt, and counts what it counts."""

import re
from pathlib import Path

from playbook.detections.hunts import HUNTS
from playbook.detections.languages import languages
from tests.interpreters.mutants import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "languages.md").read_text()
TABLE = (ROOT / "manifests" / "queries" / "README.md").read_text()
WHAT = ("beaconing", *HUNTS)


def test_the_table_says_of_every_shipped_language_and_hunt_what_is_proven() -> None:
    rows = set(re.findall(r"^\| (\S+) \| (\S+) \| (?:yes|in part)", TABLE, re.M))
    assert {language for language, _ in rows} >= set(languages()) - {"splunk-tstats"}
    assert {(one, what) for one in ("duckdb", "kql", "sigma", "splunk", "sumo", "sumo-cse") for what in WHAT} <= rows


def test_the_page_says_what_no_engine_ran_and_how_many_mutants_there_are() -> None:
    assert "no text of these three has been run by its own engine" in PAGE.replace("\n", " ")
    assert f"lists {len(MUTANTS)} wrong texts" in PAGE
