"""The ladder: all evidence about one detection -> one verdict. Pure; the first rung that holds decides.

    1  a conclusive indicator              convict, propose containment
    2  an exception that a person entered  close
    3  a complete benign explanation       close
    4  corroborations from two groups      convict, propose containment
    5  partial, contradictory, unanswered  ticket: what is missing, and what would settle it
    6  what is left                        watch: judged again each run

Each rung is one class below, in this order. ``weigh`` sorts the evidence before the first is tried.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import CaseStatus, Confidence, Disposition, Evidence, Rung, Verdict
from playbook.triage.weigh import Weighed, weigh

_CLOSED_BY = "a complete benign explanation (backup, test, approved software, known service) would close it"


class Outcome(NamedTuple):
    """What follows when a rung decides."""

    disposition: Disposition
    confidence: Confidence
    status: CaseStatus


class Tried(NamedTuple):
    """Whether a rung holds, and why or why not, in one sentence."""

    holds: bool
    why: str


class LadderRung:
    """One rung: when it holds, what follows, what its verdict rests on, and what would turn it."""

    number: ClassVar[int]
    name: ClassVar[str]
    outcome: ClassVar[Outcome]

    def test(self, weighed: Weighed) -> Tried:
        """Whether it holds for this evidence."""
        raise NotImplementedError

    def basis(self, weighed: Weighed) -> tuple[Evidence, ...]:
        """The evidence that the verdict of this rung rests on."""
        raise NotImplementedError

    def reasons(self, weighed: Weighed, why: str) -> tuple[str, ...]:
        """The sentences of the verdict, the decisive one first; ``why`` is what ``test`` gave."""
        return tuple(e.reason for e in self.basis(weighed)) or (why,)

    def would_change(self, weighed: Weighed) -> tuple[str, ...]:
        """The nearest changes that would turn the verdict, a sentence each."""
        return tuple(e.would_change for e in self.basis(weighed) if e.would_change)


class ConclusiveIndicator(LadderRung):
    """A fresh feed entry, our own sinkhole, IRC spoken: only an exception for that very indicator overrides it."""

    number, name = 1, "conclusive indicator"
    outcome = Outcome("TRUE_POSITIVE", "high", "proposed")

    def test(self, weighed: Weighed) -> Tried:
        """It holds when a conclusive indicator stands that no exception names."""
        standing = weighed.not_excepted
        if standing and weighed.stranger:
            return Tried(False, f"{standing[0].reason}, but {weighed.stranger}")
        if standing:
            return Tried(True, standing[0].reason)
        if weighed.conclusive:
            return Tried(False, f"an exception for {weighed.conclusive[0].indicator} overrides it")
        if weighed.strong_indicators:
            return Tried(False, f"only strong: {weighed.strong_indicators[0].reason}")
        return Tried(False, "no conclusive indicator")

    def basis(self, weighed: Weighed) -> tuple[Evidence, ...]:
        """The indicators, and what corroborates them."""
        return weighed.conclusive + weighed.corroborations

    def would_change(self, weighed: Weighed) -> tuple[str, ...]:
        """An exception, as the indicator's rule words it."""
        return tuple(e.would_change for e in weighed.conclusive if e.would_change) or (
            "an exception for this very indicator, entered by a person, would close it",
        )


class PersonsException(LadderRung):
    """A person entered an exception with owner, reason, scope and end date."""

    number, name = 2, "exception by a person"
    outcome = Outcome("BENIGN_POSITIVE", "medium", "closed")

    def test(self, weighed: Weighed) -> Tried:
        """It holds when a live exception covers the detection."""
        if weighed.exceptions:
            return Tried(True, weighed.exceptions[0].reason)
        return Tried(False, "no live exception covers it")

    def basis(self, weighed: Weighed) -> tuple[Evidence, ...]:
        """The exceptions."""
        return weighed.exceptions


