"""What is written back to the SIEM that a detection came from, once its case is stored."""

from typing import Literal

from pydantic import Field

from playbook.model import Value
from playbook.model.verdict import Disposition

Fault = Literal["query", "data"]


class FindingUpdate(Value):
    """What a case came to. ``fault`` says whether a FALSE_POSITIVE comes from the query or from the data."""

    case_id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    disposition: Disposition
    reason: str
    fault: Fault = "query"
