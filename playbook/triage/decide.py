"""The ladder: all evidence about one detection -> one verdict. Pure; the first rung that holds decides."""

from collections.abc import Sequence
from typing import NamedTuple

from playbook.model.address import within
from playbook.model.enriched import EnrichedDetection
from playbook.model.verdict import CaseStatus, Confidence, Disposition, Evidence, Rung, Verdict
from playbook.rules.source_not_ours import home_is_unknown

# These services reach at most UNDETERMINED by corroboration: what they carry is too easily mistaken.
_NEVER_BY_CORROBORATION = frozenset({53, 123, 853})
_GROUPS = ("rhythm", "destination", "host")

_NAMES = {
    1: "conclusive indicator",
    2: "exception by a person",
    3: "complete benign explanation",
    4: "corroborated by two groups",
    5: "partial, contradictory or unanswered",
    6: "what is left: watch",
}


class _Outcome(NamedTuple):
    disposition: Disposition
    confidence: Confidence
    status: CaseStatus


_OUTCOMES = {
    1: _Outcome("TRUE_POSITIVE", "high", "proposed"),
    2: _Outcome("BENIGN_POSITIVE", "medium", "closed"),
    3: _Outcome("BENIGN_POSITIVE", "high", "closed"),
    4: _Outcome("TRUE_POSITIVE", "medium", "proposed"),
    5: _Outcome("UNDETERMINED", "low", "ticket"),
    6: _Outcome("UNDETERMINED", "low", "watch"),
}


class _Sorted(NamedTuple):
    """The evidence as the rungs read it."""

    conclusive: tuple[Evidence, ...]
    indicators: tuple[Evidence, ...]
    exceptions: tuple[Evidence, ...]
    complete: tuple[Evidence, ...]
    partial: tuple[Evidence, ...]
    standing: tuple[Evidence, ...]
    corroborations: tuple[Evidence, ...]
    explained_hunts: tuple[Evidence, ...]
    benign: tuple[Evidence, ...]
    policy: tuple[Evidence, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        held = {e.group for e in self.corroborations}
        return tuple(g for g in _GROUPS if g in held)

    @property
    def waiting_on(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for e in self.partial for name in e.waiting_on))


def decide(enriched: EnrichedDetection, evidence: Sequence[Evidence], hunt_explained: bool = False) -> Verdict:
    """The verdict of one detection.

    ``hunt_explained``: a complete explanation of another detection of the same host accounts for its fan-out or
    burst, so that this does not corroborate here. Every rung is tried and kept in the trace.
    """
    pieces = _sort(evidence, hunt_explained)
    tried = (
        _indicator(pieces),
        _exception(pieces),
        _explained(pieces),
        _corroborated(pieces, enriched),
        _partial(pieces, enriched),
    )
    left = not any(held for held, _ in tried)
    tried += ((left, "nothing else held" if left else "another rung holds"),)
    trace = tuple(Rung(number=n, name=_NAMES[n], held=held, reason=why) for n, (held, why) in enumerate(tried, start=1))
    decisive = next(rung for rung in trace if rung.held)
    outcome = _OUTCOMES[decisive.number]
    return Verdict(
        disposition=outcome.disposition,
        confidence=outcome.confidence,
        status=outcome.status,
        rung=decisive.number,
        reasons=_reasons(decisive, pieces, enriched),
        evidence=tuple(evidence),
        trace=trace,
        missing=_missing(pieces, enriched),
        would_change=_would_change(decisive.number, pieces, enriched),
    )


def _sort(evidence: Sequence[Evidence], hunt_explained: bool) -> _Sorted:
    def pick(role: str, *strengths: str) -> tuple[Evidence, ...]:
        return tuple(e for e in evidence if e.role == role and e.strength in strengths and _believable(e))

    corroborations = pick("corroboration", "strong", "conclusive")
    return _Sorted(
        conclusive=pick("indicator", "conclusive"),
        indicators=pick("indicator", "strong"),
        exceptions=pick("exception", "conclusive"),
        complete=tuple(e for e in pick("explanation", "conclusive") if not e.contradicted),
        partial=pick("explanation", "hint", "strong"),
        standing=tuple(e for e in pick("explanation", "strong") if not e.contradicted),
        corroborations=tuple(e for e in corroborations if not (e.hunt and hunt_explained)),
        explained_hunts=tuple(e for e in corroborations if e.hunt and hunt_explained),
        benign=tuple(e for e in pick("context", "strong", "conclusive") if e.leans == "benign"),
        policy=tuple(e for e in evidence if e.leans == "policy" and e.strength != "hint"),
    )


