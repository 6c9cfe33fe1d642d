"""What other thresholds and exceptions would have made of the same history, without asking anybody again."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, NamedTuple

from pydantic import ValidationError

from playbook.cases.case_builder import file_cases
from playbook.model import Value
from playbook.model.address import parse
from playbook.model.case import Case
from playbook.model.detection import TimeWindow
from playbook.model.enriched import EnrichedDetection
from playbook.model.site import ExceptionEntry, Site
from playbook.model.verdict import CaseStatus, Evidence
from playbook.ports import Progress, Toolkit
from playbook.respond import RunTerms, traffic_of
from playbook.triage.config_warnings import about_networks
from playbook.triage.enrich import Enrichers
from playbook.triage.evaluate import RuleSet, apply_filters, evaluate, with_traffic
from playbook.triage.merge import MergedDetections, merge_windows

FILTERED: Literal["filtered"] = "filtered"
_FACTORS = (0.5, 0.8, 1.25, 2)
_ASKS: tuple[CaseStatus, ...] = ("ticket", "watch")
_DAYS = 90
# A name that an exception takes for a name, and a person reads as it is: no network, no pattern, nothing unseen.
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?", re.ASCII)


@dataclass(frozen=True)
class History:
    """A source that was read and enriched once; ``detections`` carry all that any tried threshold asks for."""

    gathered: MergedDetections
    site: Site
    detections: tuple[EnrichedDetection, ...]
    warnings: tuple[str, ...]
    complete: bool


class BacktestResult(NamedTuple):
    """What a run over the history ends in: the status of every host's case, or ``filtered`` for one without a case."""

    hosts: dict[str, str]
    cases: tuple[Case, ...]

    @property
    def counts(self) -> Counter[str]:
        """Hosts by status."""
        return Counter(self.hosts.values())

    @property
    def convicted(self) -> frozenset[str]:
        """The hosts and the destinations of every detection that is TRUE_POSITIVE."""
        guilty = [
            one.enriched for case in self.cases for one in case.detections if one.verdict.disposition == "TRUE_POSITIVE"
        ]
        return frozenset({one.host for one in guilty} | {one.detection.dst_ip for one in guilty})


class Setting(NamedTuple):
    """One number of one rule, ``[policy.rules.RULE] parameter``, with another value; ``params`` holds it."""

    rule: str
    parameter: str
    was: int | float
    became: int | float
    params: Value


class VerdictChange(NamedTuple):
    """A host whose case ends otherwise."""

    host: str
    was: str
    becomes: str


class Candidate(NamedTuple):
    """Exceptions from some hosts to one destination and port; ``against`` is what speaks for malice all the same."""

    destination: str
    port: int
    sources: tuple[str, ...]
    against: tuple[str, ...]


def read(
    toolkit: Toolkit, site: Site, terms: RunTerms, window: TimeWindow | None, progress: Progress | None = None
) -> History:
    """Read, identify, measure and enrich everything that passes the filters under any value that ``settings`` tries.

    Raises ConnectorError when the source gave nothing that can be believed.
    """
    gathered = merge_windows(toolkit.source.fetch(window, progress))
    enrichers = Enrichers(toolkit.enrichers, terms.limits.enrichment_timeout_s, toolkit.hosts_in)
    identified = enrichers.identify(gathered.detections, site, gathered.window, gathered.holders)
    filters = [
        terms.rules,
        *(_changed(terms.rules, one) for one in settings(terms.rules) if terms.rules.rules[one.rule].filter),
    ]
    ever = {one.detection.detection_id for rules in filters for one in apply_filters(identified, rules)[0]}
    passing = [one for one in identified if one.detection.detection_id in ever]
    traffic, silence = traffic_of(toolkit.source, tuple(one.detection for one in passing))
    whole = {
        one.detection.detection_id: one for one in enrichers.complete(with_traffic(passing, traffic), gathered.window)
    }
    warnings = (
        *gathered.health.warnings,
        *silence,
        *traffic.unknown,
        *enrichers.unfit(),
        *about_networks(identified, site),
    )
    return History(
        gathered,
        site,
        tuple(whole.get(one.detection.detection_id, one) for one in identified),
        tuple(dict.fromkeys(warnings)),
        gathered.health.complete and not silence,
    )


def backtest(history: History, terms: RunTerms, exceptions: Sequence[ExceptionEntry] = ()) -> BacktestResult:
    """What the history ends in under these terms, and with these exceptions beside those that are entered."""
    detections: Sequence[EnrichedDetection] = history.detections
    if exceptions:
        site = history.site.model_copy(update={"exceptions": (*history.site.exceptions, *exceptions)})
        detections = [one.replaced(site=site) for one in detections]
    passed, filtered = apply_filters(detections, terms.rules)
    cases = file_cases(evaluate(passed, terms.rules), terms.means, history.gathered.holders)
    return BacktestResult({one.host: FILTERED for one in filtered} | {case.host: case.status for case in cases}, cases)


