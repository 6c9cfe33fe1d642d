"""Holds every plug-in module against its protocol: prints a module of assignments for mypy to read.

python scripts/plug_in_contracts.py > FILE.py && mypy FILE.py; ``make lint`` does it. Modules are found as the product
finds them: by lying in their folder.
"""

import pkgutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Folder -> the protocol of what lies in it.
CONTRACTS = {
    "connectors/sources": "ConnectorModule[DetectionSource]",
    "connectors/enrichers": "ConnectorModule[Enricher]",
    "connectors/containments": "ConnectorModule[Containment]",
    "connectors/tickets": "ConnectorModule[TicketDesk]",
    "connectors/notifiers": "ConnectorModule[Notifier]",
    "connectors/sources/logs/formats": "Format",
    "playbook/rules": "RuleModule",
    "playbook/detections": "DetectionModule",
    "playbook/detections/languages": "QueryLanguageModule",
    "playbook/platforms": "PlatformModule",
    "playbook/actions": "ActionModule",
}


def lines(root: Path = ROOT) -> Iterator[str]:
    """The lines of the module."""
    yield '"""Made by scripts/plug_in_contracts.py: each assignment is one plug-in and its protocol."""'
    yield "from connectors.sources.logs.schema import Format"
    yield "from playbook.ports import (ActionModule, ConnectorModule, Containment, DetectionModule, DetectionSource,"
    yield "                            Enricher, Notifier, PlatformModule, QueryLanguageModule, RuleModule, TicketDesk)"
    for folder, protocol in CONTRACTS.items():
        for module in pkgutil.iter_modules([str(root / folder)]):
            if module.name.startswith("_") or (module.ispkg and folder == "playbook/detections"):
                continue
            if folder == "playbook/detections" and not _is_detection(root / folder / f"{module.name}.py"):
                continue
            name = f"{folder.replace('/', '.')}.{module.name}"
            alias = name.replace(".", "_")
            yield f"import {name} as {alias}"
            yield f"contract_{alias}: {protocol} = {alias}"


def _is_detection(file: Path) -> bool:
    """Whether the file states a NAME: the others hold what detections share."""
    return "\nNAME = " in file.read_text(encoding="utf-8")


if __name__ == "__main__":
    print("\n".join(lines()))
