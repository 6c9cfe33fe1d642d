"""The sentences that the terminal, the pages and the tickets share: what a case is, proposes and lacks."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from playbook.model import Value
from playbook.model.case import Case, Run
from playbook.model.detection import TECHNIQUE, Detection
from playbook.model.enrichment import Enrichment, SocketOwner
from playbook.model.response import Step
from playbook.model.verdict import CaseStatus, Confidence, Disposition, Verdict
from playbook.report.sanitize import duration, endpoint, plain, several, size, utc

_NOT_CONFIGURED = "not configured: "
_C2 = "TA0011 Command and Control"
RULE_SEVERITY, RULE_CONFIDENCE = "high", "medium"
DISPOSITION: dict[Disposition, str] = {
    "TRUE_POSITIVE": "True positive",
    "UNDETERMINED": "Undetermined",
    "BENIGN_POSITIVE": "Benign positive",
    "FALSE_POSITIVE": "False positive",
}
RUNG_NAMES = {
    0: "static filter",
    1: "conclusive indicator",
    2: "exception by a person",
    3: "complete benign explanation",
    4: "corroborations from two groups",
    5: "partial, contradictory or unanswered",
    6: "what is left",
}
FILTER_NAMES = {
    "G1": "destination is not globally routable unicast",
    "G2": "source is not one of our networks",
    "G3": "DNS or NTP to a known service",
}
STATUS = {
    "proposed": "containment proposed",
    "ticket": "ticket",
    "watch": "watched, judged again each run",
    "closed": "closed",
}
_TO_DO = {"proposed": "to approve or deny", "ticket": "to look at", "watch": "watched", "closed": "closed"}
# Ports on which a service is at home; elsewhere its use is T1571, Non-Standard Port.
_HOME_PORTS: dict[str, frozenset[int]] = {
    "http": frozenset({80, 8080, 8000}),
    "ssl": frozenset({443, 465, 636, 853, 993, 995, 8443}),
    "tls": frozenset({443, 465, 636, 853, 993, 995, 8443}),
    "dns": frozenset({53, 5353}),
    "ssh": frozenset({22}),
    "irc": frozenset({6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697, 7000}),
    "ftp": frozenset({21}),
    "smtp": frozenset({25, 465, 587}),
    "quic": frozenset({443}),
}


# What the technique is about, for whoever reads a case for the first time.
CONTEXT = (
    "Botnets are built by criminal groups and by state actors alike: compromised routers, cameras, servers and "
    "workstations are rented out or used as relays for spam, floods and intrusions. "
    "A host that calls one destination at steady intervals may be such a machine asking for orders; T1584.005 names "
    "what the adversary prepares, T1071 and T1571 what a network can see of it."
)


class Technique(Value):
    """An ATT&CK technique and on what it stands: seen in the traffic, or inferred from it."""

    technique: str
    name: str
    tactic: str
    basis: Literal["observed", "inferred"]
    why: str


def techniques(detection: Detection) -> tuple[Technique, ...]:
    """T1584.005 is always inferred: a network log cannot show who compromised what; T1071 and T1571 can be seen."""
    spoken = ", ".join(detection.services)
    found = [
        Technique(
            technique=TECHNIQUE,
            name="Compromise Infrastructure: Botnet",
            tactic="TA0042 Resource Development",
            basis="inferred",
            why="what the traffic would be for; no log of ours shows it",
        ),
        Technique(
            technique="T1071",
            name="Application Layer Protocol",
            tactic=_C2,
            basis="observed" if spoken else "inferred",
            why=f"the log recorded {spoken}" if spoken else "the log names no application protocol",
        ),
    ]
    odd = [s for s in detection.services if s in _HOME_PORTS and detection.dst_port not in _HOME_PORTS[s]]
    if odd:
        found.append(
            Technique(
                technique="T1571",
                name="Non-Standard Port",
                tactic=_C2,
                basis="observed",
                why=f"{', '.join(odd)} on port {detection.dst_port}",
            )
        )
    return tuple(found)


def technique_link(technique: str) -> str:
    """Where ATT&CK describes a technique."""
    return f"https://attack.mitre.org/techniques/{technique.replace('.', '/')}/"


def technique_lines(detection: Detection) -> tuple[str, ...]:
    """Identifier, name, tactic, whether it is seen or inferred, and the link, a line each."""
    return tuple(map(_technique_line, techniques(detection)))


def _technique_line(one: Technique) -> str:
    return f"{one.technique} {one.name} ({one.tactic}; {one.basis}) {technique_link(one.technique)}"


def case_techniques(case: Case) -> tuple[Technique, ...]:
    """The techniques of all its detections, each once; one that any of them shows is observed."""
    every = [one for judged in case.detections for one in techniques(judged.enriched.detection)]
    best = {one.technique: one for one in sorted(every, key=lambda one: one.basis == "observed")}
    return tuple(best[name] for name in sorted(best))


def case_technique_lines(case: Case) -> tuple[str, ...]:
    """As ``technique_lines``, over the whole case."""
    return tuple(map(_technique_line, case_techniques(case)))


def severity(case: Case) -> str:
    """Our severity, from the verdict: critical, high, medium, low, informational or none."""
    return _severity(case.verdict.disposition, case.verdict.confidence, case.status)


def detection_severity(verdict: Verdict) -> str:
    """The same of one detection."""
    return _severity(verdict.disposition, verdict.confidence, verdict.status)


def _severity(disposition: Disposition, confidence: Confidence, status: CaseStatus) -> str:
    if disposition == "TRUE_POSITIVE":
        return {"high": "critical", "medium": "high", "low": "medium"}[confidence]
    if disposition == "UNDETERMINED":
        return "low" if status == "watch" else "medium"
    return "informational" if disposition == "BENIGN_POSITIVE" else "none"


def deciding_rung(case: Case) -> int:
    """The rung that gave the case its disposition: the lowest of the detections that share it."""
    same = [d.verdict.rung for d in case.detections if d.verdict.disposition == case.verdict.disposition]
    return min(same, default=6)


def destination(detection: Detection) -> str:
    """``203.0.113.66:6667/tcp``; a name with the number of its addresses: ``a.example:443/tcp (3 addresses)``."""
    transports = "".join(f"/{'/'.join(detection.transports)}" for _ in detection.transports[:1])
    if detection.dst_name:
        named = plain(detection.dst_name, 80)
        return f"{named}:{detection.dst_port}{plain(transports, 20)} ({detection.destination_count} addresses)"
    return plain(endpoint(detection.dst_ip, detection.dst_port) + transports, 80)


def step_words(step: Step) -> str:
    """``block pair 10.0.0.1>203.0.113.5:443 for 4 h``; a host id is followed by what it stands for."""
    named = f" ({plain(step.scope, 120)})" if step.kind == "isolate_host" and step.scope else ""
    return f"{step.kind.replace('_', ' ')} {plain(step.target, 120)}{named} for {duration(step.ttl_s)}"


def proposal(case: Case) -> tuple[str, ...]:
    """What is proposed for the case, one sentence each, most important first; never empty."""
    said = [f"propose {step_words(step)}" for step in (case.plan.steps if case.plan else ())]
    said += [f"not blockable: {plain(n.address, 60)}: {plain(n.reason, 240)}" for n in case.not_blockable]
    said += [f"contain by hand: {plain(why, 240)}" for why in case.by_hand]
    if case.ticket is not None:
        key = "" if case.case_id in case.ticket.key else f" {plain(case.ticket.key, 60)}"
        said.append(f"ticket{key} ({case.ticket.state})")
    if said:
        return tuple(said)
    return (
        {
            "ticket": "ticket",
            "watch": "watch; judged again each run",
            "closed": "close",
            "proposed": "contain by hand: no step was planned",
        }[case.status],
    )


def unstored(run: Run) -> str:
    """Why nothing of the run is in a record; empty when it is."""
    if run.stored:
        return ""
    if run.dry_run:
        return "dry run: nothing is stored"
    return "nothing is stored: no [state] is set, so nobody is asked and no SIEM is told"


def _unanswered(run: Run) -> set[Enrichment]:
    return {e for case in run.cases for e in case.enrichments if e.unavailable is not None}


def unavailable(run: Run) -> tuple[str, ...]:
    """Each enricher that could not answer, with its reason, once, and for how many observables.

    What a warning of the run tells already is left out.
    """
    failed = {e for e in _unanswered(run) if not any(str(e.unavailable) in warning for warning in run.warnings)}
    counted = Counter((plain(e.enricher, 60), plain(e.unavailable)) for e in failed)
    return tuple(f"{name}: {why} ({several(n, 'look-up')})" for (name, why), n in sorted(counted.items()))


def missing(run: Run) -> tuple[tuple[str, int], ...]:
    """What the cases lacked, with the number of cases that lacked it, most often first.

    Answers that did not arrive are told by ``unavailable``; all that is not configured is one entry.
    """
    told = {plain(f"{e.enricher}: {e.unavailable}") for e in _unanswered(run)}
    counted: Counter[str] = Counter()
    absent: Counter[str] = Counter()
    for case in run.cases:
        for what in dict.fromkeys(plain(text) for text in case.verdict.missing):
            if what.startswith(_NOT_CONFIGURED):
                absent[what.removeprefix(_NOT_CONFIGURED)] += 1
            elif what not in told:
                counted[what] += 1
    if absent:
        counted[_NOT_CONFIGURED + ", ".join(absent)] = max(absent.values())
    return tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))


def silence(run: Run) -> tuple[str, ...]:
    """What the source did not tell, one sentence each; empty when the run is complete."""
    if run.complete:
        return ()
    health, said = run.health, []
    if health.rows_read == 0:
        said.append("The source returned no row at all.")
    hours = health.silent_hours
    if hours:
        more = f" and {len(hours) - 6} more" if len(hours) > 6 else ""
        said.append(f"Silent for {several(len(hours), 'hour')} (UTC): {', '.join(utc(h) for h in hours[:6])}{more}.")
    if health.newest_event is not None and health.newest_event < run.window.end:
        said.append(f"The newest event is of {utc(health.newest_event)}, the window ends {utc(run.window.end)} (UTC).")
    return tuple(said) or ("The input is incomplete; the warnings say why.",)


def outcome(run: Run) -> str:
    """One sentence on what was found; it never calls silence safety."""
    if run.cases:
        counted: Counter[str] = Counter(case.status for case in run.cases)
        parts = [f"{counted[s]:,} {said}" for s, said in _TO_DO.items() if counted[s]]
        told = f"{several(len(run.cases), 'case')}: {', '.join(parts)}."
    elif run.complete:
        told = "No beaconing needs a case in this window."
    else:
        told = "No case was opened, and that says nothing about the time or the rows that are missing."
    return told if run.complete else f"{told} The input is incomplete."


def processes(case: Case) -> tuple[str, ...]:
    """Processes that own the case's sockets by an export of ours, then those that only the log names."""
    owners = [a for e in case.enrichments for a in e.answers if isinstance(a, SocketOwner)]
    by_agent = {"host": ", by an agent that the host can write to"}
    said = [
        f"{a.path or a.process_name} ({a.signer or 'signer unknown'}{by_agent.get(a.written_by, '')})" for a in owners
    ]
    said += [f"{name} (named by the host)" for d in case.detections for name in d.enriched.detection.processes]
    return tuple(dict.fromkeys(plain(text, 160) for text in said))


def traffic_words(detections: Sequence[Detection]) -> str:
    """``288 connections, 118 kB`` over all given detections."""
    octets = [
        None if d.total_bytes_sent is None or d.total_bytes_rcvd is None else d.total_bytes_sent + d.total_bytes_rcvd
        for d in detections
    ]
    known = [o for o in octets if o is not None]
    total = size(sum(known)) if len(known) == len(octets) else "bytes unknown"
    return f"{several(sum(d.connections for d in detections), 'connection')}, {total}"
