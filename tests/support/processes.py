"""Runs of the whole playbook for tests: a configuration file or a scenario in, the run or one judged detection out."""

from datetime import UTC, datetime
from pathlib import Path

from playbook import config
from playbook.assembly import assemble
from playbook.model.case import Case, JudgedDetection, Run
from playbook.respond import respond
from playbook.simulate.scenario import Scenario, write

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def run_config(path: Path) -> Run:
    """A run over the only source of a configuration."""
    read = config.read(path)
    assembled = assemble(read, str(path), next(iter(read.sources.items())), NOW)
    return respond(assembled.toolkit, assembled.site, assembled.terms)


def run_scenario(scenario: Scenario, folder: Path) -> Run:
    """A run over a scenario's logs and inventories, written into ``folder``."""
    return run_config(write(scenario, folder))


def case_of(run: Run, host: str) -> Case | None:
    """The case of a host, or None when it has none."""
    return next((case for case in run.cases if case.host == host), None)


def subject_of(run: Run, scenario: Scenario) -> JudgedDetection:
    """The judged detection that the scenario is about."""
    return next(
        one
        for case in run.cases
        for one in case.detections
        if (one.enriched.detection.src_ip, one.enriched.detection.dst_ip, one.enriched.detection.dst_port)
        == (scenario.src_ip, scenario.dst_ip, scenario.dst_port)
    )
