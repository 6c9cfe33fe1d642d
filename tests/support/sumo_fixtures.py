"""What the Sumo Logic tests share: a clock for both ends, a day of events, and a source that talks to an emulator."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr

from connectors.http import Clocks
from connectors.sources import sumologic
from playbook.detections.beaconing import Event as LogEvent
from playbook.detections.beaconing import Scope, score_events
from playbook.model.detection import Detection, Fetched, TimeWindow
from playbook.model.site import Networks, Site
from tests.emulators.sumo import Behaviour, Tenant, running
from tests.emulators.sumo_records import Event

M = TypeVar("M", bound=BaseModel)
END = datetime(2026, 11, 24, tzinfo=UTC)
DAY = TimeWindow(start=END - timedelta(days=1), end=END)
LAB = tuple(ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))
SITE = Site(networks=Networks(lab=LAB), now=END + timedelta(minutes=15))
HOSTILE_HOST = 'x" | delete\n| where `id` = "back\\slash'


class FakeClock:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.slept.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        """The time of this clock."""
        return self.now

    @property
    def clocks(self) -> Clocks:
        """As a transport takes it."""
        return Clocks(self.sleep, self.monotonic)


def a_day() -> list[Event]:
    """A seeded day: an IRC bot, an HTTPS bot, a backup, a hostile name, IPv6, ICMP, and noise that fires nothing."""
    pick = random.Random(11)
    start = DAY.start.timestamp()
    rows = [
        Event(start + n * 300, "10.0.0.31", "203.0.113.66", 6667, "cam-1", 215, 197, service="irc") for n in range(288)
    ]
    rows += [
        Event(
            start + n * 120 + pick.randrange(9),
            "10.0.0.32",
            "198.51.100.9",
            443,
            "pc-7",
            180,
            90,
            process_name=pick.choice(["updater", "svchost"]),
        )
        for n in range(720)
    ]
    rows += [
        Event(start + 3600 + n * 60, "10.0.0.9", "198.51.100.70", 443, "fs-1", 9_000_000, 4_000) for n in range(240)
    ]
    rows += [Event(start + n * 600, "10.0.0.44", "203.0.113.5", 4444, HOSTILE_HOST, 80, None) for n in range(100)]
    rows += [Event(start + n * 700, "2001:db8:1::5", "2001:db8::c2", 6697, bytes_total=400) for n in range(120)]
    rows += [Event(start + n * 300, "10.0.0.50", "203.0.113.9", 6667, proto="icmp") for n in range(200)]
    rows += [Event(start + n * 300, "10.0.0.51", "10.9.9.9", 6667) for n in range(200)]
    rows += [
        Event(start + n * 70, f"10.0.1.{n % 200}", f"192.0.2.{pick.randrange(250)}", 443, "", 1, 1) for n in range(1200)
    ]
    return rows


def reference(events: list[Event], source: str = "sumo") -> tuple[Detection, ...]:
    """What plain Python gives over the same events: the emulator's own arithmetic has no part in it."""
    rows = (
        LogEvent(
            start=e.start,
            src_ip=e.src_ip,
            dst_ip=e.dst_ip,
            dst_port=e.dst_port,
            hostname=e.hostname,
            proto=e.proto,
            conns=e.conns,
            bytes_sent=e.bytes_sent,
            bytes_rcvd=e.bytes_rcvd,
            bytes_total=e.total,
            process_name=e.process_name,
            service=e.service,
        )
        for e in events
    )
    return score_events(rows, Scope(source=source, lab=LAB))


def settings(url: str, **change: Any) -> sumologic.Settings:
    """Settings for ``url`` with a key that no real account has."""
    given = {"base_url": url, "access_id": SecretStr("suTESTid"), "access_key": SecretStr("testkey"), "rate": 4.0}
    return sumologic.Settings(**(given | change))


@contextmanager
def talking(tenant: Tenant, clock: FakeClock, **change: Any) -> Iterator[sumologic.SumoLogic]:
    """A source connected to ``tenant`` over loopback; both live on ``clock``."""
    tenant.clock = clock.monotonic
    with running(tenant) as url:
        yield sumologic.connect("sumo", settings(url, **change), SITE, Path(), clock.clocks)


def findings_of(got: Fetched, detection_id: str, model: type[M]) -> tuple[M, ...]:
    """The notables or insights that a fetch tied to a detection, newest first."""
    return tuple(model.model_validate_json(f.reference) for f in got.findings if f.detection_id == detection_id)


EVENTS = a_day()
READY = Behaviour(states=())


def fetched(behaviour: Behaviour = READY, events=EVENTS, window: TimeWindow | None = DAY, **change):
    """One fetch, with the tenant it was made from and the clock."""
    tenant, clock = Tenant(events, behaviour), FakeClock()
    with talking(tenant, clock, **change) as source:
        (answer,) = source.fetch(window)
    return answer, tenant, clock
