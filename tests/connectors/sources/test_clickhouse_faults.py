"""Whatever goes wrong at ClickHouse is told, and never looks like an answer without rows."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from connectors.sources import clickhouse
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Incomplete, RateLimited, Unauthorized, Unreachable
from tests.emulators.clickhouse import Behaviour, Server, table
from tests.emulators.clickhouse_engine import Engine
from tests.emulators.scripted import scripted
from tests.interpreters.clickhouse import CREATED, WRITERS
from tests.support.clickhouse_fixtures import TABLE, over, settings, talking
from tests.support.splunk_fixtures import EVENTS
from tests.support.sumo_fixtures import DAY, SITE, FakeClock

pytestmark = [pytest.mark.loopback, pytest.mark.heavy]
CODE = "Code: {}. DB::Exception: {}"


@pytest.mark.parametrize(
    ("code", "text", "kind", "named"),
    [
        (241, "Query memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)", Incomplete, "memory_mb"),
        (159, "Timeout exceeded. (TIMEOUT_EXCEEDED)", Incomplete, "deadline_s"),
        (158, "Limit for rows to read exceeded. (TOO_MANY_ROWS)", Incomplete, "max_rows_to_read"),
        (396, "Limit for result exceeded. (TOO_MANY_ROWS_OR_BYTES)", Incomplete, "larger than"),
        (279, "All connection tries failed: shard-2:9000. (ALL_CONNECTION_TRIES_FAILED)", Incomplete, "shard"),
        (210, "Connection refused (shard-2:9000). (NETWORK_ERROR)", Incomplete, "shard"),
        (394, "Query was cancelled. (QUERY_WAS_CANCELLED)", Incomplete, "cancelled"),
        (202, "Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)", RateLimited, "too many queries"),
        (497, "reader: Not enough privileges. (ACCESS_DENIED)", Unauthorized, "SELECT"),
        (164, "Cannot modify 'max_memory_usage' setting in readonly mode. (READONLY)", ConfigError, "readonly = 2"),
        (60, "Unknown table expression identifier. (UNKNOWN_TABLE)", ConfigError, "scope, preset and fields"),
        (999, "\x1b[31mUnheard of\u202e. (KEEPER_EXCEPTION)", BadAnswer, "999"),
    ],
)
def test_an_error_says_what_to_do_and_is_never_an_empty_answer(
    code: int, text: str, kind: type[Exception], named: str
) -> None:
    with over(behaviour=Behaviour(error=CODE.format(code, text))) as (source, _), pytest.raises(kind) as fault:
        source.fetch(DAY)
    said = str(fault.value)
    assert named in said and "\x1b" not in said and "\u202e" not in said and len(said) < 600


def test_an_error_after_the_first_rows_is_noticed_even_with_status_200() -> None:
    late = Behaviour(late=CODE.format(241, "Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)"))
    with over(behaviour=late) as (source, server):
        with pytest.raises(Incomplete, match="memory_mb"):
            source.fetch(DAY)
        server.behaviour.profile = {}
        body = server.answer(_without_waiting(server)).body
    with scripted() as peer:
        peer.acts = [lambda handler: _send(handler, 200, body)]
        with (
            pytest.raises(Incomplete, match="memory_mb"),
            _source(peer.url) as source,
        ):
            source.fetch(DAY)


def test_an_answer_that_is_cut_is_no_answer() -> None:
    for cut in (3, 40, 400):
        with over(behaviour=Behaviour(cut=cut)) as (source, _), pytest.raises((BadAnswer, Incomplete)):
            source.fetch(DAY)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Ok.\n",
        b"[]",
        b"<html>proxy</html>",
        b'{"meta": [], "data": [], "rows": 0}',
        b'{"meta": [{"name": "x"}], "data": [[1]], "rows": 2}',
        b'{"meta": [{"name": "x"}], "data": [[1, 2]], "rows": 1}',
        b'{"meta": [{"name": "x"}], "data": [], "rows": 0, "exception": "Code: 241. DB::Exception: memory"}',
        b'{"meta": [{"name": "x"}], "data": [], "rows": NaN}',
        b"{" * 100_000,
        b'{"meta": [{"name": "x"}], "data": [[1]], "rows": -1}',
    ],
)
def test_what_is_not_the_documented_answer_is_refused(body: bytes) -> None:
    with scripted() as peer:
        peer.acts = [lambda handler: _send(handler, 200, body)]
        with _source(peer.url) as source, pytest.raises(ConnectorError):
            source.fetch(DAY)


def test_a_server_that_is_down_or_hangs_up_is_unreachable() -> None:
    with _source("http://127.0.0.1:1") as source, pytest.raises(Unreachable):
        source.fetch(DAY)
    with over() as (source, server):
        server.lost = {1, 2, 3}
        with pytest.raises(Unreachable):
            source.fetch(DAY)
        server.lost = {4}
        assert source.fetch(DAY)[0].health.complete, "one lost answer is asked for again"


def test_a_server_killed_in_the_middle_leaves_no_answer() -> None:
    own = Engine()
    table(own, TABLE, CREATED["canonical"], [WRITERS["canonical"](e) for e in EVENTS])
    with talking(Server(own)) as source:
        (got,) = source.fetch(DAY)
        own.kill()
        with pytest.raises(Unreachable):
            source.fetch(DAY)
        traffic = source.traffic(got.detections)
    own.close()
    assert traffic.tuples == () and len(traffic.unknown) >= 4


def test_the_engine_itself_ends_what_costs_too_much() -> None:
    many = [e for e in EVENTS for _ in range(20)]
    with over(many, memory_mb=64) as (source, server):
        with pytest.raises(Incomplete, match="raise max_rows_to_read"), talking(server, max_rows_to_read=10) as little:
            little.fetch(DAY)
        server.behaviour.profile = {"max_memory_usage": "100000", "max_untracked_memory": "1"}
        with pytest.raises(Incomplete, match="raise memory_mb"):
            source.fetch(DAY)


def _send(handler: Any, status: int, body: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _without_waiting(server: Server) -> Any:
    """The last request, sent by a client that does not ask to wait for the end."""
    last = server.seen[-1]
    return type(last)(last.method, last.path, last.query | {"wait_end_of_query": "0"}, last.headers, last.body)


def _source(url: str) -> AbstractContextManager[clickhouse.ClickHouse]:
    """A source of whatever answers at ``url``."""
    return nullcontext(clickhouse.connect("clickhouse", settings(url), SITE, Path(), FakeClock().clocks))
