"""Sumo Logic Cloud SIEM as a source of detections: the records of its signals, scored again by our own rule."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from connectors.clients.sumologic.client import SumoClient, account_wire
from connectors.http import Clocks
from connectors.sources._siem import coverage as log_coverage
from connectors.sources._siem import time_ranges
from connectors.sources._siem.write_back_comment import referred
from connectors.sources.sumologic_cse import check, findings, pagination
from connectors.sources.sumologic_cse.findings import InsightFinding, WritePolicy
from connectors.sources.sumologic_cse.normalize import SignalConnections, connections
from connectors.sources.sumologic_cse.schemas import Insight
from connectors.sources.sumologic_cse.settings import Settings
from playbook.detections.beaconing import Event, Scope, moment, score_events
from playbook.errors import ConfigError, ConnectorError
from playbook.model.check import CheckResult
from playbook.model.detection import Detection, Fetched, SourceHealth, TimeWindow
from playbook.model.detection import Finding as Found
from playbook.model.finding_update import FindingUpdate
from playbook.model.site import Site
from playbook.model.traffic import LogCoverage, Traffic

__all__ = ("CloudSiem", "Settings", "connect")

_MAX_BYTES = 64 * 1024 * 1024  # a page of signals carries every record of theirs
_CAVEAT = "Cloud SIEM keeps records beside signals alone: traffic that fired none of its rules is not seen here"
_UNKNOWN = (
    "names, attempts without an answer, floods, scans and the number of hosts that use a destination are in no records"
    " of signals",
    "hours without a record of a signal are unknown: the log behind them is not read",
)


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "CloudSiem":  # noqa: B008
    """The source called ``name``. ``folder`` is unused: this connector reads no file."""
    wire = account_wire(
        name, settings.written, settings.access_id, settings.access_key, settings.rate, clocks, check.GRANT, _MAX_BYTES
    )
    # With a cookie jar: every call without its session's cookie is a login, and many of those are refused for a while.
    return CloudSiem(name, settings, site, wire.sibling())


class CloudSiem:
    """A ``DetectionSource``. Nothing is marked as seen anywhere: every fetch reads its window anew."""

    def __init__(self, name: str, settings: Settings, site: Site, wire: SumoClient) -> None:
        self.name = name
        self.wire = wire
        self._settings = settings
        self._site = site
        self._held: tuple[TimeWindow, tuple[Event, ...]] | None = None

    def fetch(
        self, window: TimeWindow | None, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Fetched, ...]:
        """The detections in the records of signals about ``window`` (default: 24 hours that ended 15 minutes ago).

        Raises ConnectorError or ConfigError when the signals cannot be read; what is partly missing is in the health.
        """
        window = window or time_ranges.last_day(self._site.now)
        seen = pagination.read(
            self.wire, self._settings, window, self._site.now, progress or (lambda done, total: None)
        )
        read = connections(seen.signals, self._settings.object_types)
        inside = tuple(event for event in read.events if window.holds(moment(event.start)))
        networks = self._site.networks
        found = score_events(inside, Scope(source=self.name, lab=networks.lab, nat64=networks.nat64))
        self._held = (window, inside)
        tied = _tied(found, read, seen.insights)
        health = _health(seen, read, inside)
        return (Fetched(source=self.name, window=window, detections=found, health=health, findings=tied),)

    def write_back(self, reference: str, outcome: FindingUpdate, may_change: bool) -> str:
        """Bring one insight to what the outcome asks for, once; what a person had set and was kept, or ""."""
        policy = WritePolicy(close_in_siem=may_change, words=self._settings.words)
        return findings.write_back(self.wire, referred(InsightFinding, reference, self.name), outcome, policy).kept

    def traffic(self, detections: Sequence[Detection]) -> Traffic:
        """Start times and sizes in the records at hand; they are read again when no fetch of these came before."""
        if not detections:
            return Traffic(unknown=_UNKNOWN)
        first, last = min(d.first_seen for d in detections), max(d.last_seen for d in detections)
        try:
            if self._held is None or not (self._held[0].start <= first and last <= self._held[0].end):
                self.fetch(TimeWindow(start=first, end=last + timedelta(seconds=1)))
        except (ConnectorError, ConfigError) as fault:
            return Traffic(unknown=(*_UNKNOWN, f"the records could not be read: {fault}"))
        events = self._held[1] if self._held else ()
        tuples = log_coverage.tuple_traffic(detections, _starts(events))
        hours = sorted({int(event.start) // 3600 for event in events})
        unknown: tuple[str, ...] = _UNKNOWN
        if len(tuples) < len(detections):
            unknown = (*_UNKNOWN, f"no record holds the connections of {len(detections) - len(tuples)} detections")
        coverage = LogCoverage(kind="conn", hours=tuple(moment(hour * 3600) for hour in hours))
        return Traffic(tuples=tuples, coverage=(coverage,), unknown=unknown)

    def check(self) -> tuple[CheckResult, ...]:
        """Credentials and the tenant's own words for statuses and resolutions, then one signal of the last day."""
        return check.results(self.wire, self._settings, time_ranges.last_day(self._site.now), self._site.now)


