"""query: what was misspelt is named, with what there is instead; the help lists the languages."""

import pytest
from click.testing import CliRunner

from playbook.__main__ import cli
from playbook.detections import languages
from playbook.detections.hunts import HUNTS


def query(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["query", *arguments])
    return done.exit_code, done.output


@pytest.mark.parametrize("language", languages.languages())
def test_a_wrong_hunt_or_preset_is_named_with_those_there_are(language):
    code, said = query(language, "--hunt", "nope")
    assert code == 2 and "nope" in said and all(name in said for name in HUNTS)
    code, said = query(language, "--preset", "nope")
    known = languages.presets(language)
    assert code == 2 and all(name in said for name in known)
    assert ("has no preset 'nope'" if known else "has no --preset") in said


def test_a_wrong_preset_is_refused_where_a_hunt_would_fall_back_to_another():
    code, said = query("sumo", "--hunt", "dga-burst", "--preset", "nope")
    assert code == 2 and "endpoint" in said and "cse" in said
    assert query("sumo", "--hunt", "dga-burst", "--preset", "endpoint")[0] == 0


def test_the_help_lists_every_language():
    told = "".join(query("--help")[1].split())
    assert all(language in told for language in languages.languages())
