"""Try every configured connector: credentials, permissions, scope and fields."""

from playbook.actions import Flat, Outside, Result, slot
from playbook.concurrency import run_concurrently
from playbook.model.check import CheckResult

KIND, READ_ONLY = "test", True


class Input(Flat):
    """Nothing: all that is configured is tried."""


class Output(Flat):
    """One row per thing that was tried."""

    connector: str = slot("Section and name in the configuration", example="sources.sumo")
    subject: str = slot("What was tried", example="key and query")
    ok: bool = slot("Whether it works")
    message: str = slot("What was found, and what to do when it does not work")


def run(given: Input, outside: Outside) -> Result:
    """Everything that was tried; incomplete when something does not work."""
    parts, warnings = outside.everything()
    outcomes = run_concurrently(
        {name: part.check for name, part in parts.items()}, outside.config.limits.enrichment_timeout_s
    )
    rows = []
    for name, outcome in outcomes.items():
        failed = (CheckResult(subject=name, ok=False, message=outcome.failure or "no answer"),)
        rows += [
            Output(connector=name, **r.model_dump()) for r in (outcome.value if outcome.value is not None else failed)
        ]
    failures = sum(not row.ok for row in rows)
    message = f"{failures} of {len(rows)} checks failed" if failures else f"{len(rows)} check(s) passed"
    return Result(tuple(rows), message, complete=not failures, warnings=warnings)
