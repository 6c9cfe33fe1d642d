"""Whoever follows the seed's own advice on backups is told what was found, why it closes nothing, and what would."""

import io
from pathlib import Path
from random import Random

import pytest
from rich.console import Console

from playbook.model.case import Case, Run
from playbook.report.document import document
from playbook.report.html import write as write_page
from playbook.report.terminal import render
from playbook.simulate import scenarios
from playbook.simulate.records import Machine
from playbook.simulate.sample_day import START
from playbook.simulate.scenario import Scenario
from playbook.simulate.workstations import lease
from tests.support.processes import case_of, run_scenario

WINDOW = (
    "timezone: Europe/Prague\nwindows:\n  - {{kind: backup, name: nightly, {whose}, cron: '0 1 * * *', duration: 4h}}\n"
)


def changed(scenario: Scenario, **files: str) -> Scenario:
    """The scenario with other files; the key is the name with an underscore for the dot."""
    renamed = {name.replace("__", "."): text for name, text in files.items()}
    return scenario.model_copy(update={"files": scenario.files | renamed})


def backup(whose: str, proven: bool = True) -> Scenario:
    """The nightly backup of fs-01 without a session; the calendar's entry says whose window it is."""
    made = scenarios.managed_backup(session=False)
    machine = Machine(name=made.host, address=made.src_ip, roles=("server",), owner="Storage team")
    named = made.model_copy(update={"leases": lease(Random(1), machine, "10.1.0.1", START).leases})
    hosts = {} if proven else {"hosts__csv": _without(made.files["hosts.csv"], made.host)}
    return changed(named, windows__yaml=WINDOW.format(whose=whose), **hosts)


def _without(text: str, host: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if f",{host}," not in line)


def told(run: Run, folder: Path) -> tuple[str, ...]:
    """The run as a terminal, as JSON, and as a page show it, in one line each."""
    screen = io.StringIO()
    render(run, Console(file=screen, width=1000))
    write_page(run, folder / "report")
    pages = "".join(page.read_text(encoding="utf-8") for page in (folder / "report").rglob("*.html"))
    return tuple(" ".join(text.split()) for text in (screen.getvalue(), str(document(run)), pages))


def judged(scenario: Scenario, folder: Path) -> tuple[Run, Case]:
    run = run_scenario(scenario, folder)
    case = case_of(run, scenario.host) or case_of(run, scenario.src_ip)
    assert case is not None
    return run, case


@pytest.mark.parametrize("whose", ["hosts: [fs-01]", "roles: [server]", "hosts: ['fs-*', fs-01]"])
def test_a_schedule_that_names_the_host_asks_for_the_record_that_would_close_it(tmp_path: Path, whose: str) -> None:
    run, case = judged(backup(whose), tmp_path)
    assert (case.verdict.disposition, case.status, case.plan) == ("UNDETERMINED", "ticket", None)
    assert case.ticket is not None
    for words in ("it looks like the scheduled backup nightly", "100% of the connections lie in it"):
        assert words in case.ticket.text and all(words in text for text in told(run, tmp_path))
    assert "backup_sessions.csv: host, job, repository, started, ended, bytes" in case.ticket.text


UNBELIEVED = {
    "a pattern": (backup("hosts: ['fs-*']"), "its entry is a pattern"),
    "an inventory without the address": (backup("hosts: [fs-01]", proven=False), "no inventory entry proves that"),
}


@pytest.mark.parametrize("case", UNBELIEVED.values(), ids=UNBELIEVED)
def test_what_was_found_and_not_believed_is_said_everywhere(tmp_path: Path, case: tuple[Scenario, str]) -> None:
    scenario, words = case
    run, found = judged(scenario, tmp_path)
    assert found.verdict.disposition == "UNDETERMINED"
    assert any(words in reason for reason in found.verdict.reasons), found.verdict.reasons
    assert all(words in text for text in told(run, tmp_path))
    assert found.ticket is None or words in found.ticket.text


def test_a_schedule_holds_no_verdict_back_that_it_does_not_explain(tmp_path: Path) -> None:
    (tmp_path / "without").mkdir()
    _, case = judged(scenarios.beacon(night_only=True, backup_window=True), tmp_path)
    _, without = judged(scenarios.beacon(night_only=True), tmp_path / "without")
    assert (case.verdict.disposition, case.status) == (without.verdict.disposition, without.status)
    assert any("a window alone closes nothing" in reason for reason in case.verdict.reasons)
