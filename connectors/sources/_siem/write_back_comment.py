"""The comment by which an outcome is written back into a SIEM, and by which a repeat finds itself."""

import hashlib
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from connectors.http import printable
from playbook.errors import BadAnswer
from playbook.model.finding_update import FindingUpdate

MAX_COMMENT = 2_000
M = TypeVar("M", bound=BaseModel)


def comment_of(outcome: FindingUpdate, tag: str = "") -> str:
    """The comment for an outcome, ending in ``tag``; it opens with a mark made of its own content (``mark_of``)."""
    said = f"{outcome.disposition}: {printable(outcome.reason).strip()[:MAX_COMMENT]}{tag}"
    mark = hashlib.sha256(f"{outcome.case_id}\n{said}".encode()).hexdigest()[:12]
    return f"[botnet-playbook {outcome.case_id} {mark}] {said}"


def mark_of(comment: str) -> str:
    """The mark that a comment of ours opens with."""
    return comment[: comment.index("]") + 1]


def referred(model: type[M], reference: str, subject: str) -> M:
    """The finding that a reference of ours stands for. Raises BadAnswer for one that an older version wrote."""
    try:
        return model.model_validate_json(reference)
    except ValidationError:
        raise BadAnswer(f"{subject}: a finding was kept in a form that this version does not read") from None
