"""ClickHouse as a source of detections: raw logs aggregated where they lie, over its HTTP interface."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import SecretStr

from connectors.http import Clocks, Credential, ReplyBounds, Transport, checked_url
from connectors.sources._siem import coverage, follow_up, time_ranges
from connectors.sources._siem.validation import fitting
from connectors.sources.clickhouse import check, client, mapping
from connectors.sources.clickhouse.exchanges import with_exchanges
from connectors.sources.clickhouse.loading import Loader
from connectors.sources.clickhouse.settings import Settings
from playbook.detections.beaconing import Scope
from playbook.detections.languages import clickhouse
from playbook.errors import ConfigError, ConnectorError
from playbook.model.check import CheckResult
from playbook.model.detection import Detection, Fetched, TimeWindow
from playbook.model.site import Site
from playbook.model.traffic import Traffic

__all__ = ("ClickHouse", "Settings", "connect")

_UNKNOWN = ("names are not asked of ClickHouse",)


def connect(name: str, settings: Settings, site: Site, folder: Path, clocks: Clocks = Clocks()) -> "ClickHouse":  # noqa: B008
    """The source called ``name``; ``ca_file`` is relative to ``folder``.

    Raises ConfigError for a URL that is not allowed or a certificate file that is not there.
    """
    root = checked_url(settings.base_url.rstrip("/"), f"{name}.base_url")
    ca_file = folder / settings.ca_file if settings.ca_file else None
    if ca_file is not None and not ca_file.is_file():
        raise ConfigError(f"{name}.ca_file: no file {ca_file}")
    credential = None
    if settings.username is not None:
        secret = settings.password or SecretStr("")
        credential = Credential(settings.proof, secret, user=settings.username.get_secret_value())
    bounds = ReplyBounds(deadline_s=settings.deadline_s, max_bytes=client.MAX_BYTES, min_interval_s=1.0 / settings.rate)
    wire = Transport(root, subject=name, credential=credential, bounds=bounds, clocks=clocks, ca_file=ca_file)
    return ClickHouse(name, settings, site, wire)


class ClickHouse:
    """A ``DetectionSource``: two queries per fetch (detection, heartbeat), six per 200 tuples of traffic."""

    def __init__(self, name: str, settings: Settings, site: Site, wire: Transport) -> None:
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
        self._covered.setdefault(window, ())
        networks = self._site.networks
        answer = self._run(clickhouse.detection(*self._settings.place, lab=networks.lab), window)
        made, read = mapping.detections(answer.rows, Scope(source=self.name, lab=networks.lab, nat64=networks.nat64))
        made, misfit = fitting(made, read, window)
        if progress is not None:
            progress(answer.read, answer.read)
        seen, unusable, fault = self._heartbeat(window) if self._settings.heartbeat else (None, 0, "")
        lost = (f"{unusable} rows have no usable port and were left out",) if unusable else ()
        taken = coverage.Taken(
            len(answer.rows),
            answer.read,
            lost,
            "; ".join(text for text in (answer.truncated, misfit) if text),
            read.rejected + unusable,
            read.examples,
        )
        health = coverage.health_of(window, taken, seen, fault, clickhouse.PRESETS[self._settings.preset].caveat)
        return (Fetched(source=self.name, window=window, detections=made, health=health),)

    def traffic(self, detections: Sequence[Detection]) -> Traffic:
        """Start times, in 100,000 rows shared out among them, their conversations, users, and what their hosts did."""
        if not detections:
            return Traffic(unknown=_UNKNOWN)
        window = time_ranges.of(detections, self._covered, self._site.now)
        siem = follow_up.Siem(
            self.name,
            clickhouse,
            mapping,
            self._settings.place,
            window,
            client.MAX_ROWS,
            run=lambda text: self._run(text, window),
            hours=lambda: self._covered.get(window) or self._heartbeat(window)[0] or (),
            never=_UNKNOWN,
        )
        known = follow_up.traffic(detections, self._site.networks, siem)
        return with_exchanges(
            known, detections, self._settings.place, self._site.networks.lab, lambda text: self._run(text, window)
        )

    def check(self) -> tuple[CheckResult, ...]:
        """Account, the query over the table without reading it, then one row of the last day."""
        day = time_ranges.last_day(self._site.now)
        return tuple(check.results(self._settings, lambda text: self._run(text, day)))

    def loader(self) -> Loader:
        """What puts rows of log files into the table; the account must be allowed to write."""
        return Loader(self._wire, self._settings, time_ranges.last_day(self._site.now))

    def _heartbeat(self, window: TimeWindow) -> tuple[tuple[coverage.HourRows, ...] | None, int, str]:
        """The rows per hour and those without a port, or None and why they could not be counted."""
        try:
            answer = self._run(clickhouse.heartbeat(*self._settings.place), window)
            self._covered[window], unusable = mapping.hours(answer.rows)
        except (ConnectorError, ValueError) as fault:
            return None, 0, f"rows per hour could not be counted: {fault}"
        return self._covered[window], unusable, ""

    def _run(self, text: str, window: TimeWindow) -> client.Answer:
        return client.run(self._wire, self._settings, text, window)
