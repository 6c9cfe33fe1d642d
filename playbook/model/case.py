"""A case: the whole trail of one host's detections, and the run that found it."""

from typing import Literal

from pydantic import AwareDatetime

from playbook.model import Value
from playbook.model.detection import AddressHolder, Finding, SourceHealth, TimeWindow
from playbook.model.enriched import EnrichedDetection
from playbook.model.enrichment import Enrichment, HostRecord
from playbook.model.response import NotBlockable, Plan
from playbook.model.verdict import CaseStatus, Confidence, Disposition, FilteredDetection, Verdict


class JudgedDetection(Value):
    """A detection with what was known of it and the verdict that followed."""

    enriched: EnrichedDetection
    verdict: Verdict


class CaseVerdict(Value):
    """The worst verdict of a case's detections, with the reasons of that detection."""

    disposition: Disposition
    confidence: Confidence
    reasons: tuple[str, ...]
    missing: tuple[str, ...] = ()
    would_change: tuple[str, ...] = ()


class Ticket(Value):
    """The remote record of a case, or what it would say; ``state`` is ``proposed`` until a desk opened it."""

    key: str
    title: str
    text: str
    state: Literal["proposed", "open", "digest"] = "proposed"
    case_ids: tuple[str, ...] = ()


class Case(Value):
    """One host, its judged detections worst first, the case's verdict, plan and ticket."""

    case_id: str
    host: str
    addresses: tuple[str, ...]
    status: CaseStatus
    verdict: CaseVerdict
    detections: tuple[JudgedDetection, ...]
    plan: Plan | None = None
    not_blockable: tuple[NotBlockable, ...] = ()
    by_hand: tuple[str, ...] = ()
    ticket: Ticket | None = None
    record: HostRecord | None = None
    holders: tuple[AddressHolder, ...] = ()

    @property
    def enrichments(self) -> tuple[Enrichment, ...]:
        """All enrichments of all detections of the case, without repeats."""
        return tuple(dict.fromkeys(e for d in self.detections for e in d.enriched.enrichments))


class Run(Value):
    """The result of one run over one source: cases worst first, what was filtered, and how complete the input was.

    ``stored``: its cases are in a record; else they are not, because of ``dry_run`` or because there is none.
    """

    run_id: str
    source: str
    window: TimeWindow
    profile: str = "default"
    complete: bool
    warnings: tuple[str, ...] = ()
    health: SourceHealth = SourceHealth()
    filtered: tuple[FilteredDetection, ...] = ()
    cases: tuple[Case, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    as_of: AwareDatetime
    dry_run: bool = False
    stored: bool = False
    exceptions_expired: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
