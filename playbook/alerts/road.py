"""The road of alerts: asked for in the named source, enriched, judged like a run, and never convicted by their sender.

An alert whose conversation our own source lists is judged on our own row. Of another one the protocol names and
whatever else only a sensor of ours can say are left out, and TRUE_POSITIVE needs traffic that our source measured.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, Protocol

from playbook.alerts.entries import Entry
from playbook.alerts.rescoring import detection_of, moment
from playbook.config import Config, Table
from playbook.errors import ConnectorError
from playbook.model.address import parse
from playbook.model.case import JudgedDetection, Run
from playbook.model.check import CheckResult
from playbook.model.detection import AddressHolder, Detection, Fetched, SourceHealth, TimeWindow
from playbook.model.site import Site
from playbook.model.traffic import Traffic
from playbook.model.verdict import Rung, Verdict
from playbook.ports import DetectionSource, Progress, Toolkit
from playbook.respond import RunTerms, respond

OURS = "alerts:"
_LONGEST = timedelta(days=8)
_MOMENT = timedelta(seconds=1)
_NO_SOURCE = "no source was named for the alert, so its traffic was not read and nothing is measured"
_HINT = "only the alert says so: no source of ours measured this conversation, and what a sender says is a hint"


class Outside(Protocol):
    """What the road takes from the configuration; the assembly's ``Reach`` is one."""

    @property
    def config(self) -> Config:
        """The whole configuration."""

    @property
    def site(self) -> Site:
        """Networks, exceptions and the instant to judge by."""

    def source(self, table: tuple[str, Table]) -> DetectionSource:
        """One source, wired."""

    def around(self, source: DetectionSource) -> tuple[Toolkit, RunTerms]:
        """Everything a run takes, over a source that is there already."""


class JudgedAlerts(NamedTuple):
    """The run over some alerts: which detection each became, what each is warned of, and why nothing was measured."""

    run: Run
    terms: RunTerms
    detections: Mapping[str, str]
    notes: Mapping[str, tuple[str, ...]]
    unmeasured: str


def judge_alerts(entries: Sequence[Entry], source: str, outside: Outside) -> JudgedAlerts:
    """One run over alerts that are to be measured in the same source ("" for none).

    Raises ConfigError when the source's table is wrong; a source that does not answer is named in ``unmeasured``.
    """
    tables = outside.config.sources
    origin = outside.source((source, dict(tables[source]))) if source in tables else None
    raised = _Raised(entries, source, origin)
    toolkit, terms = outside.around(raised)
    run = respond(toolkit, outside.site, terms, review=raised.as_hints)
    return JudgedAlerts(run, terms, raised.detections, raised.notes, raised.trouble)


