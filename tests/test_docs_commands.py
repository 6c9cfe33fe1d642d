"""What the README and docs/ show of the command line is what it says: every command, option and line of output."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from playbook.__main__ import cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
_CONSOLE = re.compile(r"^```console\n\$ botnet-playbook (?P<command>.*)\n(?P<said>(?:.*\n)*?)```$", re.MULTILINE)
_FILE = re.compile(r"^```\w+ file=(?P<name>[\w.]+)\n(?P<text>(?:.*\n)*?)```$", re.MULTILINE)
_SAMPLE = re.compile(r"<!-- sample output -->\n(.*)<!-- end of sample output -->", re.DOTALL)
_CODE = re.compile(r"\[exit code (\d+)\]")
_CALL = re.compile(r"(?:^ {4}|`|\$ |/bin/)botnet-playbook ((?:[\w./-]+|--[\w-]+)(?: [^`\n]*)?)", re.MULTILINE)


class Shown(NamedTuple):
    """One command of a page, and the lines that the page says it prints."""

    page: Path
    command: str
    said: tuple[str, ...]


def shown() -> list[Shown]:
    return [
        Shown(page, m["command"], tuple(m["said"].splitlines()))
        for page in PAGES
        for m in _CONSOLE.finditer(page.read_text(encoding="utf-8"))
    ]


def called(command: list[str], folder: Path) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "playbook", *command],
        cwd=folder,
        text=True,
        check=False,
        timeout=300,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "COLUMNS": "80", "HOME": str(folder)},
    )
    return done.returncode, done.stdout.splitlines()


def like(line: str) -> re.Pattern[str]:
    """The line as a pattern in which "…" stands for anything."""
    return re.compile(".*".join(map(re.escape, line.rstrip().split("…"))) + r"\s*")


def assert_printed(said: list[str], printed: list[str]) -> None:
    """Every line of the page was printed, in this order."""
    rest = iter(printed)
    for line in said:
        assert any(like(line).fullmatch(one) for one in rest), (line, printed)


@pytest.mark.parametrize("one", shown(), ids=lambda one: f"{one.page.name}: {one.command}")
def test_a_command_prints_what_the_page_shows(one, tmp_path):
    for m in _FILE.finditer(one.page.read_text(encoding="utf-8")):
        (tmp_path / m["name"]).write_text(m["text"], encoding="utf-8")
    shutil.copytree(ROOT / "playbook" / "sample", tmp_path / "playbook" / "sample")
    code = next((int(m[1]) for line in one.said if (m := _CODE.fullmatch(line))), 0)
    ended, printed = called(one.command.split(), tmp_path)
    assert ended == code, printed
    assert_printed([line for line in one.said if not _CODE.fullmatch(line)], printed)


def test_the_sample_prints_what_the_readme_shows(tmp_path):
    shown_lines = _SAMPLE.search((ROOT / "README.md").read_text(encoding="utf-8"))[1].splitlines()
    shutil.copytree(ROOT / "playbook" / "sample", tmp_path / "playbook" / "sample")
    code, printed = called(["run", "--config", "playbook/sample/sample.toml", "--dry-run"], tmp_path)
    assert code == 0
    assert_printed([line[4:] for line in shown_lines if line.strip() not in ("", "...")], printed)


def calls() -> list[tuple[str, str]]:
    return sorted({(page.name, m[1]) for page in PAGES for m in _CALL.finditer(page.read_text(encoding="utf-8"))})


@pytest.mark.parametrize(("page", "call"), calls(), ids=lambda text: text)
def test_every_command_and_option_that_a_page_names_exists(page, call):
    context, group = click.Context(cli), cli
    for word in call.split("#")[0].split():
        if isinstance(group, click.Group) and not word.startswith("-"):
            found = group.get_command(context, word)
            assert found is not None or group.invoke_without_command, f"{page}: no command {word}"
            group = found or group
        elif word.startswith("--"):
            known = [name for p in group.params for name in p.opts] + ["--help", "--version"]
            assert word.partition("=")[0].rstrip(".,;:)") in known, f"{page}: {call}: no option {word}"


def test_the_pages_do_show_commands():
    assert len(shown()) >= 5 and len(calls()) >= 15
