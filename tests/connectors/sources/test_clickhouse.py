"""ClickHouse as a source, over HTTP in front of its own engine: a day, and each way in which an answer is no whole."""

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.sources import clickhouse
from playbook.detections.beaconing import Event, score_events
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Incomplete, RateLimited, Unauthorized, Unreachable
from playbook.model.detection import TimeWindow
from tests.emulators.clickhouse import Behaviour, Server, table
from tests.emulators.clickhouse_engine import Engine
from tests.emulators.scripted import scripted
from tests.interpreters.clickhouse import CREATED, WRITERS
from tests.support.clickhouse_fixtures import SCOPE, TABLE, over, settings, stored, talking
from tests.support.splunk_fixtures import EVENTS, HOSTILE_HOST
from tests.support.sumo_fixtures import DAY, SITE, FakeClock

pytestmark = [pytest.mark.loopback, pytest.mark.heavy]
CODE = "Code: {}. DB::Exception: {}"


def test_a_day_gives_what_the_reference_gives_and_is_whole() -> None:
    with over() as (source, server):
        (got,) = source.fetch(DAY)
    assert got.detections == score_events(EVENTS, SCOPE) and len(got.detections) >= 5
    assert HOSTILE_HOST in {d.hostname for d in got.detections}
    assert got.health.complete and got.health.rows_read == len(EVENTS) and not got.health.rows_rejected
    assert len(server.seen) == 2, "the detection, and the rows per hour"


def test_every_query_is_bounded_and_may_change_nothing() -> None:
    with over(deadline_s=77, memory_mb=999, max_rows_to_read=10**9) as (source, server):
        source.fetch(DAY)
        source.check()
    for request in server.seen:
        sent = request.query
        assert (sent["readonly"], sent["wait_end_of_query"], sent["skip_unavailable_shards"]) == ("2", "1", "0")
        assert (sent["max_execution_time"], sent["max_memory_usage"]) == ("77", str(999 * 1024 * 1024))
        assert sent["max_rows_to_read"] == str(10**9) and sent["read_overflow_mode"] == "throw"
        assert sent["cancel_http_readonly_queries_on_client_close"] == "1" and sent["join_use_nulls"] == "1"
        assert "testword" not in request.raw_query + request.body.decode()
    with pytest.raises(Exception, match="READONLY"):
        server.engine.run(f"TRUNCATE TABLE {TABLE}", {"readonly": 2})


def test_the_traffic_of_a_day_is_that_of_its_events() -> None:
    with over() as (source, _):
        (got,) = source.fetch(DAY)
        traffic = source.traffic(got.detections)
        assert source.traffic(()).tuples == ()
    known = {t.detection_id: t for t in traffic.tuples}
    for detection in got.detections:
        own = [e for e in EVENTS if (e.hostname, e.src_ip, e.dst_ip, e.dst_port) ==
               (detection.hostname, detection.src_ip, detection.dst_ip, detection.dst_port)]  # fmt: skip
        begun = {int(e.start) for e in own if not e.denied}
        assert set(known[detection.detection_id].start_times or ()) == begun
        assert known[detection.detection_id].attempts == sum(e.conns for e in own)
    assert traffic.active_hosts and traffic.coverage and traffic.history_days
    assert {host.src_ip for host in traffic.hosts} == {d.src_ip for d in got.detections}
    assert all(host.distinct_outside is not None for host in traffic.hosts)


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


def test_a_changed_schema_and_another_type_are_named() -> None:
    engine = stored()
    with talking(Server(engine)) as source:
        engine.run(f"ALTER TABLE {TABLE} RENAME COLUMN dst_port TO destination_port")
        with pytest.raises(ConfigError, match="dst_port"):
            source.fetch(DAY)
        assert [(r.subject, r.ok) for r in source.check()] == [("account", True), ("query", False)]
    table(engine, TABLE, CREATED["canonical"].replace("start DateTime64(6, 'UTC')", "start String"),
          [WRITERS["canonical"](EVENTS[0]) | {"start": "2026-11-23T08:00:00Z"}])  # fmt: skip
    with talking(Server(engine)) as source, pytest.raises(ConfigError, match="Cannot parse"):
        source.fetch(DAY)


def test_no_table_is_a_configuration_error_and_no_row_is_not_no_beaconing() -> None:
    with over([]) as (source, server):
        (got,) = source.fetch(DAY)
        assert [(r.subject, r.ok) for r in source.check()][-1] == ("scope", False)
        server.engine.run(f"DROP TABLE {TABLE}")
        with pytest.raises(ConfigError, match="does not fit scope"):
            source.fetch(DAY)
    assert not got.health.complete and got.detections == ()
    assert any("0 rows, scope unproven" in text for text in got.health.warnings)