class BenignExplanation(LadderRung):
    """A backup, a test, approved software or a known service explains it whole, and nothing contradicts that."""

    number, name = 3, "complete benign explanation"
    outcome = Outcome("BENIGN_POSITIVE", "high", "closed")

    def test(self, weighed: Weighed) -> Tried:
        """It holds when an explanation is complete and no indicator speaks against it."""
        if not weighed.complete:
            return Tried(False, weighed.partial[0].reason if weighed.partial else "no benign explanation speaks")
        explanation, against = weighed.complete[0].reason, weighed.conclusive + weighed.strong_indicators
        if against:
            return Tried(False, f"{explanation}; contradicted: {against[0].reason}")
        return Tried(True, explanation)

    def basis(self, weighed: Weighed) -> tuple[Evidence, ...]:
        """The complete explanations."""
        return weighed.complete


class Corroborated(LadderRung):
    """At least two of rhythm, destination and host speak against it, and nothing holds the conviction back."""

    number, name = 4, "corroborated by two groups"
    outcome = Outcome("TRUE_POSITIVE", "medium", "proposed")

    def test(self, weighed: Weighed) -> Tried:
        """It holds with two groups, unless something in ``_held_back_by`` stands."""
        if not weighed.groups:
            return Tried(False, "no corroboration")
        groups = f"corroborated by {' and '.join(weighed.groups)}"
        if len(weighed.groups) < 2:
            return Tried(False, groups)
        reservation = _held_back_by(weighed)
        return Tried(False, f"{groups}, but {reservation}") if reservation else Tried(True, groups)

    def basis(self, weighed: Weighed) -> tuple[Evidence, ...]:
        """The corroborations."""
        return weighed.corroborations

    def reasons(self, weighed: Weighed, why: str) -> tuple[str, ...]:
        """Which groups, then each of their reasons."""
        return why, *(e.reason for e in weighed.corroborations)

    def would_change(self, weighed: Weighed) -> tuple[str, ...]:
        """What would take a corroboration away, or explain it all."""
        return *super().would_change(weighed), _CLOSED_BY


def _held_back_by(weighed: Weighed) -> str:
    """Why two groups do not convict after all; empty when they do."""
    if weighed.never_by_corroboration:
        return f"port {weighed.enriched.detection.dst_port} is never decided by corroboration"
    if weighed.stranger:
        return weighed.stranger
    holding = weighed.benign + weighed.complete + weighed.standing
    if holding:
        return holding[0].reason
    return _waits(weighed)


class PartialOrUnanswered(LadderRung):
    """Something speaks, but not enough: a person looks, and is told what is missing and what would settle it."""

    number, name = 5, "partial, contradictory or unanswered"
    outcome = Outcome("UNDETERMINED", "low", "ticket")

    def test(self, weighed: Weighed) -> Tried:
        """It holds when anything speaks, contradicts or did not answer; each is told."""
        indicators = weighed.conclusive + weighed.strong_indicators
        told = [e.reason for e in (*weighed.policy, *indicators, *weighed.standing)]
        told += [weighed.stranger] if weighed.stranger and (told or weighed.corroborations) else []
        told += [_waits(weighed)] if weighed.waiting_on else []
        if weighed.corroborations and not weighed.rhythm_of_a_name:
            alone = ", which alone decides nothing" if len(weighed.groups) < 2 else ""
            told.append(f"corroborated by {' and '.join(weighed.groups)}{alone}")
        if weighed.complete and indicators:
            told.append("benign and malicious evidence contradict each other")
        if weighed.unanswered and not told:
            told.append(f"not answered: {', '.join(weighed.unanswered)}")
        if not told:
            return Tried(False, "nothing partial or contradictory, everybody answered")
        return Tried(True, "; ".join(told))

    def basis(self, weighed: Weighed) -> tuple[Evidence, ...]:
        """Everything that speaks, in either direction."""
        indicators = weighed.conclusive + weighed.strong_indicators
        return weighed.policy + indicators + weighed.corroborations + weighed.benign + weighed.partial

    def reasons(self, weighed: Weighed, why: str) -> tuple[str, ...]:
        """What was weighed, then each reason that is not in that sentence already."""
        return why, *(e.reason for e in self.basis(weighed) if e.reason not in why)

    def would_change(self, weighed: Weighed) -> tuple[str, ...]:
        """What would complete an explanation, and what would convict."""
        spoken = weighed.partial + weighed.policy + weighed.strong_indicators
        return *(e.would_change for e in spoken if e.would_change), *_what_would_settle(weighed), _CLOSED_BY


