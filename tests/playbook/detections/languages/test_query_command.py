"""`query` prints every language, its presets and hunts, and names what there is when it is asked for something else."""

import pytest
from click.testing import CliRunner

from playbook.__main__ import cli
from playbook.detections import languages


def printed(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["query", *arguments])
    return done.exit_code, done.output


def test_the_names_are_those_of_the_folder_with_dashes() -> None:
    assert languages.languages() == ("duckdb", "kql", "sigma", "splunk", "splunk-tstats", "sumo", "sumo-cse")


@pytest.mark.parametrize("language", languages.languages())
def test_every_language_prints_the_detection_and_each_hunt_it_reads(language: str) -> None:
    code, detection = printed(language)
    assert code == 0 and "20" in detection
    for hunt in ("ddos-burst", "irc", "dga-burst"):
        code, text = printed(language, "--hunt", hunt)
        expected = 2 if (language, hunt) == ("splunk-tstats", "dga-burst") else 0
        assert code == expected and text != detection, text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nosuch",), "there are: duckdb, kql"),
        (("splunk_tstats",), "no language here"),
        (("splunk", "--preset", "nosuch"), "nosuch"),
        (("kql", "--hunt", "nosuch"), "nosuch"),
        (("sigma", "--preset", "cim"), "sigma has no --preset"),
        (("splunk", "--profile", "seed"), "splunk has no --profile"),
        (("splunk-tstats", "--hunt", "dga-burst"), "does not read"),
    ],
)
def test_what_is_not_there_is_a_usage_error_that_names_it(arguments: tuple[str, ...], says: str) -> None:
    code, text = printed(*arguments)
    assert code == 2 and says in text


def test_a_preset_is_chosen_by_name() -> None:
    assert printed("splunk", "--preset", "tstats") == printed("splunk-tstats")
    assert printed("splunk", "--preset", "raw")[1].startswith("search (index IN (netfw")
    assert "CommonSecurityLog" in printed("kql", "--preset", "sentinel")[1]
