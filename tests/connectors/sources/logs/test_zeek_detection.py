"""Detection over generated Zeek logs: DuckDB's rows are those of the reference, in every form and on every path."""

import json
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.logs import Settings, connect
from connectors.sources.logs.aggregate import aggregate
from connectors.sources.logs.formats import zeek
from connectors.sources.logs.schema import Scan
from playbook.detections.beaconing import Scope, score, score_events, sort_key
from playbook.detections.languages import render
from playbook.model.detection import TimeWindow
from playbook.model.site import Networks, Site
from tests.support.examples import examples
from tests.support.zeek_reader import ORDER, event, log_text, rows

LAB = (ip_network("198.51.100.0/24"),)
SITE = Site(now=datetime(2026, 1, 1, tzinfo=UTC), networks=Networks(lab=LAB))
DAY = 1_600_041_600.0  # midnight, UTC
DESTINATIONS = (
    "8.8.4.4",
    "198.51.100.7",
    "10.9.9.9",
    "192.168.1.1",
    "224.0.0.251",
    "100.64.1.1",
    "169.254.0.9",
    "255.255.255.255",
    "2606:4700::1111",
    "2001:db8::1",
    "::ffff:10.0.0.1",
    "::ffff:9.9.9.9",
    "64:ff9b::a00:1",
    "64:ff9b::808:808",
    "2002:a00:1::1",
    "ff02::fb",
    "fe80::1",
)
COUNTER = st.sampled_from([None, 0, 1, 40, 76, 116, 249, 250, 499, 500, 9000])
TEMPLATE = st.fixed_dictionaries(
    {
        "id.orig_h": st.sampled_from(["10.0.0.1", "10.0.0.2", "fd00::7"]),
        "id.resp_h": st.sampled_from(DESTINATIONS),
        "id.resp_p": st.sampled_from([0, 53, 80, 123, 443, 443, 6667, 65535]),
        "proto": st.sampled_from(["tcp", "tcp", "udp", "icmp", "unknown_transport"]),
        "service": st.sampled_from([None, None, "ssl", "dns", "irc", "ssl,http"]),
        "history": st.sampled_from([None, "ShADadfF", "DdA", "Dd", "", "^dtt"]),
        "orig_bytes": COUNTER,
        "resp_bytes": COUNTER,
        "orig_ip_bytes": COUNTER,
        "resp_ip_bytes": COUNTER,
        "orig_pkts": st.sampled_from([None, 0, 1, 2]),
        "resp_pkts": st.sampled_from([None, 0, 1, 2]),
    }
)
SERIES = st.tuples(
    TEMPLATE,
    st.integers(0, 3 * 3600),
    st.sampled_from([0, 1, 30, 61.5, 180, 360, 900, 3600]),
    st.sampled_from([1, 5, 19, 20, 21, 60, 101, 205]),
    st.sampled_from([0, 1, 1, 7]),
)


def lines_of(series) -> list[dict]:
    """The rows of each series: ``count`` connections ``step`` seconds apart from ``start``, ports ``by`` apart."""
    return [
        template
        | {
            "ts": DAY - 3600 + start + number * step,
            "uid": f"C{number}",
            "id.orig_p": 40000 + number * by,
            "conn_state": "SF",
        }
        for template, start, step, count, by in series
        for number in range(count)
    ]


@examples(6)
@given(st.lists(SERIES, min_size=1, max_size=5), st.permutations(ORDER), st.booleans())
def test_every_path_gives_the_rows_of_the_reference(tmp_path: Path, series, order, keep: bool) -> None:
    log = tmp_path / "conn.log"
    log.write_text(log_text(lines_of(series), order))
    events = [event(line) for line in rows(log)]
    for profile in ("default", "seed"):
        source = connect("logs", Settings(paths=(log,), profile=profile, keep_traffic=keep, window="all"), SITE)
        (found,) = source.fetch(None)
        source.close()
        assert found.detections == score_events(events, Scope("logs", profile, LAB))
        assert (found.health.rows_read, found.health.rows_rejected) == (len(events), 0)


@examples(4)
@given(st.lists(SERIES, min_size=1, max_size=5))
def test_the_query_that_is_printed_gives_the_rows_of_the_reference(tmp_path: Path, series) -> None:
    log = tmp_path / "conn.log"
    log.write_text(log_text(lines_of(series)))
    form = zeek.recognise(log.read_text(), str(log))
    events = [event(line) for line in rows(log)]
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW conn AS {zeek.select(form, [str(log)], Scan(rejects='bad'))}")
        for profile in ("default", "seed"):
            answer = connection.execute(render("duckdb", profile=profile, purpose="fetch")).fetchall()
            scored = [score(aggregate(one[1:]), Scope("logs", profile)) for one in answer]
            expected = score_events(events, Scope("logs", profile))
            assert tuple(sorted((one for one in scored if one), key=sort_key)) == expected