def _believable(evidence: Evidence) -> bool:
    """Benign evidence beyond a hint rests on facts that only we could have written, whatever its rule says."""
    if evidence.leans != "benign" or evidence.strength == "hint":
        return True
    return bool(evidence.facts) and all(fact.written_by == "us" for fact in evidence.facts)


def _plain(indicator: str) -> str:
    return indicator.strip().lower().rstrip(".")


def _indicator(pieces: _Sorted) -> tuple[bool, str]:
    excepted = {_plain(i) for e in pieces.exceptions for i in (e.indicator, *e.overrides) if i}
    standing = [e for e in pieces.conclusive if not e.indicator or _plain(e.indicator) not in excepted]
    if standing:
        return True, standing[0].reason
    if pieces.conclusive:
        return False, f"an exception for {pieces.conclusive[0].indicator} overrides it"
    weaker = f"only strong: {pieces.indicators[0].reason}" if pieces.indicators else "no conclusive indicator"
    return False, weaker


def _exception(pieces: _Sorted) -> tuple[bool, str]:
    return (True, pieces.exceptions[0].reason) if pieces.exceptions else (False, "no live exception covers it")


def _explained(pieces: _Sorted) -> tuple[bool, str]:
    if not pieces.complete:
        nearest = pieces.partial[0].reason if pieces.partial else "no benign explanation speaks"
        return False, nearest
    if pieces.indicators:
        return False, f"{pieces.complete[0].reason}; contradicted: {pieces.indicators[0].reason}"
    return True, pieces.complete[0].reason


def _corroborated(pieces: _Sorted, enriched: EnrichedDetection) -> tuple[bool, str]:
    groups = pieces.groups
    said = f"corroborated by {' and '.join(groups)}" if groups else "no corroboration"
    if len(groups) < 2:
        return False, said
    if enriched.detection.dst_port in _NEVER_BY_CORROBORATION:
        return False, f"{said}, but port {enriched.detection.dst_port} is never decided by corroboration"
    if _stranger(enriched):
        return False, f"{said}, but networks.home names no public prefix, so the source may be a stranger"
    if pieces.benign:
        return False, f"{said}, but {pieces.benign[0].reason}"
    if pieces.complete or pieces.standing:
        return False, f"{said}, but {(pieces.complete + pieces.standing)[0].reason}"
    if pieces.waiting_on:
        return False, f"{said}, but {', '.join(pieces.waiting_on)} did not answer and could have explained it"
    return True, said


def _stranger(enriched: EnrichedDetection) -> bool:
    """Whether nobody told us if the source, a global address, is ours."""
    source, networks = enriched.source, enriched.site.networks
    return source is not None and not within(source, networks.home) and home_is_unknown(source, networks)


def _partial(pieces: _Sorted, enriched: EnrichedDetection) -> tuple[bool, str]:
    reasons = [e.reason for e in (*pieces.policy, *pieces.indicators, *pieces.standing)]
    if pieces.waiting_on:
        reasons.append(f"{', '.join(pieces.waiting_on)} did not answer and could have explained it")
    if pieces.corroborations:
        alone = ", which alone decides nothing" if len(pieces.groups) < 2 else ""
        reasons.append(f"corroborated by {' and '.join(pieces.groups)}{alone}")
    if pieces.complete and pieces.indicators:
        reasons.append("benign and malicious evidence contradict each other")
    unanswered = sorted({e.enricher for e in enriched.enrichments if e.unavailable is not None})
    if unanswered and not reasons:
        reasons.append(f"not answered: {', '.join(unanswered)}")
    return (True, "; ".join(reasons)) if reasons else (False, "nothing partial or contradictory, everybody answered")


