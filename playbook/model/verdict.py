"""Evidence and verdict: what each rule states, which rung of the ladder decided, and what would change it."""

from typing import Literal

from pydantic import AwareDatetime, Field

from playbook.model import Value
from playbook.model.detection import Detection
from playbook.model.enrichment import Enrichment, WrittenBy
from playbook.model.observable import Observable
from playbook.model.site import Site
from playbook.model.traffic import HostTraffic, TupleTraffic

Disposition = Literal["TRUE_POSITIVE", "UNDETERMINED", "BENIGN_POSITIVE", "FALSE_POSITIVE"]
WORST_FIRST: tuple[Disposition, ...] = ("TRUE_POSITIVE", "UNDETERMINED", "BENIGN_POSITIVE", "FALSE_POSITIVE")
Confidence = Literal["low", "medium", "high"]
Group = Literal["rhythm", "destination", "host"]
CaseStatus = Literal["proposed", "ticket", "watch", "closed"]

# A log that covers less of a detection's time than this says nothing about it.
ENOUGH_COVERAGE = 0.8


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


class Fact(Value):
    """One thing evidence rests on: what, who could have written it, where it was read and when it was true."""

    name: str
    value: str
    source: str
    written_by: WrittenBy
    as_of: AwareDatetime | None = None


class Evidence(Value):
    """One rule's statement about one detection.

    ``role`` says where the ladder reads it: a gate, a conclusive indicator (rung 1), a person's exception
    (rung 2), a benign explanation (rung 3), a corroboration (rung 4, with its ``group``) or context that is only
    shown. An explanation is complete when ``strength`` is conclusive; otherwise ``missing`` says what it lacks.
    ``contradicted`` marks an explanation that the facts refute. ``waiting_on`` names enrichers whose failure kept
    the explanation from being completed. ``hunt`` marks fan-out or a burst (an explanation may account for it).
    """

    rule: str
    role: Literal["gate", "indicator", "exception", "explanation", "corroboration", "context"]
    leans: Literal["benign", "malicious", "policy"]
    strength: Literal["hint", "strong", "conclusive"]
    reason: str
    facts: tuple[Fact, ...] = ()
    gate: Literal["", "G1", "G2", "G3"] = ""
    disposition: Disposition | None = None
    group: Group | None = None
    missing: tuple[str, ...] = ()
    contradicted: bool = False
    waiting_on: tuple[str, ...] = ()
    hunt: bool = False
    explains_hunt: bool = False
    indicator: str = ""
    would_change: str = ""


class EnrichedDetection(Value):
    """A detection with everything known about it; the one thing a rule may look at."""

    detection: Detection
    host: str
    site: Site
    observables: tuple[Observable, ...] = ()
    enrichments: tuple[Enrichment, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    traffic: TupleTraffic | None = None
    host_traffic: HostTraffic | None = None


class Rung(Value):
    """One rung of the ladder as it was tried: number, name, whether it held and why."""

    number: int = Field(ge=0, le=6)
    name: str
    held: bool
    reason: str


class Verdict(Value):
    """The judgement of one detection: disposition, the rung that decided, all evidence, what is missing."""

    disposition: Disposition
    confidence: Confidence
    rung: int = Field(ge=0, le=6)
    status: CaseStatus
    reasons: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()
    trace: tuple[Rung, ...] = ()
    missing: tuple[str, ...] = ()
    would_change: tuple[str, ...] = ()


class Gated(Value):
    """A detection that a static gate took out before any remote enricher was asked."""

    host: str
    dst_ip: str
    dst_port: int
    gate: Literal["G1", "G2", "G3"]
    disposition: Disposition
    reason: str
    detection_id: str = ""
    src_ip: str = ""
