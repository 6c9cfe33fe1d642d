"""The evidence about one detection, sorted by the part it may play on the ladder (``playbook/triage/decide.py``)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from playbook.model.detection import RULE
from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import About, Disposition, Evidence, Group

GROUPS: tuple[Group, ...] = ("rhythm", "destination", "host")

# DNS, NTP and DNS over TLS: what they carry is too easily mistaken to be decided by corroboration.
NEVER_BY_CORROBORATION = frozenset({53, 123, 853})

# Measurements whose absence may have left something unsaid.
_TELLING = frozenset({"beacon_score", "nameless", "failed_domains", "prevalence", "flood"})
_TOPICS = {
    "feed": "threat feed",
    "host": "host inventory",
    "processes": "process inventory",
    "backup_sessions": "backup sessions",
    "backup_jobs": "declared backup jobs",
    "windows": "test and backup calendar",
}


@dataclass(frozen=True)
class Weighed:
    """All evidence about one detection, by the part it may play.

    ``conclusive`` and ``strong_indicators`` speak of the destination itself; ``exceptions`` were entered by people;
    ``complete`` explanations close, ``standing`` ones (strong, not refuted) hold a conviction back, ``partial`` are
    all that do not close; ``corroborations`` are what counts by group, ``explained_bursts`` what would have but for an
    explanation of another detection; ``benign`` is context that holds a conviction back, ``policy`` breaks a rule.
    """

    enriched: EnrichedDetection
    evidence: tuple[Evidence, ...]
    conclusive: tuple[Evidence, ...]
    strong_indicators: tuple[Evidence, ...]
    exceptions: tuple[Evidence, ...]
    complete: tuple[Evidence, ...]
    standing: tuple[Evidence, ...]
    partial: tuple[Evidence, ...]
    corroborations: tuple[Evidence, ...]
    explained_bursts: tuple[Evidence, ...]
    benign: tuple[Evidence, ...]
    policy: tuple[Evidence, ...]

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups that at least one corroboration speaks for, in their fixed order."""
        return _groups_of(self.corroborations)

    @property
    def not_excepted(self) -> tuple[Evidence, ...]:
        """The conclusive indicators that no exception of a person names."""
        excepted = {_plain(i) for e in self.exceptions for i in (e.indicator, *e.overrides) if i}
        return tuple(e for e in self.conclusive if not e.indicator or _plain(e.indicator) not in excepted)

    def about(self, rung: int) -> About:
        """What a step may name when this rung decides: only what its own evidence speaks of."""
        if rung not in (1, 4):
            return "destination"
        here = _groups_of(e for e in self.corroborations if e.about == "destination")
        if len(here) >= 2 or (rung == 1 and any(e.about == "destination" for e in self.not_excepted)):
            return "destination"
        named = _groups_of(e for e in self.corroborations if e.about != "host")
        return "name" if rung == 1 or len(named) >= 2 else "host"

    @property
    def absent_groups(self) -> tuple[Group, ...]:
        """The groups that nothing speaks for."""
        return tuple(group for group in GROUPS if group not in self.groups)

    def with_notes(self, disposition: Disposition, reasons: tuple[str, ...]) -> tuple[str, ...]:
        """The reasons, and what looks benign, was found and closes nothing: it moves no rung, and is always said.

        Early where a person decides, last beside a conviction, not at all where something else closes the case.
        """
        if disposition not in ("UNDETERMINED", "TRUE_POSITIVE"):
            return reasons
        hints = (e for e in self.evidence if e.leans == "benign" and e.strength == "hint" and not e.waiting_on)
        texts = (e.reason for e in hints if e.role in ("explanation", "context"))
        notes = tuple(f"found, but it closes nothing: {text}" for text in texts)
        if disposition == "TRUE_POSITIVE" and self.exceptions:
            reasons = (*reasons[:1], f"this overrides an exception: {self.exceptions[0].reason}", *reasons[1:])
        kept = tuple(text for text in reasons if f"found, but it closes nothing: {text}" not in notes)
        return (*kept[:1], *notes, *kept[1:]) if disposition == "UNDETERMINED" else kept + notes

    @property
    def waiting_on(self) -> tuple[str, ...]:
        """Enrichers that failed and could have completed an explanation."""
        return tuple(dict.fromkeys(name for e in self.partial for name in e.waiting_on))

    @property
    def unanswered(self) -> tuple[str, ...]:
        """Every configured enricher that gave no answer about this detection."""
        return tuple(sorted({e.enricher for e in self.enriched.enrichments if e.unavailable is not None}))

    @property
    def never_by_corroboration(self) -> bool:
        """Whether the port is one that corroborations never decide."""
        return self.enriched.detection.dst_port in NEVER_BY_CORROBORATION

    @property
    def rhythm_of_a_name(self) -> bool:
        """Whether rhythm is all that corroborates a detection beside the seed's: names, unlike tuples, are many.

        Every push and update service behind a name is as regular, so that this alone is no ticket.
        """
        return self.groups == ("rhythm",) and self.enriched.detection.rule != RULE

    @property
    def stranger(self) -> str:
        """Why nothing convicts the source: a global address that nobody told us is ours; empty for every other."""
        if not self.enriched.stranger:
            return ""
        source = self.enriched.detection.src_ip
        return f"networks.home does not name {source}, so it may be a stranger and is never convicted"

    @property
    def missing(self) -> tuple[str, ...]:
        """What would have told more: parts of explanations, enrichers that failed, logs that do not exist."""
        lacking = [what for e in self.partial for what in e.missing]
        lacking += [f"{e.enricher}: {e.unavailable}" for e in self.enriched.enrichments if e.unavailable is not None]
        for m in self.enriched.measurements:
            if m.known is None and m.name in _TELLING:
                why = m.detail or f"covered {m.coverage:.0%} of the time"
                lacking.append(f"{m.name} is unknown ({m.source}: {why})")
        lacking += [f"not configured: {what}" for topic, what in _TOPICS.items() if not self.enriched.configured(topic)]
        return tuple(dict.fromkeys(lacking))