def settings(rules: RuleSet) -> Iterator[Setting]:
    """Every number of every rule at half, four fifths, five fourths and twice its value, or at the bound it has."""
    for name, params in rules.params.items():
        for parameter, was in params.model_dump().items():
            if isinstance(was, bool) or not isinstance(was, int | float):
                continue
            tried = (varied(params, parameter, became) for became in _around(was))
            others = {getattr(one, parameter): one for one in tried if one is not None}
            yield from (Setting(name, parameter, was, became, one) for became, one in others.items() if became != was)


def backtest_setting(history: History, terms: RunTerms, setting: Setting, now: BacktestResult) -> BacktestResult:
    """What the history ends in with this one number changed: as ``now`` when its rule says the same all the same."""
    rules = _changed(terms.rules, setting)
    if _words(history, terms.rules, setting.rule) == _words(history, rules, setting.rule):
        return now
    return backtest(history, replace(terms, rules=rules))


def by_score(now: BacktestResult, history: History) -> dict[int, Counter[str]]:
    """By beaconing_score: how many detections were filtered, and what became of the others, by their own verdict."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    judged = {one.enriched.detection.detection_id: one.verdict.status for case in now.cases for one in case.detections}
    for one in history.detections:
        found[one.detection.beaconing_score][judged.get(one.detection.detection_id, FILTERED)] += 1
    return dict(sorted(found.items()))


def changes(before: BacktestResult, after: BacktestResult) -> tuple[VerdictChange, ...]:
    """The hosts that end otherwise, by name."""
    return tuple(
        VerdictChange(host, before.hosts.get(host, FILTERED), after.hosts.get(host, FILTERED))
        for host in sorted(before.hosts.keys() | after.hosts.keys())
        if before.hosts.get(host, FILTERED) != after.hosts.get(host, FILTERED)
    )


def candidates(now: BacktestResult) -> tuple[Candidate, ...]:
    """Destinations that cost people time, those of most hosts first; none that anything TRUE_POSITIVE speaks with."""
    convicted = now.convicted
    sources: dict[tuple[str, int], dict[str, None]] = defaultdict(dict)
    against: dict[tuple[str, int], dict[str, None]] = defaultdict(dict)
    for case in now.cases:
        for one in case.detections if case.status in _ASKS and case.verdict.disposition != "TRUE_POSITIVE" else ():
            if one.enriched.stranger:
                continue  # the question is whose machine it is: an exception would hide an attacker
            if one.verdict.status in _ASKS and one.enriched.detection.dst_ip not in convicted:
                place = one.enriched.detection.dst_ip, one.enriched.detection.dst_port
                sources[place][_named(one.enriched)] = None
                against[place] |= dict.fromkeys(e.reason for e in one.verdict.evidence if e.leans == "malicious")
    found = (Candidate(*place, tuple(sorted(hosts)), tuple(against[place])) for place, hosts in sources.items())
    return tuple(sorted(found, key=lambda one: (-len(one.sources), one.destination, one.port)))


def entries(candidate: Candidate, site: Site, rules: RuleSet) -> tuple[ExceptionEntry, ...]:
    """The exceptions that a person would enter for it, one a host: a narrower scope than any network of them."""
    today, days = site.now.date(), min(_DAYS, rules.params["exception"].model_dump()["longest_days"])
    return tuple(
        ExceptionEntry(
            exception_id=f"X-tried-{number}",
            owner="nobody",
            reason="tried by tune",
            source=source,
            destination=candidate.destination,
            port=candidate.port,
            entered=today,
            ends=today + timedelta(days=days),
        )
        for number, source in enumerate(candidate.sources)
    )


def varied(params: Value, name: str, value: float) -> Value | None:
    """The parameters with one changed, to its bound at most; None when the rule does not accept it."""
    for bound in type(params).model_fields[name].metadata:
        value = min(value, getattr(bound, "le", value))
        value = max(value, getattr(bound, "ge", value))
    try:
        return type(params).model_validate({**params.model_dump(), name: value})
    except ValidationError:
        return None


def _named(enriched: EnrichedDetection) -> str:
    """The host by a name that is proven, which outlives a lease, else by its address."""
    host = enriched.host
    named = host.lower() in enriched.proven_names and _NAME.fullmatch(host) and parse(host) is None
    return host if named else enriched.detection.src_ip


def _words(history: History, rules: RuleSet, name: str) -> list[Evidence | None]:
    rule, params = rules.rules[name], rules.params[name]
    return [rule.judge(one, params) for one in history.detections]


def _changed(rules: RuleSet, setting: Setting) -> RuleSet:
    return replace(rules, params={**rules.params, setting.rule: setting.params})


def _around(was: int | float) -> tuple[int | float, ...]:
    """The value by each factor; a whole number moves by one at least."""
    if isinstance(was, float):
        return tuple(round(was * factor, 4) for factor in _FACTORS)
    steps = ((round(was * factor), 1 if factor > 1 else -1) for factor in _FACTORS)
    return tuple(dict.fromkeys(tried if tried != was else was + least for tried, least in steps))
