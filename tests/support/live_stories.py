"""Scenarios whose exported file is replaced by a live server, for tests through the whole playbook."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from playbook.model.case import JudgedDetection
from playbook.simulate.scenario import CONFIG_NAME, Scenario, write
from tests.support.processes import run_config, subject_of


def rows_of(scenario: Scenario, file: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the scenario."""
    return list(csv.DictReader(io.StringIO(scenario.files[file])))


def moments(row: dict[str, str]) -> tuple[datetime, datetime]:
    """When a session of ``backup_sessions.csv`` began and ended."""
    start, end = (datetime.fromisoformat(row[name]) for name in ("started", "ended"))
    return start, end


def judged(scenario: Scenario, folder: Path, without: Iterable[str], table: dict[str, Any]) -> JudgedDetection:
    """The subject of a run in which the live enricher ``table`` stands in for the files ``without``."""
    lines = [
        line for line in scenario.files[CONFIG_NAME].splitlines() if not any(f'"{name}"' in line for name in without)
    ]
    lines = [*lines, "", "[enrichers.live]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    text = "\n".join(lines) + "\n"
    for name in ("backups", "inventory", "calendar", "feeds"):  # a table that lost its only file is taken out
        text = text.replace(f'[enrichers.{name}]\nkind = "{name}"\n\n', "")
    files = {name: content for name, content in scenario.files.items() if name not in without}
    return subject_of(
        run_config(write(scenario.model_copy(update={"files": files | {CONFIG_NAME: text}}), folder)), scenario
    )


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = {_toml(one)}' for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return (
        str(value).lower()
        if isinstance(value, bool)
        else str(value)
        if isinstance(value, int | float)
        else ('"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"')
    )
