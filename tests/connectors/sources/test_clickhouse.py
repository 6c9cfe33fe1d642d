"""ClickHouse as a source, over HTTP in front of its own engine: a day, and each way in which an answer is no whole."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from playbook.detections.beaconing import Event, score_events
from playbook.errors import ConfigError, Unauthorized
from playbook.model.detection import TimeWindow
from tests.emulators.clickhouse import Server, table
from tests.interpreters.clickhouse import CREATED, WRITERS
from tests.support.clickhouse_fixtures import SCOPE, TABLE, over, settings, stored, talking
from tests.support.splunk_fixtures import EVENTS, HOSTILE_HOST
from tests.support.sumo_fixtures import DAY

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
