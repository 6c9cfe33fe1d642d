"""The table of docs/languages.md names every language and hunt, and counts what it counts."""

import re
from pathlib import Path

from playbook.detections.hunts import HUNTS
from playbook.detections.languages import languages
from tests.interpreters.mutants import MUTANTS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "languages.md").read_text()


def test_the_table_has_a_row_for_every_language_and_hunt() -> None:
    rows = set(re.findall(r"^\| (\S+) \| (\S+) \| (?:yes|in part)", PAGE, re.M))
    # splunk-tstats is the preset tstats of splunk under a name of its own.
    assert rows == {
        (language, what) for language in languages() if language != "splunk-tstats" for what in ("beaconing", *HUNTS)
    }


def test_the_page_says_what_no_engine_ran_and_how_many_mutants_there_are() -> None:
    assert "no text of these three has been run by its own engine" in PAGE.replace("\n", " ")
    assert f"lists {len(MUTANTS)} wrong texts" in PAGE