def beats(count: int, step: float, first: float = DAY, **more) -> list[dict]:
    template = {
        "id.orig_h": "10.0.0.1",
        "id.resp_h": "8.8.4.4",
        "id.resp_p": 443,
        "proto": "tcp",
        "history": "ShADad",
        "orig_ip_bytes": 100,
        "resp_ip_bytes": 100,
        "conn_state": "SF",
        "uid": "C",
    }
    return [
        template | {"ts": first + number * step, "id.orig_p": 40000 + number % 20000} | more for number in range(count)
    ]


def fetched(path: Path, **choices):
    given_window = choices.pop("given", None)
    source = connect("logs", Settings(paths=(path,), **choices), SITE)
    try:
        return source.fetch(given_window)
    finally:
        source.close()


@pytest.mark.parametrize("keep", [False, True])
def test_a_long_log_is_read_in_weeks_from_its_first_hour(tmp_path: Path, keep: bool) -> None:
    log = tmp_path / "conn.log"
    log.write_text(log_text(beats(20 * 24 * 4, 900, DAY + 120)))
    weeks = fetched(log, keep_traffic=keep)
    assert [week.window.start.timestamp() for week in weeks] == [DAY, DAY + 7 * 86400, DAY + 14 * 86400]
    assert [week.health.rows_read for week in weeks] == [672, 672, 576]
    assert [week.detections[0].hourly_buckets for week in weeks] == [168, 168, 144]
    assert len({week.detections[0].detection_id for week in weeks}) == 1
    (whole,) = fetched(log, window="all", keep_traffic=keep)
    assert (whole.detections[0].connections, whole.detections[0].hourly_buckets) == (1920, 480)


def test_a_window_counts_back_from_the_newest_event_or_is_given(tmp_path: Path) -> None:
    log = tmp_path / "conn.log"
    log.write_text(log_text(beats(48 * 30, 120)))
    (back,) = fetched(log, window="24h")
    assert back.detections[0].connections == 24 * 30 + 1  # both ends of the day are in it
    window = TimeWindow(start=datetime.fromtimestamp(DAY, UTC), end=datetime.fromtimestamp(DAY + 7200 * 2, UTC))
    (given_one,) = fetched(log, given=window)
    assert (given_one.window, given_one.detections[0].connections) == (window, 120)
    nothing = TimeWindow(start=datetime(2001, 1, 1, tzinfo=UTC), end=datetime(2001, 1, 2, tzinfo=UTC))
    (empty,) = fetched(log, given=nothing)
    assert empty.detections == () and empty.window == nothing
    assert any("no row lies in the window" in warning for warning in empty.health.warnings)


def test_silent_hours_are_named_and_a_log_of_1970_is_valid(tmp_path: Path) -> None:
    log = tmp_path / "conn.log"
    log.write_text(log_text(beats(60, 120, 15.0) + beats(60, 120, 15.0 + 5 * 3600)))
    (found,) = fetched(log)
    assert found.detections[0].connections == 120
    assert [hour.timestamp() for hour in found.health.silent_hours] == [7200.0, 10800.0, 14400.0]
    assert any("before 2000" in warning for warning in found.health.warnings)
    assert found.health.complete


@pytest.mark.parametrize("style", ["id.orig_h", "id_orig_h"])
@pytest.mark.parametrize("text_time", [False, True])
def test_json_in_both_styles_gives_the_rows_of_tsv(tmp_path: Path, style: str, text_time: bool) -> None:
    lines = beats(60, 180) + beats(30, 360, service="irc", **{"id.resp_p": 6667})
    log, as_json = tmp_path / "conn.log", tmp_path / "conn.json"
    log.write_text(log_text(lines))

    def told(line: dict) -> str:
        stamp = datetime.fromtimestamp(line["ts"], UTC).isoformat() if text_time else line["ts"]
        renamed = {(key.replace("id.", "id_") if style == "id_orig_h" else key): value for key, value in line.items()}
        return json.dumps(renamed | {"ts": stamp})

    as_json.write_text("\n".join(map(told, lines)) + "\n")
    (one,), (other,) = fetched(log), fetched(as_json)
    assert len(one.detections) == 2
    assert one.detections == other.detections
    assert other.health.rows_read == 90


@pytest.mark.parametrize("keep", [False, True])
def test_further_rows_of_one_session_do_not_make_a_beacon_look_slow(tmp_path: Path, keep: bool) -> None:
    """Eleven an hour for eight hours; a session that goes on for four hours more would make it seven an hour."""
    log = tmp_path / "conn.log"
    calls = beats(88, 8 * 3600 / 88)
    goes_on = beats(4, 3600, DAY + 8 * 3600, history="DadA", **{"id.orig_p": 40000})
    log.write_text(log_text(calls + [line | {"id.orig_p": 40000} for line in goes_on]))
    (found,) = fetched(log, keep_traffic=keep)[0].detections
    assert (found.connections, found.hourly_buckets, found.avg_per_hour, found.beaconing_score) == (88, 8, 11.0, 2)
