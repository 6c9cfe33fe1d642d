"""What holds of every package: a new action reaches it by itself, its programs are sound, and no secret lies in it."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Literal

import pytest

from playbook import platforms
from playbook.actions import Action, Flat, catalogue, slot

# These have to be made from the catalogue of actions; others hold texts for engines or documents of cases.
OF_ACTIONS = {
    "cortex",
    "mcp",
    "openapi",
    "openapi_3_0",
    "secops",
    "shuffle",
    "splunk_es",
    "splunk_soar",
    "stackstorm",
    "sumo_automation",
    "tracecat",
    "xsoar",
}


class Input(Flat):
    """One field of each type that a platform has to carry."""

    target: str = slot('What is "told" apart: quotes, \\ and é', contains=("ip",), primary=True, example="9.9.9.9")
    count: int | None = slot("A number", None)
    share: float | None = slot("A share", None)
    sure: bool = slot("Whether it is", False)
    mode: Literal["fast", "slow"] = slot("How", "fast")


class Output(Flat):
    """One column."""

    answer: str = slot("What it says", "")


def action(identifier="zz_probe_wire", kind="investigate", read_only=True) -> Action:
    module = SimpleNamespace(KIND=kind, READ_ONLY=read_only)
    return Action(identifier, kind, read_only, "Probe a wire", Input, Output, module)


def of_actions() -> list[str]:
    """Every platform whose package is another one when an action more is there."""
    more = (*catalogue(), action())
    return [
        name for name in platforms.platforms() if platforms.render(name, more) != platforms.render(name, catalogue())
    ]


def test_the_packages_that_carry_actions_are_made_from_the_catalogue():
    assert set(of_actions()) >= OF_ACTIONS


@pytest.mark.parametrize("name", of_actions())
def test_a_new_action_is_in_every_package_without_an_edit(name):
    before = platforms.render(name, catalogue())
    after = platforms.render(name, (*catalogue(), action()))
    changed = [path for path, text in after.items() if before.get(path) != text]
    assert any("zz_probe_wire" in f"{path} {after[path]}" for path in changed)
    assert platforms.build(name, (*catalogue(), action())) != platforms.build(name, catalogue())


@pytest.mark.parametrize("name", of_actions())
def test_the_programs_are_sound(name, tmp_path):
    files = platforms.render(name, (*catalogue(), action(), action("zz_cut_wire", "contain", False)))
    programs = {path: text for path, text in files.items() if path.endswith(".py")}
    for number, (path, text) in enumerate(programs.items()):
        compile(text, path, "exec")
        (tmp_path / f"p{number}.py").write_text(text, encoding="utf-8")
    if programs:
        command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F,E9,B,BLE,S307"]
        # XSOAR's own modules are put in front of the program by the server, and it is their custom to import all.
        done = subprocess.run(
            [*command, "--ignore", "F403,F405,B904,B905", str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", of_actions())
def test_nothing_switches_the_check_of_certificates_off(name):
    for path, text in platforms.render(name, catalogue()).items():
        for word in ("CERT_NONE", "_create_unverified", "check_hostname = False", "verify=False", "verify_ssl: false"):
            assert word not in str(text), f"{path}: {word}"
