"""The timeline of a case: every line of its trail with what people said, the newest first."""

import json
from collections.abc import Iterable

from playbook.cases.audit import AuditLine
from playbook.model import Value

# What a line may hold that a person said, or that says why; the first that is there is shown.
_TEXTS = ("comment", "reason", "why", "trouble", "said")


class TimelineEntry(Value):
    """One thing that happened: when (UTC), what kind, who, and what was said, "" when nothing was."""

    at: str
    kind: str
    actor: str
    text: str = ""


def timeline(lines: Iterable[AuditLine]) -> tuple[TimelineEntry, ...]:
    """The lines of a trail in their order."""
    return tuple(
        TimelineEntry(at=line.at[:16].replace("T", " "), kind=line.kind, actor=line.actor, text=_text(line.content))
        for line in lines
    )


def _text(content: str) -> str:
    """What was said, of a line's JSON; a line that is none says nothing."""
    try:
        values = json.loads(content)
    except ValueError:
        return ""
    texts = (values.get(name) for name in _TEXTS) if isinstance(values, dict) else ()
    return next((text for text in texts if isinstance(text, str) and text), "")
