"""Splunk as a source of detections: the search API, and the notables of Enterprise Security."""

from collections.abc import Callable, Sequence
from pathlib import Path

from connectors.clients.splunk import search_job
from connectors.clients.splunk.account import Opener
from connectors.clients.splunk.client import Deadline, SplunkClient
from connectors.http import Clocks
from connectors.sources._siem import coverage, follow_up, time_ranges
from connectors.sources._siem.validation import fitting
from connectors.sources._siem.write_back_comment import referred
from connectors.sources.splunk import check, findings, mapping, notables
from connectors.sources.splunk.settings import Settings
from playbook.detections.beaconing import Scope, sort_key
from playbook.detections.languages import splunk
from playbook.errors import BadAnswer, ConfigError, ConnectorError
from playbook.model.check import CheckResult
from playbook.model.detection import Detection, Fetched, TimeWindow
from playbook.model.finding_update import FindingUpdate
from playbook.model.site import Site
from playbook.model.traffic import Traffic

__all__ = ("Settings", "Splunk", "connect")

_UNKNOWN = ("names, and how many addresses a host talks to, are not asked of Splunk",)


def connect(
    name: str,
    settings: Settings,
    site: Site,
    folder: Path,
    clocks: Clocks = Clocks(),  # noqa: B008
    new_id: Callable[[], str] | None = None,
) -> "Splunk":
    """The source called ``name``; ``ca_file`` is relative to ``folder``. ``new_id`` names search jobs (tests set it).

    Raises ConfigError for a URL that is not allowed or a certificate file that is not there.
    """
    transport = Opener(name, settings, folder, clocks)
    wire = SplunkClient(name, settings, transport, clocks, *([new_id] if new_id else []))
    return Splunk(name, settings, site, wire)


class Splunk:
    """A ``DetectionSource``: one search per fetch, one more each for heartbeat and notables, three per 200 tuples."""

    def __init__(self, name: str, settings: Settings, site: Site, wire: SplunkClient) -> None:
        self.name = name
        self.wire = wire
        self._settings = settings
        self._site = site
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
        query = splunk.detection(settings.preset, settings.scope, settings.fields)
        answer = self._run(query, window, progress=progress)
        found, read = mapping.detections(answer.rows, self._scope())
        found, misfit = fitting(found, read, window)
        seen, fault = self._heartbeat(window) if settings.heartbeat else (None, "")
        noted = self._notables(window, found)
        taken = coverage.Taken(
            len(answer.rows),
            answer.events,
            answer.warnings + noted.warnings,
            "; ".join(text for text in (answer.truncated, misfit, noted.missing) if text),
            read.rejected,
            read.examples,
        )
        health = coverage.health_of(window, taken, seen, fault, splunk.PRESETS[settings.preset].caveat)
        every = tuple(sorted((*found, *noted.detections), key=sort_key))
        return (Fetched(source=self.name, window=window, detections=every, health=health, findings=noted.findings),)

    def write_back(self, reference: str, outcome: FindingUpdate, may_change: bool) -> str:
        """Bring one notable to what the outcome asks for, once; what a person had set and was kept, or ""."""
        finding = referred(notables.NotableFinding, reference, self.name)
        policy = findings.WritePolicy(close_in_siem=may_change, ids=self._settings.ids)
        try:
            return findings.write_back(self.wire, finding, outcome, policy).kept
        except splunk.Unquotable as fault:
            raise BadAnswer(f"{self.name}: the notable cannot be asked for: {fault}") from None

    def traffic(self, detections: Sequence[Detection]) -> Traffic:
        """Start times, in 100,000 rows shared out among them, who uses their destinations, and what their hosts did."""
        if not detections:
            return Traffic(unknown=_UNKNOWN)
        window, where = time_ranges.of(detections, self._covered, self._site.now), self._settings
        siem = follow_up.Siem(
            self.name,
            splunk,
            mapping,
            (where.preset, where.scope, where.fields),
            window,
            search_job.MAX_ROWS - 1,
            run=lambda text: self._run(text, window),
            hours=lambda: self._covered.get(window) or self._heartbeat(window)[0] or (),
            never=_UNKNOWN,
        )
        return follow_up.traffic(detections, self._site.networks, siem)

    def check(self) -> tuple[CheckResult, ...]:
        """Credentials and capability, the query, the indexes it names, then scope and fields by one row of a day."""
        settings = self._settings
        query = splunk.detection(settings.preset, settings.scope, settings.fields)
        scope = settings.scope or splunk.PRESETS[settings.preset].scope
        results = list(check.cheap_results(self.wire, settings, query, scope))
        if all(result.ok for result in results):
            probe = splunk.probe(settings.preset, settings.scope, settings.fields)
            day = time_ranges.last_day(self._site.now)
            results += check.tried(
                "scope",
                lambda: list(check.row_results(self._run(probe, day, max_rows=1), scope)),
            )
        return tuple(results)

    def _scope(self) -> Scope:
        networks = self._site.networks
        return Scope(source=self.name, lab=networks.lab, nat64=networks.nat64)

    def _heartbeat(self, window: TimeWindow) -> tuple[tuple[coverage.HourRows, ...] | None, str]:
        """The rows per hour, or None and why they could not be counted."""
        try:
            answer = self._run(splunk.heartbeat(self._settings.preset, self._settings.scope), window)
            if answer.truncated:
                return None, f"rows per hour could not be counted: {answer.truncated}"
            self._covered[window] = mapping.hours(answer.rows)
        except (ConnectorError, ValueError) as fault:
            return None, f"rows per hour could not be counted: {fault}"
        return self._covered[window], ""

    def _notables(self, window: TimeWindow, found: Sequence[Detection]) -> notables.Noted:
        if not self._settings.rule_name:
            return notables.Noted()
        query = notables.search(self._settings.rule_name)
        try:
            # A notable is written after the traffic it speaks of, at the latest by the next daily run of its rule.
            until = max(window.end, min(self._site.now, window.end + time_ranges.DAY))
            answer = self._run(query, TimeWindow(start=window.start, end=until))
            return notables.noted(answer, found, self._scope(), window)
        except (ConnectorError, ConfigError) as fault:
            return notables.Noted(missing=f"the notables could not be read: {fault}")

    def _run(
        self,
        text: str,
        window: TimeWindow,
        progress: Callable[[int, int], None] | None = None,
        max_rows: int = search_job.MAX_ROWS,
    ) -> search_job.SearchAnswer:
        query = search_job.Query(text=text, window=window, max_rows=max_rows)
        deadline = Deadline(self.wire.clocks, self._settings.deadline_s)
        return search_job.run(self.wire, query, deadline, progress or (lambda done, total: None))
