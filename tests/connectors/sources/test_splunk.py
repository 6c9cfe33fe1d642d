"""Splunk over a loopback splunkd: the same detections as plain Python, complete or honestly incomplete."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.clients.splunk import client, decoding
from connectors.clients.splunk.search_job import V1, V2, JobGone
from connectors.sources.splunk import mapping
from playbook.config import NamedSecret
from playbook.detections.languages import splunk as language
from playbook.errors import BadAnswer, ConfigError, Incomplete, RateLimited, Unauthorized, Unreachable
from tests.emulators.splunk import QUOTA, Behaviour, Server
from tests.emulators.splunk_records import answer, sent
from tests.support.splunk_fixtures import (
    DAY,
    END,
    EVENTS,
    HOSTILE_HOST,
    LEAST,
    LOGIN,
    NOISE,
    READY,
    SCOPE,
    SITE,
    FakeClock,
    fetched,
    reference,
    talking,
)

pytestmark = pytest.mark.loopback


@pytest.mark.parametrize("preset", ["raw", "cim", "tstats", "sysmon"])
def test_the_same_detections_as_plain_python(preset: str) -> None:
    got, _, _ = fetched(preset=preset)
    assert got.detections == reference(EVENTS)
    assert len(got.detections) == 6 and got.health.complete and got.health.rows_read == len(EVENTS)
    by_host = {d.host_text: d for d in got.detections}
    assert not by_host["2001:db8:1::5"].total_bytes_sent and by_host["2001:db8:1::5"].bytes_known
    assert not by_host[HOSTILE_HOST.lower()].bytes_known
    assert by_host["10.0.0.77"].blocked and by_host["cam-1"].denied == 5 and not by_host["cam-1"].blocked
    assert by_host["pc-7"].processes == ("svchost", "updater"), "a cell of several values is a list"


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(states=("QUEUED", "PARSING", "RUNNING", "FINALIZING")),
        Behaviour(states=(), unready=3),
        Behaviour(states=(), page_cap=2),
        Behaviour(states=(), text_flags=True),
        Behaviour(states=(), old=True),
        Behaviour(states=(), busy=2),
        Behaviour(states=(), busy=2, busy_status=503),
        Behaviour(states=(), grows=500),
        Behaviour(states=(), statuses={2: (429, {}), 4: (503, {"Retry-After": "7"}), 6: (502, {}), 9: (500, {})}),
        Behaviour(states=(), statuses={1: (502, {})}),
        Behaviour(states=(), statuses={1: (429, {})}),
    ],
    ids=[
        "states",
        "204 first",
        "short pages",
        "flags as text",
        "no v2",
        "quota 200",
        "quota 503",
        "grows while paging",
        "429 and 5xx",
        "502 at create",
        "429 at create",
    ],
)
def test_whatever_the_server_does_the_detections_are_the_same(behaviour: Behaviour) -> None:
    got, server, _ = fetched(behaviour)
    assert got.detections == reference(EVENTS) and got.health.complete
    assert not server.jobs, "every job is removed"


def test_the_default_window_ends_fifteen_minutes_before_now_in_epoch_seconds() -> None:
    got, server, _ = fetched(window=None)
    form = server.forms[0]
    assert got.window == DAY and SITE.now - END == timedelta(minutes=15)
    assert (form["earliest_time"], form["latest_time"]) == ("1795392000", "1795478400")
    assert form["exec_mode"] == "normal" and form["id"] == "botnet_playbook_1" and form["auto_cancel"] == "120"
    shifted = DAY.model_copy(update={"start": DAY.start + timedelta(milliseconds=1500)})
    assert fetched(window=shifted)[1].forms[0]["earliest_time"] == "1795392001.5"


@pytest.mark.parametrize(("number", "pages"), [(0, 0), (1, 1), (10_000, 1), (25_000, 1), (60_000, 2)])
def test_requests_are_the_minimum_that_paging_allows(number: int, pages: int) -> None:
    given_rows = [{"src_ip": "no address", "row_count": n} for n in range(number)]
    server, clock = Server(EVENTS, READY, rows=given_rows), FakeClock()
    seen: list[tuple[int, int]] = []
    with talking(server, clock, heartbeat=False) as source:
        (got,) = source.fetch(DAY, lambda done, total: seen.append((done, total)))
    assert len(server.log) == LEAST - 1 + pages
    assert got.health.rows_rejected == number and len(seen) == pages
    assert not number or seen[-1] == (number, number), "never the hundred that is the default"


def test_polls_back_off_from_one_second_to_fifteen() -> None:
    _, _, clock = fetched(Behaviour(states=("RUNNING",) * 7), heartbeat=False)
    assert [s for s in clock.slept if s >= 0.9] == [1, 2, 4, 8, 15, 15, 15, 15]


def test_requests_keep_the_pace_that_is_set() -> None:
    _, server, clock = fetched(rate=0.5)
    assert clock.now >= 2.0 * (len(server.log) - 1)


def test_a_slow_drip_ends_with_the_deadline_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CALL_S", 0.6)
    with pytest.raises(Unreachable, match="deadline"):
        fetched(Behaviour(states=(), drip_s=0.02), heartbeat=False)


def test_a_create_whose_answer_was_lost_is_looked_up_and_not_sent_again() -> None:
    got, server, _ = fetched(Behaviour(states=(), lost=(1,)), heartbeat=False)
    assert got.detections == reference(EVENTS) and not server.jobs
    assert [entry for entry in server.log if entry[0] == "POST"] == [("POST", V2)]
    assert server.log[1] == ("GET", f"{V2}/botnet_playbook_1")


def test_a_create_that_never_gets_through_is_given_up_and_cleaned_up() -> None:
    server, clock = Server(EVENTS, Behaviour(states=(), statuses={n: (502, {}) for n in range(1, 40, 2)})), FakeClock()
    with talking(server, clock) as source, pytest.raises(Unreachable, match="502"):
        source.fetch(DAY)
    assert sum(method == "POST" for method, _ in server.log) == 4 and server.log[-1][0] == "DELETE"


def test_a_job_that_vanished_is_created_once_more() -> None:
    got, server, _ = fetched(Behaviour(states=(), statuses={2: (404, {})}), heartbeat=False)
    assert got.detections == reference(EVENTS) and server.forms[0]["id"] == "botnet_playbook_1"
    with pytest.raises(JobGone):
        fetched(Behaviour(states=(), statuses={2: (404, {}), 5: (404, {})}), heartbeat=False)


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        (
            Behaviour(
                states=(), final="FAILED", failed=True, messages=[("FATAL", "Error in 'EvalCommand'"), ("INFO", "x")]
            ),
            Incomplete,
            "'FAILED'.*EvalCommand",
        ),
        (Behaviour(states=(), failed=True), Incomplete, "no reason given"),
        (
            Behaviour(states=(), messages=[("FATAL", "out of disk"), ("INFO", "the last message is harmless")]),
            Incomplete,
            "out of disk",
        ),
        (Behaviour(states=(), final="FAILED", failed=True, messages=[("WARN", QUOTA)]), RateLimited, "maximum number"),
        *(
            (Behaviour(states=(), final=state), Incomplete, state)
            for state in (
                "PAUSE",
                "INTERNAL_CANCEL",
                "USER_CANCEL",
                "BAD_INPUT_CANCEL",
                "QUIT",
                "FAILED",
                "SOMETHING NEW",
            )
        ),
        (Behaviour(states=("RUNNING",) * 99), Incomplete, "deadline"),
        (Behaviour(states=(), unready=99), Incomplete, "deadline"),
        (Behaviour(busy=99), RateLimited, "no search slot"),
        (Behaviour(redirect="https://evil.example/en-US/account/login"), BadAnswer, "8089"),
        (Behaviour(refuse=True), Unauthorized, "refused token .401.: call not properly authenticated"),
        (Behaviour(statuses={n: (403, {}) for n in range(1, 9)}), Unauthorized, "capability search"),
        (Behaviour(statuses={n: (404, {}) for n in range(1, 9)}), ConfigError, "8089"),
        (Behaviour(statuses={n: (429, {}) for n in range(1, 9)}), RateLimited, "429"),
        (Behaviour(states=(), results="<html>maintenance</html>"), BadAnswer, "expected JSON"),
        (Behaviour(states=(), empty=True), BadAnswer, "empty answer"),
        (Behaviour(states=(), results='{"results": [], "preview": true}'), BadAnswer, "preview"),
        (Behaviour(states=(), results='{"results": {"a": 1}}'), BadAnswer, "results"),
        (Behaviour(states=(), results='{"preview": false, "lastrow": true}'), BadAnswer, "results"),
    ],
)
def test_what_cannot_be_believed_is_an_error_with_its_reason(behaviour: Behaviour, error: type, words: str) -> None:
    with pytest.raises(error, match=words) as told:
        fetched(behaviour, heartbeat=False, deadline_s=60)
    assert "testtoken" not in str(told.value)


def test_a_query_that_the_server_refuses_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    server, clock = Server(EVENTS), FakeClock()
    with talking(server, clock) as source:
        monkeypatch.setattr(language, "detection", lambda *_: "search index=a | nosuchcmd")
        with pytest.raises(ConfigError, match="Unknown search command 'nosuchcmd'"):
            source.fetch(DAY)
    assert server.log == [("POST", V2)], "nothing was started, nothing is to be removed"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (Behaviour(states=(), finalized=True), "finalized"),
        (Behaviour(states=(), overstated=3), "reported 9 rows, 6 were returned"),
        (Behaviour(states=(), messages=[("ERROR", "[idx2] Streamed search execute failed"), ("INFO", "x")]), "idx2"),
        (Behaviour(states=(), messages=[("WARN", "Unable to distribute to peer named idx3")]), "idx3"),
        (Behaviour(states=(), page_messages=[("WARN", "stats: memory limit reached, results truncated")]), "truncated"),
    ],
)
def test_rows_beside_a_fault_are_kept_and_marked_incomplete(behaviour: Behaviour, words: str) -> None:
    got, _, _ = fetched(behaviour, heartbeat=False)
    assert got.detections == reference(EVENTS) and not got.health.complete
    assert any(words in warning for warning in got.health.warnings)
    if not behaviour.overstated:
        with pytest.raises(Incomplete, match=words if not behaviour.page_messages else "rows"):
            empty = behaviour if not behaviour.page_messages else Behaviour(states=(), overstated=1)
            fetched(empty, events=[], heartbeat=False)


def test_hours_that_were_not_all_counted_are_unknown() -> None:
    got, _, _ = fetched(Behaviour(states=(), finalized=True))
    assert any(w.startswith("rows per hour could not be counted") for w in got.health.warnings)
    assert got.health.newest_event is None and not got.health.silent_hours


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dst_port": ("80", "443")}, "dst_port: expected one value, got 2"),
        ({"dst_port": ()}, "dst_port: expected"),
        ({"dst_port": ("65536",)}, "0 to 65535"),
        ({"src_ip": ("cam-1",)}, "src_ip: expected an address"),
        ({"connections": ("-1",)}, "connections: out of range"),
        ({"connections": ("NaN",)}, "connections"),
        ({"connections": ("9" * 19,)}, "out of range"),
        ({"first_ms": ("9" * 18,)}, "first_ms: out of range"),
        ({"hostname": ("a" * 1001,)}, "longer than 1000"),
    ],
)
def test_a_row_that_cannot_be_read_is_counted_and_told(change, words: str) -> None:
    start = DAY.start.timestamp()
    good = decoding.cast(sent(answer(language.detection("raw"), EVENTS, start, start + 86400)[0]))
    found, read = mapping.detections([good, good | change], SCOPE)
    assert len(found) == 1 and read.rejected == 1 and words in read.examples[0] and "row 2" in read.examples[0]


def test_every_message_is_carried_and_none_of_them_is_the_last_word() -> None:
    said = [("WARN", "first \x1b[31mred"), ("INFO", "Your timerange was substituted."), ("DEBUG", "last")]
    got, _, _ = fetched(Behaviour(states=(), messages=said))
    assert got.health.complete
    assert got.health.warnings[:3] == ("WARN: first  [31mred", "INFO: Your timerange was substituted.", "DEBUG: last")


@pytest.mark.parametrize(
    ("change", "scheme"),
    [
        ({}, "Bearer"),
        (LOGIN, "Splunk"),
        (LOGIN | {"auth": "basic"}, "Basic"),
    ],
)
def test_three_ways_to_sign(change, scheme: str) -> None:
    got, server, _ = fetched(**change)
    assert got.detections == reference(EVENTS)
    assert set(server.signed) - {""} == {scheme} and server.logins == (scheme == "Splunk")
    assert not any("testword" in str(entry) for entry in server.log)


def test_a_session_that_ended_is_opened_again_once() -> None:
    got, server, _ = fetched(Behaviour(states=(), session_calls=3), **LOGIN)
    assert got.detections == reference(EVENTS) and server.logins == 3 and not server.jobs
    with pytest.raises(Unauthorized, match="username and password"):
        fetched(Behaviour(states=(), session_calls=0), **LOGIN)
    with pytest.raises(Unauthorized, match="refused username and password") as told:
        fetched(Behaviour(refuse=True), **LOGIN)
    assert "testword" not in str(told.value)


def test_a_refused_token_names_the_variable_it_came_from() -> None:
    with pytest.raises(Unauthorized, match="refused SPLUNK_TOKEN") as told:
        fetched(Behaviour(refuse=True), token=NamedSecret("testtoken", "SPLUNK_TOKEN"))
    assert "testtoken" not in str(told.value)


def test_a_failed_job_is_removed_too() -> None:
    server, clock = Server(EVENTS, Behaviour(states=(), final="FAILED", failed=True)), FakeClock()
    with talking(server, clock) as source, pytest.raises(Incomplete):
        source.fetch(DAY)
    assert not server.jobs and server.log[-1][0] == "DELETE"
    server = Server(EVENTS, Behaviour(states=("RUNNING",) * 99))
    with talking(server, clock, deadline_s=10) as source, pytest.raises(Incomplete):
        source.fetch(DAY)
    assert not server.jobs, "a search that ran out of time does not keep its slot"


@pytest.mark.parametrize(
    ("events", "scopes", "words"),
    [
        ([], (), "scope unproven"),
        (EVENTS, ("other",), "scope unproven"),
        (NOISE, (), "scope proven by"),
    ],
)
def test_no_rows_never_reads_like_no_beaconing(events, scopes, words) -> None:
    got, _, _ = fetched(Behaviour(states=(), scopes=scopes), events, scope="index=mine")
    assert not got.detections
    assert any(w.startswith("0 rows") and words in w for w in got.health.warnings)
    assert got.health.complete is (words != "scope unproven" and not got.health.silent_hours)


def test_a_silent_source_is_incomplete() -> None:
    early = [e for e in EVENTS if e.start < (END - timedelta(hours=3)).timestamp()]
    got, _, _ = fetched(events=early)
    assert not got.health.complete and len(got.health.silent_hours) == 3
    assert sum("source silent" in w for w in got.health.warnings) == 2
    gap = [e for e in EVENTS if not 5 <= (e.start - DAY.start.timestamp()) / 3600 < 6]
    got, _, _ = fetched(events=gap)
    assert got.health.silent_hours == (DAY.start + timedelta(hours=5),) and not got.health.complete


def test_a_heartbeat_that_fails_does_not_lose_the_detections() -> None:
    got, _, _ = fetched(Behaviour(states=(), statuses={n: (502, {}) for n in range(5, 40)}))
    assert got.detections == reference(EVENTS) and not got.health.complete
    assert any("could not be counted" in w for w in got.health.warnings)


@given(host=st.text(max_size=40) | st.sampled_from([HOSTILE_HOST, '" | delete', "`id`", "\\", "a\n| outputlookup b"]))
def test_any_host_name_comes_through_whole_and_never_into_a_follow_up(host: str) -> None:
    start = DAY.start.timestamp()
    event = EVENTS[0]._replace(src_ip="10.0.0.44", dst_ip="203.0.113.5", dst_port=4444, hostname=host)
    events = [event._replace(start=start + n * 600) for n in range(100)]
    given_rows = [decoding.cast(sent(row)) for row in answer(language.detection("raw"), events, start, start + 86400)]
    found, read = mapping.detections(given_rows, SCOPE)
    assert len(found) + read.rejected == 1
    assert all(d.hostname in (host.strip(), "") for d in found)
    follow_up = language.traffic([language.tuple_key(d.src_ip, d.dst_ip, d.dst_port) for d in found], "raw")
    assert follow_up == language.traffic(["10.0.0.44 203.0.113.5 4444"][: len(found)], "raw")


def test_only_v1_is_asked_once_v2_is_known_to_be_missing() -> None:
    _, server, _ = fetched(Behaviour(states=(), old=True))
    assert [path for _, path in server.log if path.startswith(V2)] == [V2]
    assert sum(path.startswith(V1) for _, path in server.log) == 2 * LEAST
