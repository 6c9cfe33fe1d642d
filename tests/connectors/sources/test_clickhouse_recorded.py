"""ClickHouse over recorded answers: offline, without a socket, under a host name like a customer's."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from connectors.sources import clickhouse
from playbook.detections.beaconing import score_events
from playbook.errors import Incomplete, Unauthorized
from tests.connectors.sources.test_splunk_recorded import EVENTS
from tests.emulators.clickhouse import ACCOUNT, Behaviour, Server, running
from tests.support.clickhouse_fixtures import SCOPE, settings, stored
from tests.support.sumo_fixtures import SITE

VENDOR = "https://clickhouse.example.com:8443"


def serving(cassette, behaviour: Behaviour | None, account: bool) -> Callable[[str], AbstractContextManager[str]]:
    """The engine is started when something is recorded, not before."""

    @contextmanager
    def started(_: str) -> Iterator[str]:
        proof = (ACCOUNT[0], cassette.secret("CLICKHOUSE_PASSWORD").get_secret_value())
        with running(Server(stored(EVENTS), behaviour, proof if account else ACCOUNT)) as url:
            yield url

    started.__module__ = "tests.emulators.clickhouse"
    return started


def connected(cassette, behaviour: Behaviour | None = None, account: bool = True, **change) -> clickhouse.ClickHouse:
    """A source under the vendor's name, with the credential that a recording hides."""
    url = cassette.site(VENDOR, serving(cassette, behaviour, account))
    given = {"password": cassette.secret("CLICKHOUSE_PASSWORD")} | change
    return clickhouse.connect("clickhouse", settings(url, **given), SITE, Path(), cassette.clocks)


def test_fetch_and_traffic(cassette) -> None:
    source = connected(cassette)
    (fetched,) = source.fetch(None)
    assert fetched.detections == score_events(EVENTS, SCOPE) and len(fetched.detections) == 3
    assert fetched.health.complete and fetched.health.rows_read == len(EVENTS)
    traffic = source.traffic(fetched.detections)
    assert {t.detection_id for t in traffic.tuples} == {d.detection_id for d in fetched.detections}
    assert {len(t.start_times or ()) for t in traffic.tuples} == {96, 48, 28}


def test_check(cassette) -> None:
    assert all(result.ok for result in connected(cassette).check())


def test_a_query_out_of_memory_is_not_an_empty_one(cassette) -> None:
    out = Behaviour(error="Code: 241. DB::Exception: Query memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)")
    with pytest.raises(Incomplete, match="memory_mb"):
        connected(cassette, out).fetch(None)


def test_a_refused_password(cassette) -> None:
    with pytest.raises(Unauthorized, match="username and password"):
        connected(cassette, account=False).fetch(None)