def test_silence_is_told() -> None:
    early = [e for e in EVENTS if e.start < DAY.start.timestamp() + 12 * 3600]
    with over(early) as (source, _):
        (got,) = source.fetch(DAY)
    assert not got.health.complete and any("source silent" in text for text in got.health.warnings)


POISON = (
    "'); DROP TABLE day.connections; --",
    "\\",
    "\x00\x1b[2J",
    "\u202egnp.exe",
    "x" * 5_000,
    '"}]}',
    "{start:Float64}",
)


@pytest.mark.parametrize("column", ["hostname", "src_ip", "dst_ip", "proto", "process_name", "service"])
def test_a_poisoned_text_costs_at_most_its_own_row(column: str) -> None:
    rows = [
        WRITERS["canonical"](Event(DAY.start.timestamp() + n * 600, "10.0.0.9", "203.0.113.9", 6667, src_port=n))
        | {column: text}
        for text in POISON
        for n in range(40)
    ]
    engine = stored()
    engine.insert(TABLE, rows)
    engine.run(f"INSERT INTO {TABLE} SELECT * REPLACE (concat({column}, unhex('ff80')) AS {column}) FROM {TABLE}"
               " WHERE src_ip = '10.0.0.31' AND dst_port = 6667")  # fmt: skip
    with talking(Server(engine)) as source:
        (got,) = source.fetch(DAY)
        traffic = source.traffic(got.detections)
    known = {(d.src_ip, d.dst_ip) for d in score_events(EVENTS, SCOPE)}
    assert known <= {(d.src_ip, d.dst_ip) for d in got.detections}
    assert all(len(d.hostname) <= 1_000 for d in got.detections) and traffic.tuples
    assert got.health.rows_rejected == (got.health.rows_rejected if column in ("src_ip", "dst_ip") else 0)
    if column in ("src_ip", "dst_ip"):
        assert got.health.rows_rejected and "expected an address" in got.health.rejected_examples[0]


def test_rows_without_a_port_are_counted_as_rejected() -> None:
    engine = stored()
    engine.run(f"ALTER TABLE {TABLE} MODIFY COLUMN dst_port Nullable(Int32)")
    engine.insert(TABLE, [WRITERS["canonical"](EVENTS[0]) | {"dst_port": port} for port in (None, -1, 70_000)])
    with talking(Server(engine)) as source:
        (got,) = source.fetch(DAY)
    assert got.health.rows_rejected == 3 and any("3 rows have no usable port" in w for w in got.health.warnings)
    assert got.detections == score_events(EVENTS, SCOPE)


def test_a_row_limit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.sources.clickhouse.client.run.__defaults__", (2,))
    with over(heartbeat=False) as (source, _):
        (got,) = source.fetch(DAY)
    assert len(got.detections) == 2 and not got.health.complete
    assert any("more than 2 rows" in text for text in got.health.warnings)


def test_a_wrong_password_names_the_setting_alone() -> None:
    with over(password="wrong-word") as (source, _), pytest.raises(Unauthorized) as fault:
        source.fetch(DAY)
    assert "username and password" in str(fault.value) and "wrong-word" not in str(fault.value)


def test_check_says_what_is_there() -> None:
    with over() as (source, _):
        checked = source.check()
    assert all(result.ok for result in checked)
    assert [result.subject for result in checked] == ["account", "query", "scope", "fields"]
    assert "ClickHouse 26" in checked[0].message


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "x`; DROP TABLE y"},
        {"fields": {"src_ip": "a'b"}},
        {"fields": {"nonsense": "x"}},
        {"preset": "own"},
        {"preset": "nonsense"},
        {"username": None},
        {"memory_mb": 1},
        {"deadline_s": 10**9},
        {"surplus": 1},
    ],
)
def test_settings_are_checked_whole(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings("https://clickhouse.example:8443", **change)


def test_a_window_is_half_open() -> None:
    start = datetime(2026, 11, 23, 12, tzinfo=UTC)
    window = TimeWindow(start=start, end=start + timedelta(hours=6))
    inside = [e for e in EVENTS if window.start.timestamp() <= e.start < window.end.timestamp()]
    with over() as (source, _):
        (got,) = source.fetch(window)
    assert got.detections == score_events(inside, SCOPE) and got.health.rows_read == len(inside)


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
