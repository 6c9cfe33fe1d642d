"""The story of a run: fetch, identify, filter, enrich, judge, decide, plan. Nothing here acts on a network."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import rfc8785

from playbook.cases.case_builder import file_cases
from playbook.cases.ticket_plan import with_tickets
from playbook.config import Limits
from playbook.errors import ConnectorError
from playbook.model.case import Case, JudgedDetection, Run, Ticket
from playbook.model.detection import Detection, SourceHealth, TimeWindow
from playbook.model.site import Site
from playbook.model.traffic import Traffic
from playbook.model.verdict import FilteredDetection
from playbook.ports import DetectionSource, Progress, Toolkit
from playbook.response.plan import ResponseCapabilities
from playbook.triage.absorb import absorb
from playbook.triage.config_warnings import about_exceptions, about_networks
from playbook.triage.enrich import Enrichers
from playbook.triage.evaluate import RuleSet, apply_filters, evaluate, with_traffic
from playbook.triage.merge import MergedDetections, merge_windows

_MOST_TEXT = 300
Review = Callable[[tuple[JudgedDetection, ...]], tuple[JudgedDetection, ...]]


@dataclass(frozen=True)
class RunTerms:
    """On what terms a run is judged: rules with their parameters, means of containment, and limits."""

    rules: RuleSet
    means: ResponseCapabilities
    limits: Limits


def respond(
    toolkit: Toolkit,
    site: Site,
    terms: RunTerms,
    window: TimeWindow | None = None,
    progress: Progress | None = None,
    review: Review | None = None,
) -> Run:
    """One run over one source. Raises ConnectorError when the source gave nothing that can be believed.

    ``review`` may take verdicts back before cases are made of them, as of alerts that nobody of ours measured.
    """
    gathered = merge_windows(toolkit.source.fetch(window, progress))
    enrichers = Enrichers(toolkit.enrichers, terms.limits.enrichment_timeout_s, toolkit.hosts_in)

    identified = enrichers.identify(gathered.detections, site, gathered.window, gathered.holders)
    passed, filtered = apply_filters(identified, terms.rules)
    traffic, silence = traffic_of(toolkit.source, tuple(e.detection for e in passed))
    complete = enrichers.complete(with_traffic(passed, traffic), gathered.window)
    judged = _with_gaps(evaluate(complete, terms.rules), gathered.health, silence)
    judged = absorb(review(judged) if review else judged)
    cases = file_cases(judged, terms.means, gathered.holders)
    cases, tickets = with_tickets(cases, terms.limits.tickets_per_run, terms.limits.group_ticket_min_hosts)

    warnings = (
        *gathered.health.warnings,
        *silence,
        *traffic.unknown,
        *enrichers.unfit(),
        *about_networks(identified, site),
    )
    return _record(toolkit.source.name, gathered, site, filtered, cases, tickets, warnings, bool(silence))


def traffic_of(source: DetectionSource, detections: tuple[Detection, ...]) -> tuple[Traffic, tuple[str, ...]]:
    """The raw traffic of what passed; a source that cannot give it leaves everything measured unknown."""
    if not detections:
        return Traffic(), ()
    try:
        return source.traffic(detections), ()
    except ConnectorError as fault:
        return Traffic(), (f"{source.name}: traffic could not be read, so nothing is measured: {fault}",)


def _with_gaps(
    judged: tuple[JudgedDetection, ...], health: SourceHealth, silence: tuple[str, ...]
) -> tuple[JudgedDetection, ...]:
    """Every verdict says that its source's answer is not whole: what did not arrive may be about this very host."""
    if health.complete and not silence:
        return judged
    gap = f"the source's answer is incomplete: {'; '.join((*silence, *health.warnings))}"[:_MOST_TEXT]
    return tuple(
        one.model_copy(update={"verdict": one.verdict.model_copy(update={"missing": (*one.verdict.missing, gap)})})
        for one in judged
    )


def _record(
    source: str,
    gathered: MergedDetections,
    site: Site,
    filtered: tuple[FilteredDetection, ...],
    cases: tuple[Case, ...],
    tickets: tuple[Ticket, ...],
    warnings: tuple[str, ...],
    silent: bool,
) -> Run:
    window = gathered.window
    identity = [source, window.start.isoformat(), window.end.isoformat(), site.now.isoformat()]
    return Run(
        run_id="R-" + hashlib.sha256(rfc8785.dumps(identity)).hexdigest()[:12],
        source=source,
        window=window,
        complete=gathered.health.complete and not silent,
        warnings=tuple(dict.fromkeys(warnings)),
        health=gathered.health,
        filtered=filtered,
        cases=cases,
        tickets=tickets,
        as_of=site.now,
        exceptions_expired=about_exceptions(site),
        findings=gathered.findings,
    )
