"""Sumo Logic as a source of detections, over its Search Job API."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from connectors import hourly
from connectors.sumo_account.wire import Deadline, Wire, account_wire
from connectors.sumologic import job, rows
from connectors.sumologic.check import query_accepted, row_results, tried
from connectors.sumologic.settings import Settings
from connectors.transport import Clocks
from playbook.detections.beaconing import Scope
from playbook.detections.languages import sumo
from playbook.errors import ConnectorError, Incomplete
from playbook.model import address
from playbook.model.check import CheckResult
from playbook.model.detection import Detection, Fetched, TimeWindow
from playbook.model.site import Site
from playbook.model.traffic import LogCoverage, Traffic

__all__ = ("Settings", "SumoLogic", "connect")

_DAY = timedelta(hours=24)
_LATE = timedelta(minutes=15)  # Sumo indexes late arrivals; what ends now is never whole
_AFTER = timedelta(hours=1)  # a log line is stamped when its connection ended
KEYS_PER_QUERY = 200
_UNKNOWN = (
    "attempts without an answer, names and the number of hosts that use a destination are not asked of Sumo Logic",
)


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "SumoLogic":  # noqa: B008
    """The source called ``name``. ``folder`` is unused: this connector reads no file."""
    wire = account_wire(name, settings.written, settings.access_id, settings.access_key, settings.rate, clocks)
    return SumoLogic(name, settings, site, wire)


class SumoLogic:
    """A ``DetectionSource``: two jobs per fetch (detection, heartbeat), one per 200 tuples of traffic."""

    def __init__(self, name: str, settings: Settings, site: Site, wire: Wire) -> None:
        self.name = name
        self._settings = settings
        self._site = site
        self._wire = wire
        self._covered: dict[TimeWindow, tuple[hourly.HourRows, ...]] = {}

    def fetch(
        self, window: TimeWindow | None, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Fetched, ...]:
        """The detections of ``window`` (default: 24 hours that end 15 minutes before the site's now).

        Raises ConnectorError or ConfigError when nothing can be believed; what is partly missing is in the health.
        """
        window = window or self._default_window()
        settings = self._settings
        query = sumo.detection(settings.preset, settings.scope, settings.fields)
        answer = self._run(query, window, progress=progress)
        found, read = rows.detections(answer.rows, self._scope())
        seen, fault = self._heartbeat(window) if settings.heartbeat else (None, "")
        taken = hourly.Taken(
            len(answer.rows), answer.messages, answer.warnings, answer.truncated, read.rejected, read.examples,
        )
        health = hourly.health_of(window, taken, seen, fault, sumo.PRESETS[settings.preset].caveat)
        return (Fetched(source=self.name, window=window, detections=found, health=health),)

    def traffic(self, detections: Sequence[Detection]) -> Traffic:
        """Start times and sizes of these detections: at most 100,000 connections, the least busy first."""
        asked, left_out = _affordable(detections)
        unknown = [*_UNKNOWN, *left_out]
        if not asked:
            return Traffic(unknown=tuple(unknown))
        window = self._window_of(asked)
        seen: list[hourly.Start] = []
        try:
            for batch in _batches(asked):
                seen += self._starts(batch, window, unknown)
            hours = self._covered.get(window) or self._heartbeat(window)[0] or ()
        except ConnectorError as fault:
            return Traffic(unknown=(*unknown, f"the traffic could not be asked for: {fault}"))
        coverage = LogCoverage(kind="conn", hours=tuple(hour.hour for hour in hours if hour.rows))
        return Traffic(tuples=hourly.tuple_traffic(asked, seen), coverage=(coverage,), unknown=tuple(unknown))

    def check(self) -> tuple[CheckResult, ...]:
        """Key and query by the free estimate, then scope and field names by one row of the last 24 hours."""
        settings, window = self._settings, self._default_window()
        deadline = Deadline(self._wire.transport.clocks, 120.0)
        results = []
        if settings.unlisted:
            message = "this deployment is not in the vendor's current table"
            results.append(CheckResult(subject="deployment", ok=True, message=message))
        query = sumo.detection(settings.preset, settings.scope, settings.fields)
        results += tried("key and query", lambda: [query_accepted(self._wire, query, window, deadline)])
        if results[-1].ok:
            results += tried("scope", lambda: self._probed(window))
        return tuple(results)

    def _probed(self, window: TimeWindow) -> list[CheckResult]:
        settings = self._settings
        answer = self._run(sumo.probe(settings.preset, settings.scope, settings.fields), window, "messages")
        return list(row_results(answer, settings.scope or sumo.PRESETS[settings.preset].scope))

    def _default_window(self) -> TimeWindow:
        end = self._site.now - _LATE
        return TimeWindow(start=end - _DAY, end=end)

    def _window_of(self, found: Sequence[Detection]) -> TimeWindow:
        first, last = min(d.first_seen for d in found), max(d.last_seen for d in found)
        for window in self._covered:
            if window.start <= first and last <= window.end:
                return window
        return TimeWindow(start=first, end=max(min(last + _AFTER, self._site.now), last + timedelta(seconds=1)))

    def _scope(self) -> Scope:
        networks = self._site.networks
        return Scope(source=self.name, lab=networks.lab, nat64=networks.nat64)

    def _heartbeat(self, window: TimeWindow) -> tuple[tuple[hourly.HourRows, ...] | None, str]:
        """The rows per hour, or None and why they could not be counted."""
        try:
            answer = self._run(sumo.heartbeat(self._settings.preset, self._settings.scope), window)
            self._covered[window] = rows.hours(answer.rows)
        except (ConnectorError, ValueError) as fault:
            return None, f"rows per hour could not be counted: {fault}"
        return self._covered[window], ""

    def _starts(self, batch: Sequence[Detection], window: TimeWindow, unknown: list[str]) -> list[hourly.Start]:
        keys = [sumo.tuple_key(d.src_ip, d.dst_ip, d.dst_port) for d in batch]
        settings = self._settings
        query = sumo.traffic(tuple(dict.fromkeys(keys)), settings.preset, settings.scope, settings.fields)
        answer = self._run(query, window)
        if answer.truncated:
            raise Incomplete(f"{self.name}: start times are missing: {answer.truncated}")
        read = rows.starts(answer.rows)
        if read.rejected:
            unknown.append(f"{read.rejected} records of start times could not be read: {'; '.join(read.examples)}")
        return [start for start in read.values if isinstance(start, hourly.Start)]

    def _run(
        self, text: str, window: TimeWindow, kind: job.Kind = "records",
        progress: Callable[[int, int], None] | None = None,
    ) -> job.Answer:
        wire = self._wire.sibling() if self._settings.use_cookies else self._wire
        deadline = Deadline(wire.transport.clocks, self._settings.deadline_s)
        query = job.Query(text=text, window=window, kind=kind, max_rows=1 if kind == "messages" else job.MAX_ROWS)
        try:
            return job.run(wire, self._settings.path_prefix, query, deadline, progress or (lambda done, total: None))
        finally:
            if wire is not self._wire:
                self._wire.learn(wire)
                wire.transport.close()


def _affordable(detections: Sequence[Detection]) -> tuple[tuple[Detection, ...], tuple[str, ...]]:
    """The detections whose start times fit into one answer, the least busy first, and what is said of the rest."""
    asked: list[Detection] = []
    rest, budget = 0, job.MAX_ROWS
    for detection in sorted(detections, key=lambda d: d.connections):
        plain = address.parse(detection.src_ip) is not None and address.parse(detection.dst_ip) is not None
        if plain and detection.connections <= budget:
            budget -= detection.connections
            asked.append(detection)
        else:
            rest += 1
    said = f"start times of {rest} detections: past {job.MAX_ROWS} connections the rest is not asked for"
    return tuple(asked), (said,) if rest else ()


def _batches(asked: Sequence[Detection]) -> list[Sequence[Detection]]:
    return [asked[n:n + KEYS_PER_QUERY] for n in range(0, len(asked), KEYS_PER_QUERY)]