def weigh(enriched: EnrichedDetection, evidence: Sequence[Evidence], burst_explained: bool) -> Weighed:
    """Sort the evidence; what claims to be benign on anybody else's word is left out.

    ``burst_explained``: an explanation of another detection of the same host accounts for its fan-out or burst.
    """

    def pick(role: str, *strengths: str) -> tuple[Evidence, ...]:
        return tuple(e for e in evidence if e.role == role and e.strength in strengths and _is_believable(e))

    # A strong indicator with a group corroborates as well: a feed whose word alone convicts nobody.
    corroborations = pick("corroboration", "strong", "conclusive")
    corroborations += tuple(e for e in pick("indicator", "strong") if e.group is not None)
    return Weighed(
        enriched=enriched,
        evidence=tuple(evidence),
        conclusive=pick("indicator", "conclusive"),
        strong_indicators=pick("indicator", "strong"),
        exceptions=pick("exception", "conclusive"),
        complete=tuple(e for e in pick("explanation", "conclusive") if not e.contradicted),
        standing=tuple(e for e in pick("explanation", "strong") if not e.contradicted),
        partial=pick("explanation", "hint", "strong"),
        corroborations=tuple(e for e in corroborations if not (e.hunt and burst_explained)),
        explained_bursts=tuple(e for e in corroborations if e.hunt and burst_explained),
        benign=tuple(e for e in pick("context", "strong", "conclusive") if e.leans == "benign"),
        policy=tuple(e for e in evidence if e.leans == "policy" and e.strength != "hint"),
    )


def _plain(indicator: str) -> str:
    return indicator.strip().lower().rstrip(".")


def _groups_of(corroborations: Iterable[Evidence]) -> tuple[Group, ...]:
    present = {e.group for e in corroborations}
    return tuple(group for group in GROUPS if group in present)


def _is_believable(evidence: Evidence) -> bool:
    """Benign evidence beyond a hint rests on facts that only we could have written, whatever its rule says."""
    if evidence.leans != "benign" or evidence.strength == "hint":
        return True
    return bool(evidence.facts) and all(fact.written_by == "us" for fact in evidence.facts)