class Watch(LadderRung):
    """Nothing else holds: it is judged again each run."""

    number, name = 6, "what is left: watch"
    outcome = Outcome("UNDETERMINED", "low", "watch")

    def test(self, weighed: Weighed) -> Tried:
        """It always holds; the ladder asks it last."""
        return Tried(True, "nothing else held")

    def basis(self, weighed: Weighed) -> tuple[Evidence, ...]:
        """Benign context, which alone closes nothing."""
        return weighed.benign

    def reasons(self, weighed: Weighed, why: str) -> tuple[str, ...]:
        """The benign context, or that there is nothing at all."""
        detection = weighed.enriched.detection
        return tuple(e.reason for e in weighed.benign) or (
            f"a score of {detection.beaconing_score} to {detection.dst_ip} port {detection.dst_port} "
            "and nothing that corroborates or explains it",
        )

    def would_change(self, weighed: Weighed) -> tuple[str, ...]:
        """What would complete an explanation, and what would convict."""
        return *(e.would_change for e in weighed.partial if e.would_change), *_what_would_settle(weighed), _CLOSED_BY


LADDER: tuple[LadderRung, ...] = (
    ConclusiveIndicator(),
    PersonsException(),
    BenignExplanation(),
    Corroborated(),
    PartialOrUnanswered(),
    Watch(),
)


def decide(enriched: EnrichedDetection, evidence: Sequence[Evidence], hunt_explained: bool = False) -> Verdict:
    """The verdict of one detection. Every rung is tried and kept in the trace.

    ``hunt_explained``: a complete explanation of another detection of the same host accounts for its fan-out or
    burst, so that this does not corroborate here.
    """
    weighed = weigh(enriched, evidence, hunt_explained)
    trace = _climb(weighed)
    decisive = next(rung for rung in LADDER if trace[rung.number - 1].held)
    reasons = weighed.with_notes(
        decisive.outcome.disposition, decisive.reasons(weighed, trace[decisive.number - 1].reason)
    )
    elsewhere = tuple(f"not counted, explained elsewhere: {e.reason}" for e in weighed.explained_bursts)
    return Verdict(
        **decisive.outcome._asdict(),
        rung=decisive.number,
        reasons=tuple(dict.fromkeys(reasons + elsewhere)),
        evidence=weighed.evidence,
        trace=trace,
        missing=weighed.missing,
        would_change=tuple(dict.fromkeys(decisive.would_change(weighed))),
        about=weighed.about(decisive.number),
    )


def _climb(weighed: Weighed) -> tuple[Rung, ...]:
    """Every rung as it was tried; the last one only holds when no other does."""
    *others, last = LADDER
    tried = [rung.test(weighed) for rung in others]
    taken = any(one.holds for one in tried)
    tried.append(Tried(False, "another rung holds") if taken else last.test(weighed))
    return tuple(
        Rung(number=rung.number, name=rung.name, held=one.holds, reason=one.why)
        for rung, one in zip(LADDER, tried, strict=True)
    )


def _waits(weighed: Weighed) -> str:
    if not weighed.waiting_on:
        return ""
    return f"{', '.join(weighed.waiting_on)} did not answer and could have explained it"


def _what_would_settle(weighed: Weighed) -> tuple[str, ...]:
    """An answer that is due, or what more would make it TRUE_POSITIVE; nothing by corroboration where none counts."""
    if weighed.stranger:
        return (f"{weighed.enriched.detection.src_ip} in networks.home, if it is yours, would let it be judged",)
    if weighed.waiting_on:
        return (f"an answer of {', '.join(weighed.waiting_on)} would settle it",)
    if weighed.benign or weighed.complete or weighed.standing or weighed.never_by_corroboration:
        return ("a conclusive indicator (fresh feed entry, our sinkhole, IRC spoken) would make it TRUE_POSITIVE",)
    need = "one corroboration" if len(weighed.groups) == 1 else "corroborations from two groups"
    return (f"{need} of {', '.join(weighed.absent_groups)} would make it TRUE_POSITIVE",)
