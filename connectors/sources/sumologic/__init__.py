"""Sumo Logic as a source of detections, over its Search Job API."""

from collections.abc import Callable, Sequence
from pathlib import Path

from connectors.clients.sumologic.client import Deadline, SumoClient, account_wire
from connectors.http import Clocks
from connectors.sources._siem import coverage, follow_up, time_ranges
from connectors.sources._siem.validation import fitting
from connectors.sources.sumologic import mapping, search_job
from connectors.sources.sumologic.check import query_accepted, row_results, tried
from connectors.sources.sumologic.settings import Settings
from playbook.detections.beaconing import Scope
from playbook.detections.languages import sumo
from playbook.errors import ConnectorError
from playbook.model.check import CheckResult
from playbook.model.detection import Detection, Fetched, TimeWindow
from playbook.model.site import Site
from playbook.model.traffic import Traffic

__all__ = ("Settings", "SumoLogic", "connect")

_UNKNOWN = ("names, and how many addresses a host talks to, are not asked of Sumo Logic",)


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "SumoLogic":  # noqa: B008
    """The source called ``name``. ``folder`` is unused: this connector reads no file."""
    wire = account_wire(name, settings.written, settings.access_id, settings.access_key, settings.rate, clocks)
    return SumoLogic(name, settings, site, wire)


class SumoLogic:
    """A ``DetectionSource``: two jobs per fetch (detection, heartbeat), three per 200 tuples of traffic."""

    def __init__(self, name: str, settings: Settings, site: Site, wire: SumoClient) -> None:
        self.name = name
        self._settings = settings
        self._site = site
        self._wire = wire
        self._covered: dict[TimeWindow, tuple[coverage.HourRows, ...]] = {}

    def fetch(
        self, window: TimeWindow | None, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Fetched, ...]:
        """The detections of ``window`` (default: 24 hours that end 15 minutes before the site's now).

        Raises ConnectorError or ConfigError when nothing can be believed; what is partly missing is in the health.
        """
        window = window or time_ranges.last_day(self._site.now)
        settings = self._settings
        self._covered.setdefault(window, ())
        query = sumo.detection(settings.preset, settings.scope, settings.fields)
        answer = self._run(query, window, progress=progress)
        found, read = mapping.detections(answer.rows, self._scope())
        found, misfit = fitting(found, read, window)
        seen, fault = self._heartbeat(window) if settings.heartbeat else (None, "")
        taken = coverage.Taken(
            len(answer.rows),
            answer.messages,
            answer.warnings,
            "; ".join(text for text in (answer.truncated, misfit) if text),
            read.rejected,
            read.examples,
        )
        health = coverage.health_of(window, taken, seen, fault, sumo.PRESETS[settings.preset].caveat)
        return (Fetched(source=self.name, window=window, detections=found, health=health),)

    def traffic(self, detections: Sequence[Detection]) -> Traffic:
        """Start times, in 100,000 rows shared out among them, who uses their destinations, and what their hosts did."""
        if not detections:
            return Traffic(unknown=_UNKNOWN)
        window, where = time_ranges.of(detections, self._covered, self._site.now), self._settings
        siem = follow_up.Siem(
            self.name,
            sumo,
            mapping,
            (where.preset, where.scope, where.fields),
            window,
            search_job.MAX_ROWS,
            run=lambda text: self._run(text, window),
            hours=lambda: self._covered.get(window) or self._heartbeat(window)[0] or (),
            never=_UNKNOWN,
        )
        return follow_up.traffic(detections, self._site.networks, siem)

    def check(self) -> tuple[CheckResult, ...]:
        """Key and query by the free estimate, then scope and field names by one row of the last 24 hours."""
        settings, window = self._settings, time_ranges.last_day(self._site.now)
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

    def _scope(self) -> Scope:
        networks = self._site.networks
        return Scope(source=self.name, lab=networks.lab, nat64=networks.nat64)

    def _heartbeat(self, window: TimeWindow) -> tuple[tuple[coverage.HourRows, ...] | None, str]:
        """The rows per hour, or None and why they could not be counted."""
        try:
            answer = self._run(sumo.heartbeat(self._settings.preset, self._settings.scope), window)
            self._covered[window] = mapping.hours(answer.rows)
        except (ConnectorError, ValueError) as fault:
            return None, f"rows per hour could not be counted: {fault}"
        return self._covered[window], ""

    def _run(
        self,
        text: str,
        window: TimeWindow,
        kind: search_job.Kind = "records",
        progress: Callable[[int, int], None] | None = None,
    ) -> search_job.SearchAnswer:
        wire = self._wire.sibling() if self._settings.use_cookies else self._wire
        deadline = Deadline(wire.transport.clocks, self._settings.deadline_s)
        query = search_job.Query(
            text=text, window=window, kind=kind, max_rows=1 if kind == "messages" else search_job.MAX_ROWS
        )
        try:
            return search_job.run(
                wire, self._settings.path_prefix, query, deadline, progress or (lambda done, total: None)
            )
        finally:
            if wire is not self._wire:
                self._wire.learn(wire)
                wire.transport.close()
