"""Cases -> a bounded set of tickets: one a host, one for a destination of many hosts, and a digest for the rest."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from playbook.model.case import Case, Ticket
from playbook.report import wording
from playbook.triage.config_warnings import home_line


def with_tickets(cases: Sequence[Case], most: int, hosts_for_one: int) -> tuple[tuple[Case, ...], tuple[Ticket, ...]]:
    """Each case with its ticket, and the tickets themselves, best evidence first.

    A destination that ``hosts_for_one`` or more cases share gives ONE ticket; past ``most`` tickets the rest goes
    into one digest ticket with counts. Cases come worst first, so the best evidence gets its ticket first.
    """
    wanting = [c for c in cases if c.status in ("proposed", "ticket")]
    strange = _strangers(cases)
    shared = strange | _shared([c for c in wanting if c.case_id not in strange], hosts_for_one)
    found: dict[str, Ticket] = {}
    of_case: dict[str, Ticket] = {}
    left: list[Case] = []
    for case in wanting:
        ticket = shared.get(case.case_id) or _own(case)
        if ticket.key not in found and len(found) >= most:
            left.append(case)
            continue
        found.setdefault(ticket.key, ticket)
        of_case[case.case_id] = ticket
    tickets = tuple(found.values())
    if left:
        digest = _digest(left)
        tickets += (digest,)
        of_case |= {case.case_id: digest for case in left}
    return tuple(c.model_copy(update={"ticket": of_case.get(c.case_id)}) for c in cases), tickets


def _strangers(cases: Sequence[Case]) -> dict[str, Ticket]:
    """One ticket for all public sources that ``networks.home`` does not name, also those that are only watched."""
    sources = {
        one.enriched.source: one.enriched.site
        for case in cases
        for one in case.detections
        if one.enriched.stranger and one.enriched.source is not None
    }
    wanting = [
        c for c in cases if c.status in ("proposed", "ticket") and all(one.enriched.stranger for one in c.detections)
    ]
    if not wanting:
        return {}
    many = len(sources) > 1
    ticket = Ticket(
        key="sources:not-in-home",
        case_ids=tuple(c.case_id for c in wanting),
        title=f"{len(sources)} public {'sources beacon' if many else 'source beacons'}: "
        f"{'are they' if many else 'is it'} yours?",
        text="\n".join(
            [
                f"networks.home names none of them, so nothing convicts them: {_listed(map(str, sources))}",
                f"If they are yours, set {home_line(sources, next(iter(sources.values())))}",
                *(f"{c.host}: {'; '.join(c.verdict.reasons[:1])}" for c in wanting[:50]),
            ]
        ),
    )
    return {c.case_id: ticket for c in wanting}


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:50]) + (" ..." if len(found) > 50 else "")


def _shared(cases: Sequence[Case], hosts_for_one: int) -> dict[str, Ticket]:
    """The ticket of each case whose worst destination brings many hosts."""
    by_place: dict[tuple[str, int], list[Case]] = defaultdict(list)
    for case in cases:
        detection = case.detections[0].enriched.detection
        by_place[detection.dst_name or detection.dst_ip, detection.dst_port].append(case)
    tickets: dict[str, Ticket] = {}
    for (address, port), together in by_place.items():
        if len(together) < hosts_for_one:
            continue
        hosts = _listed(c.host for c in together)
        ticket = Ticket(
            key=f"destination:{address}:{port}",
            case_ids=tuple(c.case_id for c in together),
            title=f"{len(together)} hosts beacon to {address} port {port}",
            text=f"Hosts: {hosts}\nWhy: {'; '.join(together[0].verdict.reasons)}",
        )
        tickets |= {c.case_id: ticket for c in together}
    return tickets


def _own(case: Case) -> Ticket:
    verdict = case.verdict
    ask = "approve or deny the plan" if case.plan else "contain by hand" if case.by_hand else "look and decide"
    lines = [
        f"Verdict: {verdict.disposition} ({verdict.confidence} confidence)",
        *(f"Why: {reason}" for reason in verdict.reasons),
        *(f"By hand: {step}" for step in case.by_hand),
        *(f"Missing: {what}" for what in verdict.missing),
        *(f"Would change it: {what}" for what in verdict.would_change),
        f"Severity: {wording.severity(case)}",
        f"Rule's own severity: {wording.RULE_SEVERITY}, confidence {wording.RULE_CONFIDENCE}",
        *(f"ATT&CK: {line}" for line in wording.case_technique_lines(case)),
        f"Context: {wording.CONTEXT}",
    ]
    return Ticket(
        key=f"case:{case.case_id}",
        case_ids=(case.case_id,),
        text="\n".join(lines),
        title=f"{verdict.disposition} beaconing from {case.host}: {ask}",
    )


def _digest(cases: Sequence[Case]) -> Ticket:
    counts: dict[str, int] = defaultdict(int)
    for case in cases:
        counts[case.verdict.disposition] += 1
    told = ", ".join(f"{n} {disposition}" for disposition, n in sorted(counts.items()))
    key = hashlib.sha256("".join(c.case_id for c in cases).encode()).hexdigest()[:12]
    return Ticket(
        key=f"digest:{key}",
        title=f"{len(cases)} more beaconing cases ({told})",
        state="digest",
        case_ids=tuple(c.case_id for c in cases),
        text="\n".join(f"{c.case_id} {c.host}: {'; '.join(c.verdict.reasons[:1])}" for c in cases[:200]),
    )
