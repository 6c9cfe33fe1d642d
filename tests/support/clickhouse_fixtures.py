"""What the ClickHouse tests share: a day of events in a table, and a source that talks to a server in front of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from connectors.sources import clickhouse
from playbook.detections.beaconing import Event, Scope
from tests.emulators.clickhouse import ACCOUNT, Behaviour, Server, running, table
from tests.emulators.clickhouse_engine import Engine, engine
from tests.interpreters.clickhouse import CREATED, WRITERS
from tests.support.splunk_fixtures import EVENTS
from tests.support.sumo_fixtures import LAB, SITE, FakeClock

SCOPE = Scope(source="clickhouse", lab=LAB)
TABLE = "day.connections"


def settings(url: str, **change: Any) -> clickhouse.Settings:
    """Settings for ``url`` with an account that no real server has."""
    given = {
        "base_url": url,
        "username": SecretStr(ACCOUNT[0]),
        "password": SecretStr(ACCOUNT[1]),
        "preset": "canonical",
        "scope": TABLE,
    }
    return clickhouse.Settings(**(given | change))


def stored(events: Sequence[Event] = EVENTS, preset: str = "canonical", name: str = TABLE) -> Engine:
    """The shared engine with these events in a table of the preset."""
    made = engine()
    table(made, name, CREATED[preset], [WRITERS[preset](e) for e in events], "MergeTree ORDER BY tuple()")
    return made


@contextmanager
def talking(server: Server, **change: Any) -> Iterator[clickhouse.ClickHouse]:
    """A source connected to ``server`` over loopback, on a clock of its own."""
    with running(server) as url:
        yield clickhouse.connect("clickhouse", settings(url, **change), SITE, Path(), FakeClock().clocks)


@contextmanager
def over(
    events: Sequence[Event] = EVENTS, behaviour: Behaviour | None = None, **change: Any
) -> Iterator[tuple[clickhouse.ClickHouse, Server]]:
    """A source over these events, and the server."""
    server = Server(stored(events), behaviour)
    with talking(server, **change) as source:
        yield source, server