def _reasons(decisive: Rung, pieces: _Sorted, enriched: EnrichedDetection) -> tuple[str, ...]:
    """The decisive reason first, then each piece of evidence it rests on, in one sentence each."""
    support = {
        1: pieces.conclusive + pieces.corroborations,
        2: pieces.exceptions,
        3: pieces.complete,
        4: pieces.corroborations,
        5: pieces.policy + pieces.indicators + pieces.corroborations + pieces.benign + pieces.partial,
        6: pieces.benign,
    }[decisive.number]
    detection = enriched.detection
    left = (
        f"a score of {detection.beaconing_score} to {detection.dst_ip} port {detection.dst_port} "
        "and nothing that corroborates or explains it",
    )
    told = decisive.reason if decisive.number == 5 else ""
    sentences = [e.reason for e in support if e.reason not in told]
    sentences = sentences or ([decisive.reason] if decisive.number != 6 else list(left))
    if decisive.number in (4, 5):
        sentences.insert(0, decisive.reason)
    sentences += [f"not counted, explained elsewhere: {e.reason}" for e in pieces.explained_hunts]
    return tuple(dict.fromkeys(sentences))


def _missing(pieces: _Sorted, enriched: EnrichedDetection) -> tuple[str, ...]:
    """What would have told more: parts of explanations, enrichers that failed, logs that do not exist."""
    found = [m for e in pieces.partial for m in e.missing]
    found += [f"{e.enricher}: {e.unavailable}" for e in enriched.enrichments if e.unavailable is not None]
    for m in enriched.measurements:
        if m.known is None and m.name in _TOLD:
            why = m.detail or f"covered {m.coverage:.0%} of the time"
            found.append(f"{m.name} is unknown ({m.source}: {why})")
    found += [f"not configured: {what}" for topic, what in _TOPICS.items() if not enriched.configured(topic)]
    return tuple(dict.fromkeys(found))


# Measurements whose absence may have left something unsaid.
_TOLD = frozenset({"beacon_score", "nameless", "failed_domains", "prevalence", "flood"})
_TOPICS = {
    "feed": "threat feed",
    "host": "host inventory",
    "processes": "process inventory",
    "backup_sessions": "backup sessions",
    "backup_jobs": "declared backup jobs",
    "windows": "test and backup calendar",
}


def _would_change(rung: int, pieces: _Sorted, enriched: EnrichedDetection) -> tuple[str, ...]:
    """The nearest changes that would turn the verdict, one sentence each."""
    chosen = {
        1: pieces.conclusive,
        2: pieces.exceptions,
        3: pieces.complete,
        4: pieces.corroborations,
        5: pieces.partial + pieces.policy + pieces.indicators,
        6: pieces.partial,
    }[rung]
    found = [e.would_change for e in chosen if e.would_change]
    if rung == 1 and not found:
        found.append("an exception for this very indicator, entered by a person, would close it")
    if rung in (5, 6) and pieces.waiting_on:
        found.append(f"an answer of {', '.join(pieces.waiting_on)} would settle it")
    elif rung in (5, 6):
        found += _to_convict(pieces, enriched)
    if rung in (4, 5, 6):
        found.append("a complete benign explanation (backup, test, approved software, known service) would close it")
    return tuple(dict.fromkeys(found))


def _to_convict(pieces: _Sorted, enriched: EnrichedDetection) -> tuple[str, ...]:
    """What more would make it TRUE_POSITIVE by corroboration; nothing where rung 4 cannot hold."""
    standing = pieces.benign or pieces.complete or pieces.standing
    if standing or enriched.detection.dst_port in _NEVER_BY_CORROBORATION:
        return ("a conclusive indicator (fresh feed entry, our sinkhole, IRC spoken) would make it TRUE_POSITIVE",)
    absent = [g for g in _GROUPS if g not in pieces.groups]
    need = "one corroboration" if len(pieces.groups) == 1 else "corroborations from two groups"
    return (f"{need} of {', '.join(absent)} would make it TRUE_POSITIVE",)
