"""Rules over enriched detections -> what the filters took out, and a verdict for each of the rest."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from playbook.model import Value
from playbook.model.case import JudgedDetection
from playbook.model.enriched import EnrichedDetection
from playbook.model.traffic import Traffic
from playbook.model.verdict import Evidence, FilteredDetection
from playbook.rules import Rule
from playbook.triage.decide import decide
from playbook.triage.measure import hours_by_kind, measure_one


@dataclass(frozen=True)
class RuleSet:
    """The rules of a run, each with its parameters (by the rule's name)."""

    rules: Mapping[str, Rule]
    params: Mapping[str, Value]

    def filters(self, enriched: EnrichedDetection) -> tuple[Evidence, ...]:
        """What the static filters say, in the order G1, G2, G3."""
        return tuple(sorted(self._said(enriched, filter=True), key=lambda e: e.filter))

    def evidence(self, enriched: EnrichedDetection) -> tuple[Evidence, ...]:
        """What all other rules say, in alphabetical order of the rules."""
        return tuple(self._said(enriched, filter=False))

    def _said(self, enriched: EnrichedDetection, filter: bool) -> Iterable[Evidence]:
        for name, rule in self.rules.items():
            if rule.filter is filter and (word := rule.judge(enriched, self.params[name])) is not None:
                yield word


def apply_filters(
    identified: Sequence[EnrichedDetection], rules: RuleSet
) -> tuple[tuple[EnrichedDetection, ...], tuple[FilteredDetection, ...]]:
    """The detections that no filter holds, and the others with the first filter's reason; nothing is dropped."""
    passed, filtered = [], []
    for enriched in identified:
        words = rules.filters(enriched)
        if not words:
            passed.append(enriched)
            continue
        first, detection = words[0], enriched.detection
        filtered.append(
            FilteredDetection(
                host=enriched.host,
                dst_ip=detection.dst_ip,
                dst_port=detection.dst_port,
                filter=first.filter or "G1",
                disposition=first.disposition or "UNDETERMINED",
                reason=first.reason,
                detection_id=detection.detection_id,
                src_ip=detection.src_ip,
            )
        )
    return tuple(passed), tuple(filtered)


def with_traffic(passed: Sequence[EnrichedDetection], traffic: Traffic) -> tuple[EnrichedDetection, ...]:
    """Each detection with its own traffic, its host's, and everything measured from them."""
    tuples = {t.detection_id: t for t in traffic.tuples}
    hosts = {h.src_ip: h for h in traffic.hosts}
    hours = hours_by_kind(traffic)
    found = []
    for enriched in passed:
        detection = enriched.detection
        own, host = tuples.get(detection.detection_id), hosts.get(detection.src_ip)
        found.append(
            enriched.replaced(
                traffic=own, host_traffic=host, measurements=measure_one(detection, own, host, hours, traffic)
            )
        )
    return tuple(found)


def evaluate(complete: Sequence[EnrichedDetection], rules: RuleSet) -> tuple[JudgedDetection, ...]:
    """A verdict for each detection; a burst that one detection of a host explains corroborates none of the others.

    The host is its source address here: a name that it claims must not borrow another machine's explanation.
    """
    words = [rules.evidence(enriched) for enriched in complete]
    explained: dict[str, bool] = defaultdict(bool)
    for enriched, evidence in zip(complete, words, strict=True):
        explained[enriched.detection.src_ip] |= any(e.explains_hunt and not e.contradicted for e in evidence)
    return tuple(
        JudgedDetection(enriched=enriched, verdict=decide(enriched, evidence, explained[enriched.detection.src_ip]))
        for enriched, evidence in zip(complete, words, strict=True)
    )