class _Raised:
    """A DetectionSource over alerts: our own source's row of the conversation where it has one, else the alert's."""

    def __init__(self, entries: Sequence[Entry], source: str, origin: DetectionSource | None) -> None:
        self.name = OURS + source
        self._entries, self._source, self._origin = entries, source, origin
        self.detections: dict[str, str] = {}
        self.notes: dict[str, tuple[str, ...]] = {}
        self.trouble = "" if origin is not None else _NO_SOURCE
        self._ours: set[str] = set()
        self._holders: tuple[AddressHolder, ...] = ()

    def fetch(self, window: TimeWindow | None, progress: Progress | None = None) -> tuple[Fetched, ...]:
        span = _span(self._entries)
        own = self._own(span)
        detections = []
        for entry in self._entries:
            claimed, misfits = _claimed(entry, self._source)
            known = own.get(_key(claimed))
            detection = known or claimed
            detections.append(detection)
            self.detections[entry.alert_id] = detection.detection_id
            if known is not None:
                self._ours.add(known.detection_id)
            self.notes[entry.alert_id] = _notes(entry, claimed, known, misfits)
        warnings = (self.trouble,) if self._origin is not None and self.trouble else ()
        health = SourceHealth(rows_read=len(detections), complete=not warnings, warnings=warnings)
        return (
            Fetched(source=self.name, window=span, detections=tuple(detections), holders=self._holders, health=health),
        )

    def traffic(self, detections: Sequence[Detection]) -> Traffic:
        if self._origin is None or self.trouble:
            return Traffic(unknown=(self.trouble,) if self._origin is None else ())
        return self._origin.traffic(detections)

    def check(self) -> tuple[CheckResult, ...]:
        return ()

    def as_hints(self, judged: tuple[JudgedDetection, ...]) -> tuple[JudgedDetection, ...]:
        """TRUE_POSITIVE only where a source of ours saw the conversation."""
        return tuple(one if self._measured(one) else _as_hint(one) for one in judged)

    def _measured(self, one: JudgedDetection) -> bool:
        traffic = one.enriched.traffic
        seen = traffic is not None and bool(traffic.attempts or traffic.start_times or traffic.hourly)
        return seen or one.enriched.detection.detection_id in self._ours

    def _own(self, span: TimeWindow) -> dict[tuple[Any, ...], Detection]:
        """Our own source's detections in this window, by conversation."""
        if self._origin is None:
            return {}
        try:
            fetched = self._origin.fetch(span)
        except ConnectorError as fault:
            self.trouble = f"{self._source}: could not be asked about the alert: {fault}"
            return {}
        self._holders = tuple(holder for one in fetched for holder in one.holders)
        return {_key(one): one for part in fetched for one in part.detections}


def _claimed(entry: Entry, source: str) -> tuple[Detection, tuple[str, ...]]:
    """The detection that an alert describes, without what only a sensor of ours could say of it.

    Its identity is of the alert, not of the source: an alert never takes the place of what our source said itself.
    """
    columns = entry.columns.model_copy(update={"services": "", "transports": "", "ntp_sized": None})
    return detection_of(columns, f"{OURS}{entry.name}", "alert")


def _key(detection: Detection) -> tuple[Any, ...]:
    addresses = (parse(text) or text for text in (detection.src_ip, detection.dst_ip))
    return (*addresses, detection.dst_port)


def _span(entries: Sequence[Entry]) -> TimeWindow:
    last = max(moment(entry.columns.last_seen) for entry in entries)
    first = min(moment(entry.columns.first_seen) for entry in entries)
    return TimeWindow(start=max(first, last - _LONGEST), end=last + _MOMENT)


def _notes(entry: Entry, claimed: Detection, known: Detection | None, misfits: tuple[str, ...]) -> tuple[str, ...]:
    notes = [f"{', '.join(entry.absent)}: not in the alert"] if entry.absent else []
    if known is None:
        return (*notes, *misfits)
    if (known.connections, known.hourly_buckets) != (claimed.connections, claimed.hourly_buckets):
        notes.append(
            f"judged on our own count: {known.connections} connections in {known.hourly_buckets} hours; the "
            f"alert says {claimed.connections} in {claimed.hourly_buckets}"
        )
    return tuple(notes)


def _as_hint(one: JudgedDetection) -> JudgedDetection:
    verdict = one.verdict
    if verdict.disposition != "TRUE_POSITIVE":
        return one
    changed: dict[str, Any] = {
        "disposition": "UNDETERMINED",
        "confidence": "low",
        "rung": 5,
        "status": "ticket",
        "reasons": (_HINT, *verdict.reasons),
        "trace": tuple(_retraced(rung, verdict) for rung in verdict.trace),
        "missing": ("traffic of this conversation in a source of ours", *verdict.missing),
        "would_change": (
            "the conversation in one of our own sources would make it TRUE_POSITIVE",
            *verdict.would_change,
        ),
    }
    return one.model_copy(update={"verdict": verdict.model_copy(update=changed)})


def _retraced(rung: Rung, verdict: Verdict) -> Rung:
    if rung.number == 5:
        return rung.model_copy(update={"held": True, "reason": _HINT})
    if rung.number < 5 and rung.held:
        return rung.model_copy(update={"held": False, "reason": f"{rung.reason}; not counted: {_HINT}"})
    return rung
