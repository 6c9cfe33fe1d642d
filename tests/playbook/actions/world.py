"""What the tests of the actions share: a detection's row, an approval, and an Outside made of stand-ins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from playbook.assembly import ActionContext, action_context
from playbook.config import Config
from playbook.model.address import Network
from playbook.model.detection import Fetched, SourceHealth, TimeWindow
from playbook.model.enrichment import Enrichment
from playbook.model.site import Networks, Site
from tests.support.builders import NOW

ROW = {
    "src_ip": "10.20.0.31",
    "dst_ip": "203.0.113.66",
    "dst_port": 6667,
    "connections": 288,
    "hourly_buckets": 24,
    "first_seen": "2026-11-23 00:03:00",
    "last_seen": "2026-11-23 23:58:12",
    "services": "irc",
    "transports": "tcp",
}
APPROVED = {"plan_id": "P-0123456789ab", "digest": "ab" * 32, "approved_by": "alice"}
READ = SourceHealth(rows_read=500)


class Enricher:
    """Answers what it was told to, or fails."""

    remote = False

    def __init__(
        self, name: str, topic: str, *answers: object, unavailable: str | None = None, fault: Exception | None = None
    ) -> None:
        self.name, self.topics, self.asked = name, (topic,), []
        self._answers, self._unavailable, self._fault = answers, unavailable, fault

    def look_up(self, observables: Sequence, window: TimeWindow) -> tuple[Enrichment, ...]:
        self.asked += observables
        if self._fault:
            raise self._fault
        return tuple(
            Enrichment(
                enricher=self.name,
                topic=self.topics[0],
                observable=o,
                answers=self._answers,
                unavailable=self._unavailable,
            )
            for o in observables
        )


class Source:
    """Gives one detection, in a window that is remembered."""

    name = "siem"

    def __init__(self, *detections: object, health: SourceHealth = READ) -> None:
        self.windows, self.tables, self._detections, self._health = [], [], detections, health

    def fetch(self, window: TimeWindow | None, progress: object = None) -> tuple[Fetched, ...]:
        self.windows.append(window)
        span = window or TimeWindow(start=NOW - timedelta(days=1), end=NOW)
        return (Fetched(source="siem", window=span, detections=self._detections, health=self._health),)


@dataclass
class World:
    """An Outside made of stand-ins."""

    enricher: tuple[Enricher, ...] = ()
    origin: Source = field(default_factory=Source)
    config: Config = field(default_factory=lambda: Config(sources={"siem": {"kind": "sumologic"}}))
    file: str = "test.toml"
    now = NOW
    site: Site = field(default_factory=lambda: Site(now=NOW))
    scopes: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)
    parts: Mapping[str, object] = field(default_factory=dict)

    def source(self, table: tuple[str, dict]) -> Source:
        self.origin.tables.append(table)
        return self.origin

    def enrichers(self) -> tuple[tuple[Enricher, ...], Mapping]:
        return self.enricher, self.scopes

    def everything(self) -> tuple[Mapping, tuple[str, ...]]:
        return self.parts, ("a warning",)


def lab(**change: object) -> Config:
    """A configuration in which 203.0.113.0/24 counts as outside."""
    return Config(networks=Networks(lab=("203.0.113.0/24",)), **change)


def outside(config: Config) -> ActionContext:
    """The real thing, wired from a configuration."""
    return action_context(config, "test.toml", NOW)