def _tied(found: Iterable[Detection], read: SignalConnections, insights: Iterable[Insight]) -> tuple[Found, ...]:
    """Which insights, newest first, each detection came with: those with a signal that holds connections of its tuple.

    An insight is whole when every record of its signals is a connection of a tuple that was found.
    """
    of_signal: dict[str, list[str]] = defaultdict(list)
    told = {log_coverage.key_of(detection): detection.detection_id for detection in found}
    beyond = set(read.mixed)
    for key, names in read.signals.items():
        beyond |= set() if key in told else set(names)
        for name in names if key in told else ():
            of_signal[name].append(told[key])
    tied = []
    for insight in sorted(insights, key=lambda one: (one.created, one.id), reverse=True):
        held = [reference.id for reference in insight.signals]
        whole = all(name in of_signal and name not in beyond for name in held)
        reference = InsightFinding.of(insight).model_dump_json()
        tied += [
            Found(detection_id=one, finding_id=insight.id, reference=reference, whole=whole)
            for one in dict.fromkeys(one for name in held for one in of_signal.get(name, ()))
        ]
    return tuple(tied)


def _starts(events: Iterable[Event]) -> list[log_coverage.Start]:
    """The connections that were let through, by tuple and second."""
    grouped: dict[tuple[log_coverage.Key, int], list[Event]] = defaultdict(list)
    for event in events:
        if not event.denied:
            key = (event.hostname, event.src_ip, event.dst_ip, event.dst_port)
            grouped[key, int(event.start)].append(event)
    return [
        log_coverage.Start(
            key,
            second,
            len(group),
            None if any(e.bytes_sent is None for e in group) else sum(e.bytes_sent or 0 for e in group),
        )
        for (key, second), group in grouped.items()
    ]


def _health(seen: pagination.Seen, read: SignalConnections, inside: Sequence[Event]) -> SourceHealth:
    """What was read. Without a record nothing is proven, so that a window without one is never complete."""
    warnings = list(seen.missing)
    if not read.rows:
        warnings.append("0 records: no signal about this window, which says nothing about its traffic")
    unusable = bool(read.rows) and not inside and bool(read.rejected or read.events)
    if unusable:
        warnings.append(
            f"none of {read.rows} records could be used: {read.rejected} could not be read, "
            f"{len(read.events)} are of another time"
        )
    if read.passed:
        warnings.append(f"{read.passed} records are no connections (another type, or no addresses and port)")
    return SourceHealth(
        rows_read=read.rows,
        rows_rejected=read.rejected + seen.rejected,
        rejected_examples=(*seen.examples, *read.examples)[: pagination.MAX_EXAMPLES],
        newest_event=moment(inside[-1].start) if inside else None,
        oldest_event=moment(inside[0].start) if inside else None,
        complete=bool(read.rows) and not seen.missing and not unusable,
        warnings=(*warnings, _CAVEAT),
    )
