"""`query` prints every language, its presets and hunts, and names what there is when it is asked for something else."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from playbook.__main__ import cli
from playbook.detections import languages
from playbook.detections.beaconing import COLUMNS, MIN_CONNECTIONS, PROFILES
from playbook.detections.languages import splunk, sumo


def printed(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["query", *arguments])
    return done.exit_code, done.output


def test_the_names_are_those_of_the_folder_with_dashes() -> None:
    assert {"duckdb", "kql", "sigma", "splunk", "splunk-tstats", "sumo", "sumo-cse"} <= set(languages.languages())
    assert all("_" not in name for name in languages.languages())


@pytest.mark.parametrize("language", languages.languages())
def test_every_language_prints_the_detection_and_each_hunt_it_reads(language: str) -> None:
    code, detection = printed(language)
    assert code == 0 and str(MIN_CONNECTIONS) in detection
    for hunt in ("ddos-burst", "irc", "dga-burst"):
        code, text = printed(language, "--hunt", hunt)
        unread = (language, hunt) == ("splunk-tstats", "dga-burst") or "hunt" not in languages.choices(language)
        expected = 2 if unread else 0
        assert code == expected and text != detection, text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nosuch",), "there are: clickhouse, duckdb, "),
        (("splunk_tstats",), "no language here"),
        (("splunk", "--preset", "nosuch"), "nosuch"),
        (("kql", "--hunt", "nosuch"), "nosuch"),
        (("sigma", "--preset", "cim"), "sigma has no --preset"),
        (("sigma", "--profile", "seed"), "sigma has no --profile"),
        (("kql", "--for", "fetch"), "no connector sends kql"),
        (("sumo", "--source", "nosuch"), "no source that speaks sumo (none configured)"),
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


def test_for_fetch_is_what_the_connectors_send() -> None:
    assert printed("splunk", "--for", "fetch", "--preset", "raw") == (0, splunk.detection("raw") + "\n")
    assert printed("sumo", "--for", "fetch", "--preset", "panos") == (0, sumo.detection("panos") + "\n")
    assert "beaconing_score" not in printed("duckdb", "--for", "fetch")[1]


@pytest.mark.parametrize("language", ["sumo", "splunk", "splunk-tstats", "duckdb", "kql"])
def test_the_pasted_text_is_laid_out_and_ends_in_the_columns_of_the_detection(language: str) -> None:
    for profile in PROFILES:
        code, text = printed(language, "--profile", profile)
        ended = text.rpartition("ORDER BY")[0] or text  # SQL orders after its columns
        # In SQL each column ends a line; elsewhere they stand in the last stage.
        places = [[m.start() for m in re.finditer(rf"\b{name}\b,?$", ended, re.M)] for name in COLUMNS]
        places = [found[-1] for found in places] if language == "duckdb" else [ended.rindex(name) for name in COLUMNS]
        assert code == 0 and f"profile {profile}" in text and places == sorted(places)
        assert language == "duckdb" or max(map(len, text.splitlines())) < 200, max(text.splitlines(), key=len)


def test_a_profile_is_answered_with_the_preset_that_means_it() -> None:
    assert "profile seed, preset seed" in printed("sumo", "--profile", "seed")[1]
    assert "profile seed, preset panos" in printed("sumo", "--profile", "seed", "--preset", "panos")[1]


SOURCES = """
[networks]
lab = ["198.51.100.0/24"]
[sources.sumo]
kind = "sumologic"
preset = "zeek-json"
scope = "_sourceCategory=prod/zeek"
fields = { hostname = "host.name" }
[sources.splunk]
kind = "splunk"
preset = "raw"
scope = "index=fw"
[sources.other]
kind = "splunk"
scope = "index=other"
"""


def configured(tmp_path: Path, language: str, *arguments: str, text: str = SOURCES) -> Result:
    file = tmp_path / "playbook.toml"
    file.write_text(text)
    return CliRunner().invoke(cli, ["query", language, "--config", str(file), *arguments])


def test_the_only_source_of_the_kind_gives_its_scope_fields_and_preset(tmp_path: Path) -> None:
    done = configured(tmp_path, "sumo")
    assert done.stdout.startswith("(_sourceCategory=prod/zeek)\n") and '%"host.name" as hostname' in done.stdout
    assert "preset zeek-json" in done.stdout and "/^198\\.51\\.100\\.[0-9.]+$/, " not in done.stdout
    assert done.stderr == "preset, scope, fields taken from [sources.sumo]\n"
    assert sumo.lint(done.stdout) == ()
    assert "preset cse" in configured(tmp_path, "sumo", "--preset", "cse").stdout


def test_a_language_that_is_a_preset_takes_the_rest_of_its_source(tmp_path: Path) -> None:
    table = '[sources.models]\nkind = "splunk"\npreset = "tstats"\nscope = "index=fw2"\n'
    for chosen in ((), ("--source", "models"), ("--profile", "seed"), ("--for", "fetch")):
        done = configured(tmp_path, "splunk-tstats", *chosen, text=table)
        assert done.exit_code == 0 and "(index=fw2)" in done.stdout, done.output
        assert done.stderr == "scope taken from [sources.models]\n"


@pytest.mark.parametrize("chosen", [(), ("--hunt", "irc"), ("--for", "fetch"), ("--profile", "seed")])
@pytest.mark.parametrize(
    ("language", "source", "own"),
    [
        ("sumo", "sumo", "_sourceCategory=prod/zeek"),
        ("splunk", "splunk", "index=fw"),
        ("splunk", "other", "index=other"),
    ],
)
def test_every_way_of_asking_takes_the_source_that_was_named(
    tmp_path: Path, language: str, source: str, own: str, chosen: tuple[str, ...]
) -> None:
    done = configured(tmp_path, language, "--source", source, *chosen)
    assert done.exit_code == 0 and f"({own})" in done.stdout and f"[sources.{source}]" in done.stderr


def test_of_two_sources_of_the_kind_one_is_named(tmp_path: Path) -> None:
    assert configured(tmp_path, "splunk").stdout.startswith("search (index=* tag=network")
    done = configured(tmp_path, "splunk", "--source", "splunk", "--for", "fetch")
    assert done.stdout == splunk.detection("raw", "index=fw") + "\n"
    assert "no source that speaks splunk-tstats" in configured(tmp_path, "splunk-tstats", "--source", "splunk").output


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ('scope = "a | delete"', "may only stand inside double quotes"),
        ("scope = 3", "sources.s.scope: expected text"),
        ("fields = { dst_ip = 3 }", "sources.s.fields: expected text"),
        ('preset = "x"', "has no preset 'x'"),
        ('fields = { nope = "x" }', "no column of ours"),
    ],
)
def test_a_source_that_cannot_be_put_in_is_named(tmp_path: Path, setting: str, says: str) -> None:
    done = configured(tmp_path, "splunk", text=f'[sources.s]\nkind = "splunk"\n{setting}\n')
    assert done.exit_code != 0 and says in (done.output + str(done.exception))
