"""A measured number, and a fact: what evidence rests on, with its source and who could have written it."""

from pydantic import AwareDatetime, Field

from playbook.model import Value
from playbook.model.enrichment import WrittenBy

# A log that covers less of a detection's time than this says nothing about it.
ENOUGH_COVERAGE = 0.8


class Fact(Value):
    """One thing evidence rests on: what, who could have written it, where it was read and when it was true."""

    name: str
    value: str
    source: str
    written_by: WrittenBy
    as_of: AwareDatetime | None = None


class Measurement(Value):
    """A number taken from traffic: value, unit, and the share of the detection's time that its log covers.

    ``value`` null, or a coverage under 0.8, is unknown, and unknown counts for nothing.
    """

    name: str
    value: float | bool | None
    unit: str = ""
    coverage: float = Field(ge=0, le=1)
    source: str
    detail: str = ""

    @property
    def known(self) -> float | bool | None:
        """The value, or None when it is unknown."""
        return self.value if self.coverage >= ENOUGH_COVERAGE else None

    @property
    def fact(self) -> Fact:
        """The measurement as a fact that only our own logs could have written."""
        number = self.value if isinstance(self.value, bool) or self.value is None else f"{self.value:g}"
        text = " ".join(part for part in (str(number), self.unit, f"({self.detail})" if self.detail else "") if part)
        return Fact(name=self.name, value=text, source=f"{self.source}, {self.coverage:.0%} covered", written_by="us")
