"""What a case came to, as it is written back into a SIEM: the outcome, and a comment by which a repeat finds itself."""

import hashlib
from typing import Literal

from pydantic import Field

from connectors.transport import printable
from playbook.model import Value
from playbook.model.verdict import Disposition

MAX_COMMENT = 2_000


class Outcome(Value):
    """What a case came to. ``fault`` says whether a FALSE_POSITIVE comes from the query or from the data."""

    case_id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    disposition: Disposition
    reason: str
    fault: Literal["query", "data"] = "query"


def comment_of(outcome: Outcome, tag: str = "") -> str:
    """The comment for an outcome, ending in ``tag``; it opens with a mark made of its own content (``mark_of``)."""
    said = f"{outcome.disposition}: {printable(outcome.reason).strip()[:MAX_COMMENT]}{tag}"
    mark = hashlib.sha256(f"{outcome.case_id}\n{said}".encode()).hexdigest()[:12]
    return f"[botnet-playbook {outcome.case_id} {mark}] {said}"


def mark_of(comment: str) -> str:
    """The mark that a comment of ours opens with."""
    return comment[: comment.index("]") + 1]
