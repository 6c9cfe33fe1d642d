"""What the Cloud SIEM tests share: a day of events as signals, and a source that talks to an emulator."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from connectors.sources import sumologic_cse
from playbook.detections.beaconing import Event, Scope, score_events
from playbook.model.detection import Detection
from tests.emulators.cse import Tenant, running
from tests.support.sumo_fixtures import DAY, END, HOSTILE_HOST, LAB, SITE, FakeClock

__all__ = ("DAY", "END", "HOSTILE_HOST", "LAB", "SITE", "FakeClock")

SCOPE = Scope(source="cse", lab=LAB)
START = DAY.start.timestamp()
CREATED = (END - timedelta(minutes=30)).timestamp()


@cache
def a_day() -> tuple[Event, ...]:
    """A bot, one without byte counters, one that is blocked, IPv6, ICMP, and one below the threshold."""
    made = [
        Event(
            START + n * 900 + n % 7,
            "10.0.0.31",
            "203.0.113.66",
            6667,
            "cam-1",
            n,
            "tcp",
            1,
            215,
            197,
            412,
            process_name=("a", "b")[n % 2],
        )
        for n in range(96)
    ]
    made += [Event(START + n * 600, "10.0.0.44", "203.0.113.5", 4444, HOSTILE_HOST, n) for n in range(40)]
    made += [Event(START + n * 900, "10.0.0.77", "203.0.113.9", 443, denied=True, src_port=n) for n in range(30)]
    made += [Event(START + n * 900, "2001:db8:1::5", "2001:db8::c2", 6697, "", n) for n in range(30)]
    made += [Event(START + n * 300, "10.0.0.50", "203.0.113.9", 6667, "", n, "icmp") for n in range(60)]
    return tuple(made + [Event(START + n * 900, "10.0.0.8", "203.0.113.7", 6667, "", n) for n in range(19)])


@cache
def reference() -> tuple[Detection, ...]:
    """What plain Python gives over the same events."""
    return score_events(a_day(), SCOPE)


def settings(url: str, **change: Any) -> sumologic_cse.Settings:
    """Settings for ``url`` with a key that no real account has."""
    given = {"base_url": url, "access_id": SecretStr("suTESTid"), "access_key": SecretStr("testkey"), "rate": 4.0}
    return sumologic_cse.Settings(**(given | change))


@contextmanager
def talking(tenant: Tenant, clock: FakeClock | None = None, **change: Any) -> Iterator[sumologic_cse.CloudSiem]:
    """A source connected to ``tenant`` over loopback, on a clock of its own."""
    with running(tenant) as url:
        yield sumologic_cse.connect("cse", settings(url, **change), SITE, Path(), (clock or FakeClock()).clocks)
