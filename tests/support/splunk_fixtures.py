"""What the Splunk tests share: a day of events, and a source that talks to an emulated splunkd on a clock of ours."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from connectors.sources import splunk
from playbook.detections.beaconing import Event, Scope, score_events
from playbook.model.detection import Detection, TimeWindow
from tests.emulators.splunk import Behaviour, Server, running
from tests.support import sumo_fixtures
from tests.support.sumo_fixtures import DAY, END, HOSTILE_HOST, LAB, SITE, FakeClock

__all__ = ("DAY", "END", "HOSTILE_HOST", "LAB", "SITE", "FakeClock")

RULE = "Threat - Botnet Beaconing - Rule"
SCOPE = Scope(source="splunk", lab=LAB)


def a_day() -> list[Event]:
    """The day of the Sumo Logic tests, with attempts that a device refused."""
    rows = [
        Event(
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
        for e in sumo_fixtures.a_day()
    ]
    start = DAY.start.timestamp()
    rows += [Event(start + n * 900, "10.0.0.77", "203.0.113.9", 8443, denied=True) for n in range(90)]
    rows += [Event(start + n * 900 + 1, "10.0.0.31", "203.0.113.66", 6667, "cam-1", denied=True) for n in range(5)]
    return rows


def reference(events: list[Event]) -> tuple[Detection, ...]:
    """What plain Python gives over the same events: the emulator's own arithmetic has no part in it."""
    return _reference(tuple(events))


@cache
def _reference(events: tuple[Event, ...]) -> tuple[Detection, ...]:
    return score_events(events, SCOPE)


def ids() -> Callable[[], str]:
    """Names of search jobs, the same in every run."""
    numbers = count(1)
    return lambda: f"botnet_playbook_{next(numbers)}"


def settings(url: str, **change: Any) -> splunk.Settings:
    """Settings for ``url`` with a token that no real account has."""
    given = {"base_url": url, "token": SecretStr("testtoken"), "preset": "raw", "rate": 50.0}
    return splunk.Settings(**(given | change))


@contextmanager
def talking(server: Server, clock: FakeClock, **change: Any) -> Iterator[splunk.Splunk]:
    """A source connected to ``server`` over loopback, on ``clock``."""
    with running(server) as url:
        yield splunk.connect("splunk", settings(url, **change), SITE, Path(), clock.clocks, ids())


EVENTS = a_day()
NOISE = [e for e in EVENTS if e.dst_ip.startswith("192.0.2.")]
READY = Behaviour(states=())
LOGIN = {"token": None, "username": SecretStr("svc"), "password": SecretStr("testword")}
LEAST = 4  # create, one poll, one page, delete


def fetched(behaviour: Behaviour = READY, events=EVENTS, window: TimeWindow | None = DAY, **change):
    """One fetch, with the server it was made from and the clock."""
    server, clock = Server(events, behaviour), FakeClock()
    with talking(server, clock, **change) as source:
        (got,) = source.fetch(window)
    return got, server, clock
