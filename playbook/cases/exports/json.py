"""The case as ``run --json`` shows it, with what the record knows beside it."""

import json

from playbook.cases.exports import CaseExport
from playbook.report.document import case_document

MEDIA_TYPE = "application/json"


def render(export: CaseExport) -> str:
    """One JSON object: the case, ``record`` (its row), ``containments`` and ``url``."""
    document = case_document(export.case) | {
        "record": export.row.model_dump(mode="json"),
        "containments": [one.model_dump(mode="json") for one in export.containments],
        "url": export.url,
    }
    return json.dumps(document, indent=2) + "\n"
