"""Judged detections -> cases, one a host, worst first; the worst detection speaks for the case."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import rfc8785

from playbook.model.case import Case, CaseVerdict, JudgedDetection
from playbook.model.detection import AddressHolder
from playbook.model.verdict import WORST_FIRST, CaseStatus
from playbook.response.plan import ResponseCapabilities, propose_plan

_STATUS_FIRST: tuple[CaseStatus, ...] = ("proposed", "ticket", "watch", "closed")


def file_cases(
    judged: Sequence[JudgedDetection], means: ResponseCapabilities, holders: Iterable[AddressHolder] = ()
) -> tuple[Case, ...]:
    """Every host's case, worst first; a host whose detections were all filtered has none."""
    by_host: dict[str, list[JudgedDetection]] = defaultdict(list)
    for one in judged:
        by_host[one.enriched.host].append(one)
    held: dict[str, list[AddressHolder]] = defaultdict(list)
    for holder in holders:
        held[holder.address].append(holder)
    cases = [_case(host, sorted(ones, key=worst_first), means, held) for host, ones in by_host.items()]
    return tuple(sorted(cases, key=lambda c: (worst_first(c.detections[0]), c.host)))


def worst_first(one: JudgedDetection) -> tuple[int, int, int, int, int, str]:
    """Sort key: disposition, status, rung, then the louder detection."""
    verdict, detection = one.verdict, one.enriched.detection
    return (
        WORST_FIRST.index(verdict.disposition),
        _STATUS_FIRST.index(verdict.status),
        verdict.rung,
        -detection.beaconing_score,
        -detection.connections,
        detection.detection_id,
    )


def case_id(host: str, first_seen: datetime) -> str:
    """``C-`` and 12 hex digits of the SHA-256 of the RFC 8785 JSON of [host, first_seen].

    Whole seconds, as a detection's columns show them: whoever hands the row on names the same case.
    """
    started = first_seen.astimezone(UTC).replace(microsecond=0).isoformat()
    return "C-" + hashlib.sha256(rfc8785.dumps([host, started])).hexdigest()[:12]


def _case(
    host: str, ones: list[JudgedDetection], means: ResponseCapabilities, held: Mapping[str, Sequence[AddressHolder]]
) -> Case:
    own = tuple(h for a in _addresses(ones) for h in held.get(a, ()))
    return case_of(case_id(host, min(one.enriched.detection.first_seen for one in ones)), host, ones, means, own)


def _addresses(ones: Sequence[JudgedDetection]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.enriched.detection.src_ip for one in ones))


def case_of(
    identity: str,
    host: str,
    ones: Sequence[JudgedDetection],
    means: ResponseCapabilities,
    holders: tuple[AddressHolder, ...] = (),
) -> Case:
    """One case under this identity from detections that come worst first; the plan is sealed for this identity."""
    worst = ones[0].verdict
    addresses = _addresses(ones)
    proposal = propose_plan(identity, host, ones, means)
    status = min((one.verdict.status for one in ones), key=_STATUS_FIRST.index)
    if status == "proposed" and proposal.plan is None:
        status = "ticket"
    return Case(
        case_id=identity,
        host=host,
        addresses=addresses,
        status=status,
        verdict=CaseVerdict(
            disposition=worst.disposition,
            confidence=worst.confidence,
            reasons=worst.reasons,
            missing=worst.missing,
            would_change=worst.would_change,
        ),
        detections=tuple(ones),
        plan=proposal.plan,
        not_blockable=proposal.not_blockable,
        by_hand=proposal.by_hand,
        record=next((one.enriched.holder for one in ones if one.enriched.holder is not None), None),
        holders=tuple(h for h in holders if h.address in addresses),
    )
