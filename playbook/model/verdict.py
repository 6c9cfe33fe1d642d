"""Evidence and verdict: what each rule states, which rung of the ladder decided, and what would change it."""

from typing import Literal

from pydantic import Field

from playbook.model import Value
from playbook.model.measurement import Fact

Disposition = Literal["TRUE_POSITIVE", "UNDETERMINED", "BENIGN_POSITIVE", "FALSE_POSITIVE"]
WORST_FIRST: tuple[Disposition, ...] = ("TRUE_POSITIVE", "UNDETERMINED", "BENIGN_POSITIVE", "FALSE_POSITIVE")
Confidence = Literal["low", "medium", "high"]
Group = Literal["rhythm", "destination", "host"]
About = Literal["destination", "name", "host"]
CaseStatus = Literal["proposed", "ticket", "watch", "closed"]


class Evidence(Value):
    """One rule's statement about one detection.

    ``role`` says where the ladder reads it: a filter, a conclusive indicator (rung 1), a person's exception
    (rung 2), a benign explanation (rung 3), a corroboration (rung 4, with its ``group``) or context that is only
    shown. An explanation is complete when ``strength`` is conclusive; otherwise ``missing`` says what it lacks.
    ``contradicted`` marks an explanation that the facts refute. ``waiting_on`` names enrichers whose failure kept
    the explanation from being completed. ``hunt`` marks fan-out or a burst (an explanation may account for it).
    ``about`` says what it speaks of: this destination, a name that leads there, or the host as a whole.
    ``overrides`` are the indicators that a person's exceptions name; only these let rung 1 pass.
    """

    rule: str
    role: Literal["filter", "indicator", "exception", "explanation", "corroboration", "context"]
    leans: Literal["benign", "malicious", "policy"]
    strength: Literal["hint", "strong", "conclusive"]
    reason: str
    facts: tuple[Fact, ...] = ()
    filter: Literal["", "G1", "G2", "G3"] = ""
    disposition: Disposition | None = None
    group: Group | None = None
    missing: tuple[str, ...] = ()
    contradicted: bool = False
    waiting_on: tuple[str, ...] = ()
    hunt: bool = False
    explains_hunt: bool = False
    about: About = "destination"
    indicator: str = ""
    overrides: tuple[str, ...] = ()
    would_change: str = ""


class Rung(Value):
    """One rung of the ladder as it was tried: number, name, whether it held and why."""

    number: int = Field(ge=0, le=6)
    name: str
    held: bool
    reason: str


class Verdict(Value):
    """The judgement of one detection: disposition, the rung that decided, all evidence, what is missing.

    ``about`` is what a step may name: with ``name`` the listed name but not the address behind it, which other names
    lead to as well; with ``host`` the host alone, which is convicted by what it did elsewhere.
    """

    disposition: Disposition
    confidence: Confidence
    rung: int = Field(ge=0, le=6)
    status: CaseStatus
    reasons: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()
    trace: tuple[Rung, ...] = ()
    missing: tuple[str, ...] = ()
    would_change: tuple[str, ...] = ()
    about: About = "destination"


class FilteredDetection(Value):
    """A detection that a static filter took out before any remote enricher was asked."""

    host: str
    dst_ip: str
    dst_port: int
    filter: Literal["G1", "G2", "G3"]
    disposition: Disposition
    reason: str
    detection_id: str = ""
    src_ip: str = ""
