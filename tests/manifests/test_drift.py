"""The committed packages are what the catalogue makes, and every kind of drift is named."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from playbook import platforms
from playbook.__main__ import cli
from playbook.actions import catalogue
from playbook.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]


def manifests(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["manifests", *arguments])
    if isinstance(done.exception, ConfigError):
        return done.exception.exit_code, str(done.exception)
    return done.exit_code, done.stdout


def committed() -> list[str]:
    return sorted(path.name for path in (ROOT / "manifests").iterdir() if path.name in platforms.platforms())


@pytest.mark.parametrize("platform", committed())
def test_the_committed_package_is_what_the_catalogue_makes(platform):
    package = platforms.render(platform, catalogue())
    assert platforms.drift(ROOT / "manifests" / platform, package) == (), "run: make manifests"


def test_splunk_soar_is_committed():
    assert "splunk_soar" in committed()


def test_what_was_written_is_found_unchanged_and_each_drift_is_named(tmp_path):
    folder = str(tmp_path)
    assert manifests("write", "splunk_soar", "--directory", folder)[0] == 0
    assert manifests("check", "splunk_soar", "--directory", folder)[0] == 0
    package = tmp_path / "splunk_soar"
    (package / "README.md").unlink()
    (package / "stray.txt").write_text("x")
    (package / "logo.svg").write_text("<svg/>")
    code, said = manifests("check", "splunk_soar", "--directory", folder)
    assert code == 2
    for name, how in (("README.md", "missing"), ("stray.txt", "not made from"), ("logo.svg", "differs")):
        assert any(name in line and how in line for line in said.splitlines()), said
    assert "botnet_playbook.json" not in said
    manifests("write", "splunk_soar", "--directory", folder)
    assert manifests("check", "splunk_soar", "--directory", folder)[0] == 0
    assert not (package / "stray.txt").exists()


def test_a_platform_that_is_not_there_is_named_with_those_that_are(tmp_path):
    code, said = manifests("check", "nonsense", "--directory", str(tmp_path))
    assert code == 2 and "'nonsense'" in said and "splunk_soar" in said


def test_a_folder_that_is_not_there_is_one_line_and_not_every_file(tmp_path):
    code, said = manifests("check", "--directory", str(tmp_path / "elsewhere"))
    assert code == 2 and said.count("\n") <= 1 and "no such folder" in said


def test_a_package_depends_on_the_catalogue_alone():
    first, second = (platforms.render("splunk_soar", catalogue()) for _ in range(2))
    assert first == second
    fewer = platforms.render("splunk_soar", catalogue()[:-1])
    assert {name for name in first if first[name] != fewer[name]} == {
        "botnet_playbook.json",
        "botnet_playbook_client.py",
    }
